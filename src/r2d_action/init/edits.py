"""The edits that a conversion consists of: a line that names the action, and permissions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from r2d_action.hub.splice import Piece
from r2d_action.hub.yaml_tree import Scalar
from r2d_action.init.permissions import needed, obstacle
from r2d_action.init.remarks import OURS, Remark
from r2d_action.init.workflow import Job, Workflow

_COMMIT = re.compile(r"[0-9a-f]{40}")
# What people write behind a commit to say which version it is.
_VERSION_COMMENT = re.compile(
    r"[ \t]+#[ \t]*(?:(?:pin|tag|ref)[ =@:])?[ \t]*(?:ratchet:\S+@)?"
    r"(?:v?\d[\w.-]*|master|main)(?: as of [\d-]+)?[ \t]*(?=\r?\n|\Z)"
)
_COMMENT_LINE = re.compile(r"[ \t]*#[^\n]*\n")


@dataclass(frozen=True, slots=True)
class Change:
    """``remark`` says what was changed and why."""

    pieces: tuple[Piece, ...]
    remark: Remark


def edits(workflow: Workflow, text: str) -> Iterator[Change | Remark]:
    """A remark in place of a change that is left to the user."""
    yield from _versions(workflow, text)
    if not workflow.has_permissions:
        yield from _permissions(workflow, text)


# The line that names the action --------------------------------------------------------------


def _versions(workflow: Workflow, text: str) -> Iterator[Change | Remark]:
    # One place can be the action of several steps, by an alias.
    seen: set[int] = set()
    for step in workflow.steps:
        if step.uses and step.ref and step.uses.start not in seen:
            seen.add(step.uses.start)
            yield _version(step.uses, step.ref, text)


def _version(uses: Scalar, ref: str, text: str) -> Change | Remark:
    at = text.find(uses.value, uses.start, uses.end)
    if at < 0:
        return Remark(uses.start, f"write `{OURS}` here; this could not be done safely.")
    pieces = [_piece(at, at + len(uses.value), OURS)]
    comment = _VERSION_COMMENT.match(text, uses.end)
    if comment and _COMMIT.fullmatch(ref):
        pieces.append(_piece(*comment.span(), ""))
    what = f"uses {OURS} in place of {uses.value}; inputs and outputs are the same."
    return Change(tuple(pieces), Remark(at, what))


def _piece(start: int, end: int, new: str) -> Piece:
    return Piece(start, end, new, (), None)


# What a job may do ---------------------------------------------------------------------------


def _permissions(workflow: Workflow, text: str) -> Iterator[Change | Remark]:
    for job in workflow.jobs:
        if not job.has_permissions and any(step.ref is not None for step in job.steps):
            why_not = obstacle(workflow, job) or _misfit(job, text)
            yield _left_out(job, why_not) if why_not else _permitted(job, text)


def _left_out(job: Job, why_not: str) -> Remark:
    wanted = [f"`{name}: {access}`" for name, (access, _) in needed(job).items()]
    return Remark(
        job.key.start,
        f"the job `{job.key.value}` has no `permissions:`, and none were added, since {why_not}. "
        f"What is known of it needs {' and '.join(wanted) or 'nothing'}.",
    )


def _permitted(job: Job, text: str) -> Change:
    start = _line_start(text, job.steps_key.start)
    indent = text[start : job.steps_key.start]
    unit = " " * (len(indent) - _column(text, job.key.start))
    end = "\r\n" if text.endswith("\r\n", 0, start) else "\n"
    new = "".join(f"{indent}{line}{end}" for line in _permission_lines(job, unit))
    at = _above_comments(text, start)
    what = (
        f"the job `{job.key.value}` is allowed what it needs; without this, it is allowed whatever "
        "the repository's settings say."
    )
    return Change((_piece(at, at, new),), Remark(at, what))


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _column(text: str, at: int) -> int:
    return at - _line_start(text, at)


def _above_comments(text: str, start: int) -> int:
    """Comments right above a key belong to it."""
    while start and _COMMENT_LINE.fullmatch(text, _line_start(text, start - 1), start):
        start = _line_start(text, start - 1)
    return start


def _misfit(job: Job, text: str) -> str:
    before = text[_line_start(text, job.steps_key.start) : job.steps_key.start]
    return "it is written in one line" if before.strip() else ""


def _permission_lines(job: Job, unit: str) -> Iterator[str]:
    wanted = needed(job)
    yield "permissions:" if wanted else "permissions: {}"
    for name, (access, why) in wanted.items():
        yield f"{unit}{name}: {access} # {why}"
