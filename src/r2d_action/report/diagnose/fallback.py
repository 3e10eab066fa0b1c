"""What can be said of a failure that nobody has described yet."""

from __future__ import annotations

import re
from collections.abc import Iterable

from r2d_action.report.diagnose.diagnosis import Diagnosis
from r2d_action.report.diagnose.passage import step_name, step_place
from r2d_action.report.diagnose.reported import last_traced, reported_place
from r2d_action.report.diagnose.sources import Sources
from r2d_action.report.diagnose.stream import Step, Stream
from r2d_action.report.diagnose.words import block, code, written_in

LAST_LINES = 5
# Of Python, and of programs that name themselves first.
_ERROR = re.compile(r"^(?:[\w.]+(?:Error|Exception)|[\w./-]+: (?:fatal )?error): .+", re.IGNORECASE)


def diagnose(stream: Stream, sources: Sources) -> Diagnosis:
    if stream.failed:
        return _failed_step(stream.failed, stream, sources)
    if stream.exception:
        return _own_error(stream)
    return Diagnosis(
        what="The build failed.",
        why="What it said does not show why.",
        remedy=_last_words(stream.final.splitlines() or stream.lines) or "Run the job again.",
        place=step_place(stream, sources) if stream.excerpt else None,
    )


def _failed_step(step: Step, stream: Stream, sources: Sources) -> Diagnosis:
    place = reported_place(stream, sources) or step_place(stream, sources)
    exit_code = f" with exit code {step.exit_code}" if step.exit_code is not None else ""
    said = step.lines or (() if exit_code else step.error.splitlines())
    advice = f"Change {written_in(place, 'it')}" if place else "Change what it runs"
    return Diagnosis(
        what=f"{step_name(stream, sources)} failed{exit_code}.",
        why=_reason(stream) if exit_code else "The engine could not carry it out.",
        remedy=f"{advice} so that it succeeds. {_which(step, stream)}{_last_words(said)}".strip(),
        place=place,
    )


def _which(step: Step, stream: Stream) -> str:
    """How to see which command of a chain it is, where nothing tells."""
    if "&&" not in step.instruction or last_traced(stream) or step.exit_code is None:
        return ""
    return "With `set -x &&` after `RUN`, the log shows each command before it runs. "


def _reason(stream: Stream) -> str:
    if error := stream.find_all(_ERROR):
        return f"It says: {code(error[-1][0].strip())}."
    if command := last_traced(stream):
        return f"The last command that it ran is {code(command)}."
    return "A command in it did not succeed, and a build stops at the first one."


def _own_error(stream: Stream) -> Diagnosis:
    return Diagnosis(
        what="repo2docker stopped before the build.",
        why="It could not make sense of a file in the repository, or of what it was asked.",
        remedy=_last_words(stream.exception.splitlines()),
        link="https://repo2docker.readthedocs.io/en/latest/configuration/",
    )


def _last_words(lines: Iterable[str]) -> str:
    said = [line.strip() for line in lines if line.strip()][-LAST_LINES:]
    return f"Its last words:{block(chr(10).join(said))}" if said else ""
