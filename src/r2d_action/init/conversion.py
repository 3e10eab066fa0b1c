"""Workflows that use repo2docker-action, changed to use r2d-action, and nothing else in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from r2d_action.errors import InputError
from r2d_action.hub.splice import Piece, spliced
from r2d_action.hub.yaml_tree import NotYaml, read
from r2d_action.init.edits import Change, edits
from r2d_action.init.remarks import Remark, remarks
from r2d_action.init.workflow import Workflow, names_it, workflow_of

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
    """Of those files that use repo2docker-action. Nothing is written.

    Raises :class:`InputError` for a file whose bytes are no text.
    """
    paths = {path for place in PLACES for path in folder.glob(place) if _is_own(path)}
    names = sorted(path.relative_to(folder).as_posix() for path in paths)
    found = (_converted_file(folder, name) for name in names)
    return tuple(one for one in found if one)


def _is_own(path: Path) -> bool:
    """Links are left alone: they may lead out of the checkout."""
    return path.is_file() and not path.is_symlink()


def _converted_file(folder: Path, name: str) -> Converted | None:
    content = (folder / name).read_bytes()
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        # Without what other encodings put between letters.
        if names_it(content.replace(b"\0", b"").decode(errors="replace")):
            line = content.count(b"\n", 0, error.start) + 1
            raise InputError(
                f"{name}, line {line}: this is not UTF-8, which GitHub expects, and nothing was "
                "changed; save the file as UTF-8, and convert again."
            ) from error
        return None
    return converted(text, name)


def converted(text: str, path: str) -> Converted | None:
    """None for a text that has nothing to do with repo2docker-action."""
    body = text.removeprefix(BYTE_ORDER_MARK)
    try:
        workflow = workflow_of(read(body))
    except NotYaml as reason:
        return _unreadable(text, path, reason) if names_it(body) else None
    if workflow is None:
        return None
    made = tuple(edits(workflow, body)) if _uses_it(workflow) else ()
    changes = [one for one in made if isinstance(one, Change)]
    notes = [*remarks(workflow), *(one for one in made if isinstance(one, Remark))]
    if not _uses_it(workflow) and not any(workflow.others):
        return None
    pieces = [piece for change in changes for piece in change.pieces]
    report = Report(
        path,
        _with_lines((change.remark for change in changes), body, pieces),
        _with_lines(notes, body, pieces),
    )
    mark = text[: len(text) - len(body)]
    return Converted(report, mark + spliced(body, pieces))


def _uses_it(workflow: Workflow) -> bool:
    return any(step.ref or step.uses_a_copy for step in workflow.steps)


def _unreadable(text: str, path: str, reason: NotYaml) -> Converted:
    said = (
        f"this cannot be read ({reason}), not by GitHub either, so the file was left as it is. "
        "Mend it here, or in the lines before, and convert again."
    )
    return Converted(Report(path, (), (LineRemark(reason.line, said),)), text)


def _with_lines(
    found: Iterable[Remark], text: str, pieces: Sequence[Piece]
) -> tuple[LineRemark, ...]:
    def line(at: int) -> int:
        added = sum(piece.new.count("\n") for piece in pieces if piece.start < at)
        return text.count("\n", 0, at) + 1 + added

    # By an alias, one text can be part of several jobs.
    in_order = sorted(set(found), key=lambda one: (one.at, one.text))
    return tuple(LineRemark(line(one.at), one.text) for one in in_order)
