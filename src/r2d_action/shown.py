"""What a program wrote for a terminal, for those who read it elsewhere."""

from __future__ import annotations

import re

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def as_shown(line: str) -> str:
    """A line as a terminal shows it in the end, without colours and without orders.

    A carriage return starts a progress bar's line again: the last state counts.
    """
    state = line.rstrip("\r\n").rpartition("\r")[2]
    return _CONTROLS.sub("", without_escapes(state))


def without_escapes(text: str) -> str:
    return _ESCAPES.sub("", text)
