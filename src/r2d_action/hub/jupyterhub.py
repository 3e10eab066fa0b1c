"""A JupyterHub, asked over its REST API as a service or a user.

https://jupyterhub.readthedocs.io/en/stable/reference/rest-api.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import requests

from r2d_action import __version__
from r2d_action.addresses import is_loopback
from r2d_action.authorization import Bearer
from r2d_action.errors import HubFailed, InputError
from r2d_action.retry import Retry, Temporary

# Longer than a hub keeps a request for a new server waiting (slow_spawn_timeout).
TIMEOUT_SECONDS = (10.0, 90.0)
# A proxy answers so while the hub behind it restarts.
TEMPORARY = frozenset({502, 503, 504})
# What people copy from their browser's address bar.
INNER_PAGES = re.compile(r"/(hub|user|services)(/.*)?$")


@dataclass(frozen=True, slots=True)
class HubAddress:
    """``base`` is where the hub is reached from outside, with no slash at the end."""

    base: str

    @classmethod
    def parse(cls, text: str) -> HubAddress:
        """Raises :class:`InputError`."""
        parts = urlsplit(text.strip())
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
            raise InputError(
                f"HUB_URL: {parts.hostname or text!r} is not the address of a hub; write for "
                "example `HUB_URL: https://hub.example.org`."
            )
        if parts.scheme == "http" and not is_loopback(text.strip()):
            raise InputError(
                "HUB_URL begins with http://, where everybody on the way could read the token; "
                f"write `HUB_URL: https://{parts.netloc}{parts.path}`."
            )
        path = INNER_PAGES.sub("", parts.path.rstrip("/"))
        return cls(f"{parts.scheme}://{parts.netloc}{path}")

    def of(self, path_or_url: str) -> str:
        """The whole address of what the hub names by its path alone."""
        return urljoin(self.base, path_or_url)


class Refused(Exception):
    """An answer that is none of those that were hoped for; ``message`` is the hub's own, and
    ``retry_after`` the seconds after which it wants to be asked again, if it said so."""

    def __init__(self, status: int, message: str, retry_after: float | None = None) -> None:
        super().__init__(f"{status} {message}".rstrip())
        self.status = status
        self.message = message
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Api:
    """What is below ``url``, which ends in a slash, to the bearer of ``token``.

    Redirects are never followed: the token is meant for this address alone.
    """

    session: requests.Session
    url: str
    token: str = field(repr=False)
    retry: Retry

    def ask(self, method: str, path: str, body: object = None) -> requests.Response:
        """Raises :class:`Refused`, and :class:`HubFailed` when no answer comes at all."""
        try:
            return self.retry(
                f"{method} {self.url}{path}", lambda: _accepted(self._send(method, path, body))
            )
        except Temporary as trouble:
            raise HubFailed(
                f"{self.url} does not answer: {trouble.reason}. See whether the hub is up, and "
                "whether HUB_URL is its address as seen from this job."
            ) from trouble

    def ask_json(self, method: str, path: str, body: object = None) -> Mapping[str, Any]:
        """The JSON object that is answered. Raises like :meth:`ask`."""
        answer = self.ask(method, path, body)
        try:
            value = answer.json()
        except ValueError:
            value = None
        if not isinstance(value, dict):
            kind = answer.headers.get("Content-Type", "something unnamed")
            raise Refused(answer.status_code, f"an answer of {kind} instead of a JSON object")
        return value

    @contextmanager
    def stream(self, path: str) -> Iterator[requests.Response]:
        """Raises :class:`Refused` and :class:`Temporary`."""
        with self._send("GET", path, stream=True) as answer:
            yield _accepted(answer)

    def _send(
        self, method: str, path: str, body: object = None, *, stream: bool = False
    ) -> requests.Response:
        try:
            answer = self.session.request(
                method,
                self.url + path,
                json=body,
                auth=Bearer(self.token, scheme="token"),
                headers={"User-Agent": f"r2d-action/{__version__}"},
                allow_redirects=False,
                stream=stream,
                timeout=TIMEOUT_SECONDS,
            )
        except (requests.ConnectionError, requests.Timeout) as trouble:
            raise Temporary(f"the connection failed ({type(trouble).__name__})") from trouble
        if answer.status_code in TEMPORARY:
            raise Temporary(f"it answered {answer.status_code} {answer.reason}")
        return answer


@dataclass(frozen=True, slots=True)
class ServerName:
    """A user's server; the one without a name is the user's default server."""

    user: str
    name: str = ""

    @property
    def path(self) -> str:
        user = f"users/{quote(self.user, safe='')}"
        return f"{user}/servers/{quote(self.name, safe='')}" if self.name else f"{user}/server"

    def __str__(self) -> str:
        return f"{self.user}/{self.name}" if self.name else f"the default server of {self.user}"


@dataclass(frozen=True, slots=True)
class Hub:
    address: HubAddress
    api: Api

    @classmethod
    def of(cls, address: HubAddress, token: str, session: requests.Session, retry: Retry) -> Hub:
        return cls(address, Api(session, f"{address.base}/hub/api/", token, retry))

    def below(self, path_or_url: str, token: str) -> Api:
        """Something else at the same hub: a service, a user's server."""
        return Api(self.api.session, self.address.of(path_or_url), token, self.api.retry)

    def version(self) -> str:
        """Anybody may ask for it. Raises :class:`HubFailed` where no JupyterHub answers."""
        try:
            return str(self.api.ask_json("GET", "")["version"])
        except (Refused, KeyError) as answer:
            raise HubFailed(
                f"{self.address.base} is not the address of a JupyterHub: {self.api.url} gave "
                f"{answer}. HUB_URL is what stands before /hub in the address of its pages."
            ) from answer

    def scopes(self) -> frozenset[str]:
        """What the token may do; empty for a hub that does not tell. Raises HubFailed."""
        try:
            return frozenset(self.api.ask_json("GET", "user").get("scopes", ()))
        except Refused as refusal:
            raise HubFailed(
                f"{self.address.base} does not know this token ({refusal.status}). See whether "
                "HUB_API_TOKEN is the api_token of a service in the hub's configuration, or a "
                "token from the hub's page /hub/token that has not expired."
            ) from refusal

    def servers(self, user: str) -> Mapping[str, Any]:
        """The user's servers that run or are about to, by name. Raises :class:`Refused`."""
        servers: Mapping[str, Any] = self.api.ask_json("GET", f"users/{quote(user, safe='')}").get(
            "servers", {}
        )
        return servers

    def start(self, server: ServerName, options: Mapping[str, str]) -> None:
        """Raises :class:`Refused`: 4xx, nothing was started; 500, the progress tells why."""
        self.api.ask("POST", server.path, dict(options) or None)

    def remove(self, server: ServerName) -> bool:
        """Stop it, and forget it if it has a name; whether it is gone. Raises :class:`Refused`."""
        body = {"remove": True} if server.name else None
        return self.api.ask("DELETE", server.path, body).status_code == HTTPStatus.NO_CONTENT

    @contextmanager
    def progress(self, server: ServerName) -> Iterator[Iterator[bytes]]:
        """The lines of the event stream. Raises :class:`Refused` and :class:`Temporary`."""
        try:
            with self.api.stream(f"{server.path}/progress") as answer:
                yield answer.iter_lines()
        except requests.RequestException as trouble:
            raise Temporary(f"the connection broke ({type(trouble).__name__})") from trouble

    def token_for(self, server: ServerName, seconds: int) -> str:
        """A token of the user's that opens this server alone, and for so long."""
        asked = {
            "note": "r2d-action: is the new image running?",
            "expires_in": seconds,
            "scopes": [f"access:servers!server={server.user}/{server.name}"],
        }
        tokens = f"users/{quote(server.user, safe='')}/tokens"
        return str(self.api.ask_json("POST", tokens, asked)["token"])


def _accepted(answer: requests.Response) -> requests.Response:
    if answer.is_redirect:
        # A query may carry what is not for everybody's eyes.
        target = urlsplit(answer.headers["Location"])._replace(query="", fragment="").geturl()
        raise Refused(answer.status_code, f"a redirect to {target}")
    if not answer.ok:
        wait = answer.headers.get("Retry-After", "")
        seconds = float(wait) if wait.isdigit() else None
        raise Refused(answer.status_code, _message_in(answer), seconds)
    return answer


def _message_in(answer: requests.Response) -> str:
    """The API's own words; a proxy's or a service's page has none."""
    try:
        return str(answer.json()["message"] or answer.reason)
    except (ValueError, KeyError, TypeError):
        return answer.reason or ""
