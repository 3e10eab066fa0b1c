"""Follow a server's start until it is ready."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus

from r2d_action.errors import HubFailed
from r2d_action.hub.jupyterhub import Hub, Refused, ServerName
from r2d_action.retry import Temporary
from r2d_action.server_sent_events import read_events

LAST_MESSAGES = 12


@dataclass(slots=True)
class Progress:
    """What the hub has said about a start so far, over all connections."""

    say: Callable[[str], None]
    messages: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_MESSAGES))
    failed: bool = False
    ready: bool = False

    def hear(self, event: dict[str, object]) -> None:
        self.failed = event.get("failed") is True
        self.ready = event.get("ready") is True
        message = " ".join(str(event.get("message") or "").split())
        if message and message not in self.messages:
            self.messages.append(message)
            self.say(f"  {message}")

    @property
    def over(self) -> bool:
        return self.failed or self.ready

    @property
    def story(self) -> str:
        return "\n".join(f"    {message}" for message in self.messages)


def follow(
    hub: Hub, server: ServerName, say: Callable[[str], None], remaining: Callable[[], float]
) -> None:
    """Return when the server is ready. Raises :class:`HubFailed` with the hub's own reason.

    A connection that breaks is made again, by the same retries as any other request.
    """
    progress = Progress(say)

    def listen() -> None:
        with hub.progress(server) as lines:
            for event in events(_while(remaining, lines)):
                progress.hear(event)
                if progress.over:
                    return
        raise Temporary("the connection ended before the start did")

    try:
        hub.api.retry(f"following the start of {server}", listen)
    except TimeoutError:
        raise _too_slow(server, progress) from None
    except Temporary as trouble:
        raise HubFailed(
            f"The hub does not tell how the start of {server} goes on: {trouble.reason}."
        ) from trouble
    except Refused as refusal:
        raise _lost(server, refusal) from refusal
    if not progress.ready:
        raise _failed(server, progress)


def events(lines: Iterable[bytes]) -> Iterator[dict[str, object]]:
    """What is not an object of JSON is left out."""
    for data in read_events(lines):
        try:
            event = json.loads(data)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event


def _while(remaining: Callable[[], float], lines: Iterable[bytes]) -> Iterator[bytes]:
    """Raises ``TimeoutError`` at the first line after the time is over: a hub breaks every
    silence after 8 seconds."""
    for line in lines:
        if remaining() <= 0:
            raise TimeoutError
        yield line


def _failed(server: ServerName, progress: Progress) -> HubFailed:
    last = progress.messages[-1] if progress.messages else "The hub gave no reason."
    return HubFailed(
        f"The hub could not start {server} with this image: {last}",
        remedy=f"The hub's messages:\n{progress.story}" if len(progress.messages) > 1 else "",
    )


def _too_slow(server: ServerName, progress: Progress) -> HubFailed:
    return HubFailed(
        f"The hub was still starting {server} when the time for it was over. A new node and a "
        "large image take longer; write for example `HUB_VERIFY_TIMEOUT: 30m`.",
        remedy=f"The hub's last messages:\n{progress.story}" if progress.messages else "",
    )


def _lost(server: ServerName, refusal: Refused) -> HubFailed:
    if refusal.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND}:
        return HubFailed(
            f"Somebody else stopped {server} while it was starting: {refusal.message}. Give the "
            "check a user of its own in HUB_VERIFY_USER."
        )
    return HubFailed(f"The hub does not tell how the start of {server} goes on: {refusal}.")
