"""The handshake in which a registry names its token server: pure, no requests are sent here.

https://distribution.github.io/distribution/spec/auth/token/
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from requests.utils import parse_dict_header

CLIENT_ID = "r2d-action"
PULL = "pull"
PUSH = "pull,push"


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
class Challenge:
    """A ``WWW-Authenticate`` header: ``scheme`` in lower case."""

    scheme: str
    parameters: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, header: str) -> Challenge:
        scheme, _, rest = header.strip().partition(" ")
        pairs: dict[str, str | None] = parse_dict_header(rest)  # type: ignore[no-untyped-call]
        found = {key.lower(): value or "" for key, value in pairs.items()}
        return cls(scheme.lower(), tuple(found.items()))

    def get(self, name: str) -> str:
        return dict(self.parameters).get(name, "")


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A GET with the header ``basic`` (none for nobody), or a POST of ``form``."""

    url: str
    basic: str | None = None
    form: tuple[tuple[str, str], ...] = ()


def token_request(challenge: Challenge, scope: str, credential: Credential | None) -> TokenRequest:
    """An identity token is exchanged by OAuth's refresh grant, a password is shown."""
    realm, service = challenge.get("realm"), challenge.get("service")
    asked = tuple((k, v) for k, v in (("service", service), ("scope", scope)) if v)
    if credential and credential.identity_token:
        grant = (("grant_type", "refresh_token"), ("refresh_token", credential.identity_token))
        return TokenRequest(realm, form=(*asked, ("client_id", CLIENT_ID), *grant))
    url = f"{realm}{'&' if '?' in realm else '?'}{urlencode(asked)}"
    return TokenRequest(url, basic_authorization(credential) if credential else None)


def basic_authorization(credential: Credential) -> str:
    pair = f"{credential.username}:{credential.password}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"


def token_in(answer: Mapping[str, Any]) -> str:
    """Token servers say ``token``, OAuth ones ``access_token``; both must be taken."""
    found = answer.get("token") or answer.get("access_token") or ""
    return found if isinstance(found, str) else ""
