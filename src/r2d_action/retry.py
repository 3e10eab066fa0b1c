"""Try again what is temporary, and say how often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

Result = TypeVar("Result")


class Temporary(Exception):
    """Worth another try. ``retry_after`` is the wait in seconds that the other side asks for."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Retry:
    """``tries`` in all; the waits, in seconds, double from ``first_wait`` to ``longest_wait``."""

    sleep: Callable[[float], None]
    say: Callable[[str], None]
    tries: int = 5
    first_wait: float = 1.0
    longest_wait: float = 60.0

    def __call__(self, doing: str, action: Callable[[], Result]) -> Result:
        """The result of ``action``; its last :class:`Temporary` when no try is left."""
        for attempt in range(1, self.tries):
            try:
                return action()
            except Temporary as trouble:
                wait = self._wait(attempt, trouble)
                self.say(
                    f"{doing}: {trouble.reason}; try {attempt} of {self.tries} failed, "
                    f"next in {wait:.0f} s"
                )
                self.sleep(wait)
        return action()

    def _wait(self, attempt: int, trouble: Temporary) -> float:
        asked = trouble.retry_after
        wait = self.first_wait * 2 ** (attempt - 1) if asked is None else asked
        return min(max(wait, 0.0), self.longest_wait)
