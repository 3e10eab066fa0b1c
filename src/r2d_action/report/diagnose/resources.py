"""The machine that builds has too little: disk or memory."""

from __future__ import annotations

import re

from r2d_action.report.diagnose.diagnosis import Diagnosis
from r2d_action.report.diagnose.passage import step_name, step_place
from r2d_action.report.diagnose.sources import Sources
from r2d_action.report.diagnose.stream import Stream
from r2d_action.report.diagnose.words import block

_DISK = re.compile(
    r"no space left on device|\bENOSPC\b|enough free space|NoSpaceLeftError|disk quota exceeded",
    re.IGNORECASE,
)
_MEMORY = re.compile(
    r"cannot allocate memory|Killed signal terminated|^Killed$|: Killed$|std::bad_alloc"
    r"|heap out of memory|virtual memory exhausted|^MemoryError|signal: killed|exit code: 137\b",
    re.IGNORECASE,
)


def disk_full(stream: Stream, sources: Sources) -> Diagnosis | None:
    if not (stream.find(_DISK) or _DISK.search(stream.verdict)):
        return None
    return Diagnosis(
        what="The disk of the machine that builds is full.",
        why="The image and the downloads for it take more room than a hosted runner has free.",
        remedy="Let the action make room first:"
        + block("with:\n  FREE_DISK_SPACE: true")
        + "\nIf that is not enough, install fewer packages, and delete what a step downloads in "
        "the same step.",
        place=step_place(stream, sources),
    )


def memory_full(stream: Stream, sources: Sources) -> Diagnosis | None:
    if not (stream.find(_MEMORY) or _MEMORY.search(stream.verdict)):
        return None
    return Diagnosis(
        what=f"{step_name(stream, sources)} was stopped, most likely for want of memory."
        if stream.failed
        else "A program was stopped, most likely for want of memory.",
        why="Large sets of packages and programs that are compiled can need more memory than the "
        "machine has.",
        remedy="Install in smaller steps, name exact versions (which makes conda's search short), "
        "choose packages that come compiled, or build on a larger runner.",
        place=step_place(stream, sources),
    )
