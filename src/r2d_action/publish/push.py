"""The layers, from the engine to the registry."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from docker.errors import APIError

from r2d_action.engine import Engine
from r2d_action.errors import LoginFailed, PublishFailed
from r2d_action.reference import Digest, Reference
from r2d_action.registry.auth import Credential
from r2d_action.registry.explanation import explained
from r2d_action.registry.login import Login
from r2d_action.registry.refusal import RegistryError, printable
from r2d_action.retry import Retry, Temporary


def push(
    source: Reference,
    *,
    engine: Engine,
    login: Login,
    retry: Retry,
    say: Callable[[str], None],
) -> Digest | None:
    """The digest that the engine says it pushed. A credential that ends during a long push is
    renewed, and the push goes on with the layers that are missing."""

    def attempt(credential: Credential | None) -> Digest | None:
        try:
            progress = engine.client.images.push(
                source.repository.name,
                str(source.tag),
                stream=True,
                decode=True,
                auth_config=auth_config(credential),
            )
            return _follow(progress, source, say)
        except APIError as error:
            raise _refusal(str(error.explanation or error), source) from error

    say(f"pushing {source}")
    credential = login.credential()
    doing = f"push of {source}"
    try:
        return retry(doing, lambda: attempt(credential))
    except LoginFailed:
        renewed = login.renewed(credential)
        if renewed is None:
            raise
    say("the login has ended or was refused: going on with a new one")
    return retry(doing, lambda: attempt(renewed))


def auth_config(credential: Credential | None) -> dict[str, str]:
    # Not None: docker's library would then go and look for a login by itself.
    if credential is None:
        return {}
    if credential.identity_token:
        return {"identitytoken": credential.identity_token}
    return {"username": credential.username, "password": credential.password}


def _follow(
    progress: Iterable[Mapping[str, Any]], source: Reference, say: Callable[[str], None]
) -> Digest | None:
    """The digest that the engine says it pushed. Raises what an error in the stream means."""
    told: set[str] = set()
    digest = error = ""
    # To its end even after an error: a stream left in the middle keeps its connection open.
    for step in progress:
        error = step.get("error", error)
        digest = step.get("aux", {}).get("Digest", digest)
        line = f"  {step.get('id', '')}: {step.get('status', '')}"
        if _LAYER_DONE.search(line) and line not in told:
            told.add(line)
            say(line)
    if error:
        raise _refusal(error, source)
    return Digest(digest) if digest else None


_LAYER_DONE = re.compile(r": (Pushed|Layer already exists|Mounted from .*)$")
# The engine tells of the network in prose only.
_TEMPORARY = re.compile(
    r"\b(429|50[234])\b|too many requests|connection (reset|refused)|broken pipe|\bEOF$"
    r"|i/o timeout|TLS handshake timeout|temporary failure in name resolution|server misbehaving",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"denied|unauthorized|authentication required|no basic auth|forbidden|\b40[13]\b", re.IGNORECASE
)


def _refusal(message: str, source: Reference) -> Exception:
    message = printable(message)
    if _DENIED.search(message):
        host = source.repository.registry.host
        error = RegistryError(host, HTTPStatus.FORBIDDEN, "", message)
        return explained(error, source.repository)
    if _TEMPORARY.search(message):
        return Temporary(message)
    return PublishFailed(
        f"{source} was not pushed: the engine says: {message}. Mend that, and run the job "
        "again: it sends only what is missing."
    )
