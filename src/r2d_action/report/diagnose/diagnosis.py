"""What is said about a failed build."""

from __future__ import annotations

from dataclasses import dataclass

from r2d_action.errors import Place


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """``what`` and ``why`` are one sentence each, ``remedy`` may hold lines to paste."""

    what: str
    why: str
    remedy: str
    place: Place | None = None
    link: str = ""
