"""The lines that stand at the bottom of a terminal while a run lasts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, OverflowMethod, RenderResult
from rich.text import Text

from r2d_action.progress.state import Mark, Progress, Stage, elapsed_of
from r2d_action.progress.steps import Step
from r2d_action.progress.words import duration, shortened

# Columns: ``12 min 10 s``, ``last time 12 min 10 s``.
ELAPSED = 13
LAST_TIME = 23
# Further apart, the eye loses the line.
WIDEST = 110
# Where there is less room for names, the times of the last run make way, then all times.
NARROWEST_NAME = 24
# Builders work on several stages of a Dockerfile at a time.
MOST_STEPS = 3
WORTH_A_LINE = 1.0  # seconds

SIGNS = {
    Mark.WAITING: ("○", "-", "dim"),
    Mark.RUNNING: ("●", ">", "bold cyan"),
    Mark.DONE: ("✓", "+", "green"),
    Mark.FAILED: ("✗", "x", "bold red"),
    Mark.STOPPED: ("✗", "x", "yellow"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """``seconds`` so far and ``last`` time, None where there is nothing to say."""

    text: str
    style: str = ""
    seconds: float | None = None
    last: float | None = None

    @property
    def last_time(self) -> str:
        """Of what never takes a second nobody wants to know."""
        if self.last is None or max(self.last, self.seconds or 0.0) < WORTH_A_LINE:
            return ""
        return f"last time {duration(self.last)}"

    def times(self, *, with_last: bool) -> str:
        elapsed = "" if self.seconds is None else duration(self.seconds)
        last = f"  {self.last_time:<{LAST_TIME - 2}}" if with_last else ""
        return f"{elapsed:>{ELAPSED}}{last}"


@dataclass(frozen=True, slots=True)
class Drawing:
    """What rich draws, again and again, at the width that the terminal has by then."""

    progress: Progress

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        with self.progress.lock:
            rows = tuple(rows_of(self.progress, ascii_only=options.ascii_only))
        width = min(options.max_width, WIDEST)
        room = width - NARROWEST_NAME
        with_last = room >= ELAPSED + LAST_TIME and any(row.last_time for row in rows)
        for row in rows:
            times = row.times(with_last=with_last) if room >= ELAPSED else ""
            yield _line(row, times, width, options.encoding)


def rows_of(progress: Progress, *, ascii_only: bool) -> Iterator[Row]:
    for stage in progress.stages:
        sign, plain_sign, style = SIGNS[stage.mark]
        text = f"{plain_sign if ascii_only else sign} {stage.title}"
        elapsed = None if stage.mark is Mark.WAITING else progress.elapsed(stage)
        yield Row(text, style, elapsed, progress.times.of(stage.title))
        for step in _shown_steps(stage):
            last = progress.times.of(step.instruction)
            yield Row(f"    {_name(step)}", "", elapsed_of(step, stage.steps), last)
        if stage.mark is Mark.RUNNING and stage.saying:
            yield Row(f"    {stage.saying}", "dim")


def _shown_steps(stage: Stage) -> Sequence[Step]:
    if stage.mark is Mark.RUNNING:
        return _foremost(stage.steps.running)
    if stage.mark is Mark.DONE:
        return _slowest(stage.steps.known)
    return _foremost(tuple(step for step in stage.steps.known if step.is_unfinished))


def _foremost(steps: Sequence[Step]) -> Sequence[Step]:
    """An instruction of the Dockerfile says more than what the builder does beside it."""
    return (tuple(step for step in steps if step.place) or steps)[-MOST_STEPS:]


def _slowest(steps: Sequence[Step]) -> Sequence[Step]:
    slow = (step for step in steps if (step.seconds or 0.0) >= WORTH_A_LINE)
    slowest = sorted(slow, key=lambda step: step.seconds or 0.0)[-MOST_STEPS:]
    return sorted(slowest, key=lambda step: step.start)


def _name(step: Step) -> str:
    instruction = shortened(step.instruction)
    return f"[{step.place}] {instruction}" if step.place else instruction


def _line(row: Row, times: str, width: int, encoding: str) -> Text:
    """One line, never more: what is wider would move all that is drawn after it."""
    # What a terminal cannot show it would show as something longer.
    text = Text(row.text.encode(encoding, errors="replace").decode(encoding), style=row.style)
    overflow: OverflowMethod = "ellipsis" if encoding.startswith("utf") else "crop"
    if times.strip():
        text.truncate(width - len(times), overflow=overflow, pad=True)
        return text.append(times.rstrip())
    text.truncate(width, overflow=overflow)
    return text
