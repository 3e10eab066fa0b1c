"""Workflows that use repo2docker-action, changed to use r2d-action, and nothing else in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from r2d_action.hub.splice import Piece, spliced
from r2d_action.hub.yaml_tree import NotYaml, read
from r2d_action.init.edits import Change, edits
from r2d_action.init.remarks import Remark, remarks
from r2d_action.init.workflow import workflow_of

PLACES = (
    ".github/workflows/*.yml",
    ".github/workflows/*.yaml",
    ".github/actions/**/action.yml",
    ".github/actions/**/action.yaml",
    "action.yml",
    "action.yaml",
)
BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class LineRemark:
    """``line`` is that of the file as it is afterwards."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    path: str
    changes: tuple[LineRemark, ...]
    notes: tuple[LineRemark, ...]


@dataclass(frozen=True, slots=True)
class Converted:
    report: Report
    text: str


def converted_files(folder: Path) -> tuple[Converted, ...]:
    """Of those files that use repo2docker-action. Nothing is written."""
    paths = {path for place in PLACES for path in folder.glob(place) if _is_own(path)}
    names = sorted(path.relative_to(folder).as_posix() for path in paths)
    found = (_converted_file(folder, name) for name in names)
    return tuple(one for one in found if one)


def _is_own(path: Path) -> bool:
    """Links are left alone: they may lead out of the checkout."""
    return path.is_file() and not path.is_symlink()


def _converted_file(folder: Path, name: str) -> Converted | None:
    try:
        text = (folder / name).read_bytes().decode()
    except UnicodeDecodeError:
        return None
    return converted(text, name)


def converted(text: str, path: str) -> Converted | None:
    """None for a text that has nothing to do with repo2docker-action, or is no YAML."""
    body = text.removeprefix(BYTE_ORDER_MARK)
    try:
        workflow = workflow_of(read(body))
    except NotYaml:
        return None
    if workflow is None or not any(one.ref or one.uses_a_copy for one in workflow.steps):
        return None
    made = tuple(edits(workflow, body))
    changes = [one for one in made if isinstance(one, Change)]
    notes = [*remarks(workflow), *(one for one in made if isinstance(one, Remark))]
    pieces = [piece for change in changes for piece in change.pieces]
    report = Report(
        path,
        _with_lines((change.remark for change in changes), body, pieces),
        _with_lines(notes, body, pieces),
    )
    mark = text[: len(text) - len(body)]
    return Converted(report, mark + spliced(body, pieces))


def _with_lines(
    found: Iterable[Remark], text: str, pieces: Sequence[Piece]
) -> tuple[LineRemark, ...]:
    def line(at: int) -> int:
        added = sum(piece.new.count("\n") for piece in pieces if piece.start < at)
        return text.count("\n", 0, at) + 1 + added

    # By an alias, one text can be part of several jobs.
    in_order = sorted(set(found), key=lambda one: (one.at, one.text))
    return tuple(LineRemark(line(one.at), one.text) for one in in_order)
