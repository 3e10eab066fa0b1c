"""Why a build failed, read from what it said."""

from __future__ import annotations

from collections.abc import Sequence

from r2d_action.report.diagnose.diagnosis import Diagnosis
from r2d_action.report.diagnose.sources import Sources

__all__ = ["Diagnosis", "Sources", "diagnose"]


def diagnose(lines: Sequence[str], sources: Sources) -> Diagnosis:
    return Diagnosis(what="The build failed.", why="", remedy="\n".join(lines[-10:]), place=None)
