"""What the token servers and APIs of clouds answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar

from r2d_action.errors import LoginFailed
from r2d_action.registry.refusal import printable
from r2d_action.retry import Retry, Temporary

Result = TypeVar("Result")

SAID = ("error_description", "message", "detail")


class Refused(Exception):
    """``code`` is the server's own word for it, ``said`` its explanation without secrets;
    both are empty where it gave none."""

    def __init__(self, host: str, status: int, code: str, said: str) -> None:
        super().__init__(f"{host} answered {status} {code}".rstrip())
        self.host = host
        self.status = status
        self.code = code
        self.said = said

    def __str__(self) -> str:
        return f"{self.host} answered {self.status}" + (f": {self.said}" if self.said else "")


def accepted(host: str, status: int, body: str) -> Mapping[str, Any]:
    """The answer's content.

    Raises :class:`Refused`, :class:`Temporary`, and :class:`LoginFailed` for a page in place of
    an answer.
    """
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Temporary(f"{host} answered {status}")
    content = _content(body)
    if content is None:
        raise LoginFailed(
            f"{host} answered {status} with a page in place of a token, which usually is a proxy's "
            "or a firewall's; let this runner reach that host directly."
        )
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        raise Refused(host, status, *_refusal(content))
    return content


def text_in(content: Mapping[str, Any], name: str, host: str) -> str:
    """Raises :class:`LoginFailed` for an answer without it."""
    value = content.get(name)
    if not value or not isinstance(value, str):
        raise LoginFailed(f"{host} answered without a token; run the job again later.")
    return value


def patiently(retry: Retry, doing: str, action: Callable[[], Result]) -> Result:
    """Raises :class:`LoginFailed` when no try is left."""
    try:
        return retry(doing, action)
    except Temporary as trouble:
        raise LoginFailed(
            f"{trouble.reason}, {retry.tries} times in a row, so there was no {doing}; run the job "
            "again later."
        ) from trouble


def _content(body: str) -> Mapping[str, Any] | None:
    try:
        content = json.loads(body or "{}")
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _refusal(content: Mapping[str, Any]) -> tuple[str, str]:
    """OAuth's form, Google's ``error`` object, the ``errors`` of a registry, or quay's
    ``message``, which its API calls ``detail``."""
    error = content.get("error") or next(iter(content.get("errors") or ()), "")
    if isinstance(error, dict):
        code, said = error.get("status") or error.get("code"), error.get("message")
    else:
        said = next((content[name] for name in SAID if content.get(name)), "")
        code = error
    return printable(str(code or "")), printable(str(said or ""))
