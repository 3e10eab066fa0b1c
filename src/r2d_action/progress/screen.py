"""A terminal that shows how far a run is, below what has been said for good."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from r2d_action.progress.drawing import Drawing
from r2d_action.progress.state import Mark, Progress

FRAMES_PER_SECOND = 5


@dataclass(slots=True)
class LiveScreen:
    """A :class:`r2d_action.runner.Screen`. ``progress`` is never locked while anything is
    printed: who prints waits for who draws, and who draws for the lock."""

    progress: Progress
    console: Console
    in_group: bool = False

    def say(self, line: str, *, stays: bool) -> None:
        if self.in_group and not stays:
            self.progress.hear(line)
        else:
            self._print(line)

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        self.progress.hear(f"── {title}")
        self.in_group = True
        try:
            yield
        finally:
            self.in_group = False

    def end(self, mark: Mark) -> None:
        stage = self.progress.stage
        if stage and mark is Mark.FAILED:
            for line in stage.said:
                self._print(line)
        self.progress.end(mark)

    def _print(self, line: str) -> None:
        # Wrapped by the terminal itself, it can be copied as the one line that it is.
        self.console.print(Text(line), soft_wrap=True)


@contextmanager
def drawn(progress: Progress, stream: TextIO) -> Iterator[LiveScreen]:
    """Leaves the last state on the terminal, and the cursor as it was, however this ends."""
    console = Console(file=stream, force_terminal=True, highlight=False)
    live = Live(
        Drawing(progress),
        console=console,
        refresh_per_second=FRAMES_PER_SECOND,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    with live:
        yield LiveScreen(progress, console)
