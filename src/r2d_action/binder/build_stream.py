"""What a BinderHub says while it builds: server-sent events, heard to the end.

Each event is a JSON object with a ``phase`` and a ``message``. BinderHub's own errors are
events too, with a ``status_code`` and under HTTP status 200.
https://binderhub.readthedocs.io/en/latest/api.html
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import requests

from r2d_action.retry import Temporary
from r2d_action.server_sent_events import read_events

LAST_LINES = 20
LONGEST_WAIT = 120.0

# `built` is the end for us: who goes on listening is given a running server.
_BUILT_PHASES = frozenset({"built", "launching", "ready"})
_FAILED_PHASES = frozenset({"failed", "failure"})


class Refused(Exception):
    """An answer that another try would not change. ``status`` is its HTTP status, 0 without."""

    def __init__(self, reason: str, status: int = 0) -> None:
        super().__init__(reason)
        self.status = status


class WouldLaunch(Refused):
    """This BinderHub does not build without starting a server."""


@dataclass(slots=True)
class Hearing:
    """What has been heard so far, over all connections. ``found`` as long as nothing but the
    finished image was spoken of."""

    say: Callable[[str], None]
    phase: str = ""
    image: str = ""
    found: bool = True
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))

    def hear(self, event: dict[str, Any]) -> None:
        """Raises :class:`Refused` and ``Temporary`` for an error of BinderHub itself."""
        _require_no_refusal(event)
        phase = str(event.get("phase") or self.phase).lower()
        if phase != self.phase:
            self.say(f"phase: {phase}")
        self.phase = phase
        self.found = self.found and phase in _BUILT_PHASES
        self.image = str(event.get("imageName") or self.image)
        for raw in str(event.get("message") or "").splitlines():
            self._hear_line(raw.strip())

    def _hear_line(self, line: str) -> None:
        # Progress comes as the same line over and over.
        if line and line != self.last_line:
            self.lines.append(line)
            self.say(line)

    @property
    def last_line(self) -> str:
        return next(reversed(self.lines), "")

    @property
    def is_built(self) -> bool:
        return self.phase in _BUILT_PHASES

    @property
    def has_failed(self) -> bool:
        return self.phase in _FAILED_PHASES


def events_in(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for data in read_events(lines):
        try:
            event = json.loads(data)
        except ValueError:
            event = None
        yield event if isinstance(event, dict) else {"message": data}


def require_stream(answer: requests.Response) -> None:
    """Raises :class:`Refused` and ``Temporary``."""
    if answer.status_code != HTTPStatus.OK:
        asked = answer.headers.get("Retry-After", "")
        wait = float(asked) if asked.isdigit() else None
        raise _trouble(
            f"it answered {answer.status_code} {answer.reason}", answer.status_code, wait
        )
    if not answer.headers.get("Content-Type", "").startswith("text/event-stream"):
        raise Refused(
            "it answered with a page instead of the progress of a build", answer.status_code
        )


def _require_no_refusal(event: dict[str, Any]) -> None:
    status = event.get("status_code")
    if isinstance(status, int) and status >= HTTPStatus.BAD_REQUEST:
        message = " ".join(str(event.get("message") or "").split())
        # Nothing else tells how long the limit lasts.
        asked = re.search(r"Try again in (\d+) seconds", message)
        wait = float(asked[1]) if asked else None
        raise _trouble(f"it answered {status} {message}".rstrip(" ."), status, wait)


def _trouble(reason: str, status: int, wait: float | None) -> Exception:
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        if wait is None or wait <= LONGEST_WAIT:
            return Temporary(reason, wait)
        reason = f"{reason}; it wants no other request for {wait / 60:.0f} minutes"
    if status == HTTPStatus.BAD_REQUEST and "enable_api_only_mode" in reason:
        return WouldLaunch(reason, status)
    return Refused(reason, status)
