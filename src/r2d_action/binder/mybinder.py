"""MYBINDERORG_TAG: have mybinder.org build the repository before its first visitor comes.

BinderHub answers a request for a build with server-sent events, each a JSON object with
a ``phase`` and a ``message``; its own errors are events too, under HTTP status 200.
https://binderhub.readthedocs.io/en/latest/api.html
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from urllib.parse import quote

import requests

from r2d_action import __version__
from r2d_action.retry import Retry, Temporary

MYBINDER = "https://mybinder.org"
TIME_LIMIT = 900.0
"""Seconds for which a build is followed; it goes on without us."""
CONNECT_TIMEOUT = 20.0
# BinderHub breaks every silence after 25 seconds.
SILENCE_TIMEOUT = 60.0
LONGEST_WAIT = 120.0
LAST_LINES = 20
MAX_REDIRECTS = 5

# `built` is the end for us: who goes on listening is given a running server.
_BUILT_PHASES = frozenset({"built", "launching", "ready"})
_FAILED_PHASES = frozenset({"failed", "failure"})


class TriggerOutcome(str, Enum):
    BUILT = "built"
    UNFINISHED = "unfinished"
    FAILED = "failed"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Triggered:
    """What came of it. ``last_lines`` are the end of the build's log, oldest first.

    ``phase`` is the last one that mybinder.org named, ``image`` empty unless it told.
    """

    outcome: TriggerOutcome
    launch_url: str
    note: str
    phase: str = ""
    image: str = ""
    last_lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BinderSource:
    """What mybinder.org builds: ``repository`` is ``owner/name`` at GitHub."""

    repository: str
    ref: str

    @property
    def path(self) -> str:
        """As links to mybinder.org have it: a branch by its short name, its slashes kept.

        mybinder.org chooses one of its clusters by this text, and an image built in
        another one than the visitors' would be of no use to them.
        """
        short = self.ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
        return f"gh/{quote(self.repository)}/{quote(short)}"


@dataclass(slots=True)
class _Following:
    """What has been heard so far, over all connections."""

    say: Callable[[str], None]
    phase: str = ""
    image: str = ""
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))

    def hear(self, event: dict[str, object]) -> None:
        self.phase = str(event.get("phase") or self.phase).lower()
        self.image = str(event.get("imageName") or self.image)
        for raw in str(event.get("message") or "").splitlines():
            line = raw.strip()
            # Progress comes as the same line over and over.
            if line and line != next(reversed(self.lines), ""):
                self.lines.append(line)
                self.say(line)


def trigger(
    session: requests.Session,
    source: BinderSource,
    *,
    say: Callable[[str], None],
    sleep: Callable[[float], None],
    clock: Callable[[], float],
    base_url: str = MYBINDER,
) -> Triggered:
    """Ask for the build and follow it. Trouble is told in the result, never raised."""
    deadline = clock() + TIME_LIMIT
    following = _Following(say)
    retry = Retry(sleep, say, tries=2, first_wait=10.0, longest_wait=LONGEST_WAIT)

    def follow() -> TriggerOutcome:
        return _follow(session, f"{base_url}/build/{source.path}", following, clock, deadline)

    try:
        outcome, reason = retry("mybinder.org", follow), ""
    except (Temporary, _Refused) as trouble:
        outcome, reason = TriggerOutcome.UNREACHABLE, str(trouble)
    return Triggered(
        outcome=outcome,
        launch_url=f"{base_url}/v2/{source.path}",
        note=_note(outcome, reason, following),
        phase=following.phase,
        image=following.image,
        last_lines=tuple(following.lines),
    )


def read_events(lines: Iterable[bytes]) -> Iterator[str]:
    """The data of each complete event; comments, names and numbers of events are left out.

    https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
    """
    data: list[bytes] = []
    for line in lines:
        if line.startswith(b"data:"):
            data.append(line.removeprefix(b"data:").removeprefix(b" "))
        elif not line and data:
            yield b"\n".join(data).decode(errors="replace")
            data.clear()


class _Refused(Exception):
    """An answer that another try would not change."""


def _follow(
    session: requests.Session,
    url: str,
    following: _Following,
    clock: Callable[[], float],
    deadline: float,
) -> TriggerOutcome:
    """How the build ended, as far as one connection tells. Raises Temporary and _Refused."""
    try:
        with _open(session, url) as answer:
            _require_stream(answer)
            for data in read_events(_until(deadline, clock, answer.iter_lines())):
                following.hear(_parsed(data))
                if following.phase in _FAILED_PHASES:
                    return TriggerOutcome.FAILED
                if following.phase in _BUILT_PHASES:
                    return TriggerOutcome.BUILT
    except requests.RequestException as trouble:
        raise Temporary(f"the connection failed ({type(trouble).__name__})") from trouble
    except TimeoutError:
        return TriggerOutcome.UNFINISHED
    raise Temporary("the connection ended before the build did")


def _open(session: requests.Session, url: str) -> requests.Response:
    """The answer at the end of the redirects: mybinder.org hands over to one of its clusters."""
    for _ in range(MAX_REDIRECTS):
        answer = session.get(
            url,
            headers={
                "Accept": "text/event-stream",
                # What is compressed arrives in lumps.
                "Accept-Encoding": "identity",
                "User-Agent": f"r2d-action/{__version__}",
            },
            auth=_nobody,
            stream=True,
            timeout=(CONNECT_TIMEOUT, SILENCE_TIMEOUT),
            allow_redirects=False,
        )
        target = session.get_redirect_target(answer)
        if not target:
            return answer
        answer.close()
        url = requests.compat.urljoin(url, target)
    raise _Refused("it sent us from one address to the next without end")


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keeps requests from sending a password of the user's .netrc, to any of the addresses."""
    return request


def _require_stream(answer: requests.Response) -> None:
    status = f"it answered {answer.status_code} {answer.reason}"
    if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS or answer.status_code >= 500:
        asked = answer.headers.get("Retry-After", "")
        wait = float(asked) if asked.isdigit() else None
        if wait is not None and wait > LONGEST_WAIT:
            raise _Refused(f"{status} and wants no other request for {wait / 60:.0f} minutes")
        raise Temporary(status, wait)
    if answer.status_code != HTTPStatus.OK:
        raise _Refused(status)
    if not answer.headers.get("Content-Type", "").startswith("text/event-stream"):
        raise Temporary("it answered with a page instead of the progress of a build")


def _until(deadline: float, clock: Callable[[], float], lines: Iterable[bytes]) -> Iterator[bytes]:
    """Raises ``TimeoutError`` at the first line after the deadline."""
    for line in lines:
        if clock() > deadline:
            raise TimeoutError
        yield line


def _parsed(data: str) -> dict[str, object]:
    try:
        event = json.loads(data)
    except ValueError:
        event = None
    return event if isinstance(event, dict) else {"message": data}


def _note(outcome: TriggerOutcome, reason: str, following: _Following) -> str:
    last = next(reversed(following.lines), "it gave no reason")
    return {
        TriggerOutcome.BUILT: "mybinder.org has the image ready.",
        TriggerOutcome.UNFINISHED: (
            f"mybinder.org is still building after {TIME_LIMIT / 60:.0f} minutes, and goes on "
            "by itself."
        ),
        TriggerOutcome.FAILED: f"mybinder.org could not build the repository: {last}",
        TriggerOutcome.UNREACHABLE: (
            f"mybinder.org could not be asked for a build: {reason}. It will build when the "
            "first visitor comes."
        ),
    }[outcome]
