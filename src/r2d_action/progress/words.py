"""Steps and their times, as people read them."""

from __future__ import annotations

import re

# repo2docker times its longest steps, and by that hides what they are.
_TIMER = re.compile(r"TIMEFORMAT='[^']*' bash -c '(?:time )?")


def duration(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``3 min 10 s``, ``1 h 5 min``"""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def shortened(instruction: str) -> str:
    """In one line that begins with what is done."""
    return _TIMER.sub("", " ".join(instruction.split()))
