"""The handshake in which a registry names its token server: pure, no requests are sent here.

https://distribution.github.io/distribution/spec/auth/token/
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

CLIENT_ID = "r2d-action"
PULL = "pull"
PUSH = "pull,push"
# What the specification says of a token that does not tell.
LIFETIME_SECONDS = 60.0
# The rest is for the way to the registry, and for clocks that differ.
USABLE_PART = 0.9
_REPOSITORY = "repository:"


@dataclass(frozen=True, slots=True)
class Credential:
    """``source`` says where it was found, for people; it never tells what it holds.
    ``expires`` is the end of its life in seconds since 1970, None when it has none."""

    username: str
    password: str
    source: str
    identity_token: str = ""
    expires: float | None = None

    def __repr__(self) -> str:
        return f"Credential({self.source})"


@dataclass(frozen=True, slots=True)
class Scope:
    """What a token is for: ``path`` names a repository within its registry."""

    path: str
    actions: str = PULL

    def covers(self, other: Scope) -> bool:
        return self.path == other.path and set(self._listed) >= set(other._listed)

    @property
    def _listed(self) -> list[str]:
        return self.actions.split(",")

    def __str__(self) -> str:
        return f"{_REPOSITORY}{self.path}:{self.actions}"


def scopes_in(text: str) -> tuple[Scope, ...]:
    """Those that concern repositories, of a challenge's ``scope``."""
    named = (
        word.removeprefix(_REPOSITORY) for word in text.split() if word.startswith(_REPOSITORY)
    )
    parts = (name.rpartition(":") for name in named)
    return tuple(Scope(path, actions) for path, _, actions in parts if path)


def opened(scopes: Iterable[Scope], by: Iterable[Scope]) -> bool:
    held = tuple(by)
    return all(any(one.covers(scope) for one in held) for scope in scopes)


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way in that a ``WWW-Authenticate`` header offers: ``scheme`` in lower case."""

    scheme: str
    parameters: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str:
        return dict(self.parameters).get(name, "")


_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - the grammar's word for a word
_PART = re.compile(
    rf'(?P<name>{_TOKEN})\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^\s,"]*))'
    rf"|(?P<scheme>{_TOKEN})"
)


def challenges_in(header: str) -> tuple[Challenge, ...]:
    """The challenges of a header, or of several that were joined by commas.

    https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
    """
    found: list[tuple[str, dict[str, str]]] = []
    for part in _PART.finditer(header):
        if part["scheme"]:
            found.append((part["scheme"].lower(), {}))
        elif found:
            value = re.sub(r"\\(.)", r"\1", part["quoted"] or "") or part["plain"] or ""
            found[-1][1].setdefault(part["name"].lower(), value)
    return tuple(Challenge(scheme, tuple(pairs.items())) for scheme, pairs in found)


def way_in(header: str) -> Challenge | None:
    """The challenge to take up: a token opens only what it is for, a password everything."""
    offered = {challenge.scheme: challenge for challenge in reversed(challenges_in(header))}
    bearer = offered.get("bearer")
    return bearer if bearer and bearer.get("realm") else offered.get("basic")


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A GET with the header ``basic`` (none for nobody), or a POST of ``form``."""

    url: str
    basic: str | None = None
    form: tuple[tuple[str, str], ...] = ()


def token_request(
    challenge: Challenge, scopes: tuple[Scope, ...], credential: Credential | None
) -> TokenRequest:
    """An identity token is exchanged by OAuth's refresh grant, a password is shown."""
    realm, service = challenge.get("realm"), challenge.get("service")
    asked = (("service", service),) if service else ()
    if credential and credential.identity_token:
        # OAuth has one scope, of words; the other way asks for each in turn.
        scope = ("scope", " ".join(map(str, scopes)))
        grant = (("grant_type", "refresh_token"), ("refresh_token", credential.identity_token))
        return TokenRequest(realm, form=(*asked, scope, ("client_id", CLIENT_ID), *grant))
    query = urlencode((*asked, *(("scope", str(scope)) for scope in scopes)))
    url = f"{realm}{'&' if '?' in realm else '?'}{query}"
    return TokenRequest(url, basic_authorization(credential) if credential else None)


def basic_authorization(credential: Credential) -> str:
    pair = f"{credential.username}:{credential.password}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"


@dataclass(frozen=True, slots=True)
class Token:
    """``until`` is when another one has to be asked for, in seconds since 1970."""

    value: str
    until: float

    def __repr__(self) -> str:
        return f"Token(until={self.until:.0f})"


def token_in(answer: Mapping[str, Any], now: float, server_now: float | None) -> Token | None:
    """Token servers say ``token``, OAuth ones ``access_token``; both must be taken.

    The age of a token that the server had in store is told by its own clock alone
    (``server_now``, of the answer's ``Date``), so that ours may be wrong.
    """
    value = answer.get("token") or answer.get("access_token")
    if not isinstance(value, str):
        return None
    told = answer.get("expires_in")
    lifetime = float(told) if isinstance(told, int | float) and told > 0 else LIFETIME_SECONDS
    issued = _seconds(answer.get("issued_at"))
    age = server_now - issued if server_now is not None and issued is not None else 0.0
    return Token(value, now + (lifetime - max(age, 0.0)) * USABLE_PART)


_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)")


def _seconds(moment: object) -> float | None:
    """Of an RFC 3339 time, to the second; Python before 3.11 reads no nanoseconds."""
    found = _MOMENT.fullmatch(moment) if isinstance(moment, str) else None
    if not found:
        return None
    return datetime.fromisoformat(found[1] + found[2].replace("Z", "+00:00")).timestamp()
