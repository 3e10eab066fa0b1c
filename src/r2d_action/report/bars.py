"""Pictures made of letters: they are read in a job's summary, in a comment, in a mail and on a
phone, wherever a table is. Drawn from zero, so that what is twice as long is twice as much."""

from __future__ import annotations

from collections.abc import Sequence

CELLS = 20
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LEVELS = "▁▂▃▄▅▆▇█"


def bar(value: float, largest: float) -> str:
    """As long as :data:`CELLS` for ``largest``, and never invisible."""
    whole, eighths = divmod(max(round(8 * CELLS * value / largest), 1) if largest else 1, 8)
    return ("█" * whole + _EIGHTHS[eighths]).rstrip()


def sparkline(values: Sequence[float]) -> str:
    largest = max(values, default=0)
    steps = len(_LEVELS) - 1
    return "".join(_LEVELS[round(steps * value / largest) if largest else 0] for value in values)
