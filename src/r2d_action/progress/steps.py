"""The steps of a build, told from the builder's lines as they come.

Lines look like ``#12 34.5 text``: step 12 said ``text`` after 34.5 seconds. The first line of a
step names it. https://docs.docker.com/reference/cli/docker/buildx/build/#progress
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

_LINE = re.compile(r"#([1-9]\d*) (.+)")
_PLACE = re.compile(r"\[ *((?:[^\]]* )?\d+/\d+)\] +")
_TIMED = re.compile(r"\d+\.\d+(?: (.*))?")
_DONE = re.compile(r"DONE (\d+(?:\.\d+)?)s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """``place`` is ``2/5`` or ``stage 2/5``, and empty for what no instruction asks for, such as
    the export of the image. ``start`` in seconds from the first one's; ``seconds`` is None while
    the step runs."""

    place: str
    instruction: str
    start: float
    seconds: float | None = None
    cached: bool = False
    failed: bool = False

    @property
    def worked(self) -> bool:
        """Ended well, and its layer was not there already: its time is worth to be known."""
        return self.seconds is not None and not self.cached and not self.failed

    @property
    def is_unfinished(self) -> bool:
        return self.seconds is None or self.failed


class Steps:
    """``clock`` counts seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._start = clock()
        self._known: dict[str, Step] = {}

    @property
    def known(self) -> tuple[Step, ...]:
        """In the order in which they began."""
        return tuple(self._known.values())

    @property
    def running(self) -> tuple[Step, ...]:
        return tuple(step for step in self.known if step.seconds is None)

    @property
    def now(self) -> float:
        """Seconds on the scale of :attr:`Step.start`."""
        return self._clock() - self._start

    def hear(self, line: str) -> str:
        """What a program says in this line, nothing where the builder keeps its own books."""
        match = _LINE.fullmatch(line.rstrip())
        if not match:
            return line
        number, text = match.groups()
        step = self._known.get(number)
        self._known[number] = self._after(step, text) if step else self._begun(text)
        timed = _TIMED.fullmatch(text)
        return timed[1] or "" if timed else ""

    def _begun(self, text: str) -> Step:
        place = _PLACE.match(text)
        return Step(
            place=" ".join(place[1].split()) if place else "",
            instruction=text[place.end() :] if place else text,
            start=self.now,
        )

    def _after(self, step: Step, text: str) -> Step:
        if done := _DONE.fullmatch(text):
            return replace(step, seconds=float(done[1]))
        if text == "CACHED":
            return replace(step, seconds=0.0, cached=True)
        if text.startswith(("ERROR: ", "CANCELED")):
            return replace(step, seconds=self.now - step.start, failed=True)
        # A base image is done when it is found, and again when its layers are there.
        return replace(step, seconds=None)
