"""A registry's refusal as a value, of which nothing secret can be printed.

Only the code, the message and the detail are read out of an answer, and what looks like
a credential is taken out of those too: registries and proxies repeat what they were sent.
https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

import requests

MOST_CHARACTERS = 300
HIDDEN = "***"
PROXY = "a proxy answered in place of the registry"


class RegistryError(Exception):
    """A registry's refusal. ``status`` is the HTTP status, 0 when no answer could be had for a
    reason that another try does not mend; ``code`` the registry's own word for it (``DENIED``,
    ``TAG_INVALID``), empty when it gave none; ``host`` is the one that refused, which may be
    the registry's token server."""

    def __init__(self, host: str, status: int, code: str, message: str, detail: str = "") -> None:
        answered = f" answered {status}" if status else ":"
        super().__init__(f"{host}{answered} {code or message}".rstrip())
        self.host = host
        self.status = status
        self.code = code
        self.message = message
        self.detail = detail

    @property
    def is_denial(self) -> bool:
        return self.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


def refusal(host: str, answer: requests.Response, secrets: Iterable[str] = ()) -> RegistryError:
    """``secrets`` are what the other side may know of us."""
    if is_page(answer):
        return RegistryError(host, answer.status_code, "", PROXY)
    try:
        code, message, detail = _told(answer.json())
    except (ValueError, requests.RequestException):
        code, message, detail = "", answer.reason or "", ""
    return RegistryError(
        host,
        answer.status_code,
        printable(code, secrets),
        printable(message, secrets),
        printable(detail, secrets),
    )


def damaged(host: str, status: int, what: str, claimed: str) -> RegistryError:
    return RegistryError(
        host, status, "DIGEST_INVALID", f"{what} is not what its digest {printable(claimed)} says"
    )


def is_page(answer: requests.Response) -> bool:
    """Registries never answer in HTML; the proxies before them do."""
    return "html" in answer.headers.get("Content-Type", "").lower()


def _told(content: Any) -> tuple[str, str, str]:
    """Code, message and detail: the distribution API's first error, else as OAuth servers
    (``error``, ``error_description``) and Docker Hub (``details``) say them."""
    errors = content.get("errors") if isinstance(content, Mapping) else None
    first = errors[0] if isinstance(errors, list) and errors else content
    if not isinstance(first, Mapping):
        return "", "", ""
    code = _text(first, "code", "error")
    return code, _text(first, "message", "error_description"), _text(first, "detail", "details")


def _text(content: Mapping[str, Any], *names: str) -> str:
    found = (content.get(name) for name in names)
    return next((text for text in found if text and isinstance(text, str)), "")


def printable(text: str, secrets: Iterable[str] = ()) -> str:
    """One line without ``secrets``, nor anything else that looks like a credential."""
    for secret in filter(None, secrets):
        text = text.replace(secret, HIDDEN)
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(text.split())[:MOST_CHARACTERS]


def _hide_opaque(found: re.Match[str]) -> str:
    """A long word without sense; the name of an image has no capitals, and is none."""
    word = found[0]
    mixed = all(any(map(kind, word)) for kind in (str.isupper, str.islower, str.isdigit))
    return HIDDEN if mixed or _HEXADECIMAL.fullmatch(word) else word


_HEXADECIMAL = re.compile(r"[0-9a-f]+")


_SECRETS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    # Addresses lose the user and the query, where signatures are.
    (re.compile(r"(https?://)(?:[^\s/@]*@)?([^\s/?#]*[^\s?#]*)[^\s]*"), r"\1\2"),
    (re.compile(r"\beyJ[\w-]{5,}(?:\.[\w-]*)*"), HIDDEN),
    (re.compile(r"\b(?:gh[a-z]_|github_pat_|dckr_|glpat-|AKIA|ASIA|ya29\.)[\w.-]+"), HIDDEN),
    (re.compile(r"(?i)\b(bearer|basic)\s+(?=\S*\d|\S{24})\S+"), rf"\1 {HIDDEN}"),
    (
        re.compile(
            r"(?i)\b([\w-]*(?:token|passw(?:or)?d|secret|signature|credentials?|authorization|key))"
            r"(\"?\s*=\s*|\"?\s*:\s*(?=\S*\d|\S{20}))[^\s,;&]+"
        ),
        rf"\1\2{HIDDEN}",
    ),
    (re.compile(r"(?<!sha256:)(?<![\w+=-])[\w+=-]{32,}"), _hide_opaque),
)
