"""How far a run is: its stages, the steps of the present one, and what was said of it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from threading import RLock

from r2d_action.progress.steps import Step, Steps
from r2d_action.progress.times import Times
from r2d_action.shown import as_shown

# What is told again of a stage that fails: its end, where the reason is.
LAST_LINES = 100
LONGEST_LINE = 2_000


class Mark(Enum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(slots=True)
class Stage:
    """``start`` is on the clock of its progress, ``seconds`` counts when the stage has ended;
    ``saying`` is the last thing that ``said`` has words for."""

    title: str
    steps: Steps
    mark: Mark = Mark.WAITING
    start: float = 0.0
    seconds: float = 0.0
    saying: str = ""
    said: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))


class Progress:
    """Told of by one thread and drawn by another, which holds ``lock`` meanwhile.

    ``clock`` counts seconds. No two stages have one title.
    """

    def __init__(self, titles: Sequence[str], clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.stages = tuple(Stage(title, Steps(clock)) for title in titles)
        self.times = Times()
        self.lock = RLock()

    @property
    def stage(self) -> Stage | None:
        """The one that runs."""
        return next((one for one in self.stages if one.mark is Mark.RUNNING), None)

    def elapsed(self, stage: Stage) -> float:
        return self.clock() - stage.start if stage.mark is Mark.RUNNING else stage.seconds

    def begin(self, title: str) -> None:
        with self.lock:
            stage = next(one for one in self.stages if one.title == title)
            stage.mark, stage.start, stage.steps = Mark.RUNNING, self.clock(), Steps(self.clock)

    def hear(self, line: str) -> None:
        """What a program says while a stage runs."""
        with self.lock:
            if stage := self.stage:
                stage.said.append(plain(line))
                known = len(stage.steps.known)
                words = plain(stage.steps.hear(line)).strip()
                # What another step said is no word of a new one.
                is_new = len(stage.steps.known) > known
                stage.saying = words or ("" if is_new else stage.saying)

    def end(self, mark: Mark) -> None:
        with self.lock:
            if stage := self.stage:
                stage.seconds, stage.mark = self.elapsed(stage), mark
                self._note(stage)

    def _note(self, stage: Stage) -> None:
        """Also of a build that failed: the steps before are no other the next time."""
        for step in stage.steps.known:
            if step.worked:
                self.times.note(step.instruction, step.seconds or 0.0)
        if stage.mark is Mark.DONE:
            self.times.note(stage.title, stage.seconds)


def elapsed_of(step: Step, steps: Steps) -> float:
    return steps.now - step.start if step.seconds is None else step.seconds


def plain(line: str) -> str:
    """Without what a terminal would obey: the text comes from whatever is installed."""
    text = as_shown(line)[:LONGEST_LINE]
    return "".join(letter for letter in text.expandtabs() if letter.isprintable())
