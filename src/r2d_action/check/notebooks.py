"""What failed in a notebook, and at which line of its file. Pure.

Notebooks are JSON, whose lines nobody knows: they are found by the source that stands in them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

SUFFIX = ".ipynb"
# nbclient quotes the whole cell between dashes, then comes the traceback of IPython.
_CELL = re.compile(r"^-{10,}\n(.*?)\n-{10,}$", re.MULTILINE | re.DOTALL)
_ARROW = re.compile(r"^-+> *(\d+) ", re.MULTILINE)
_ERROR = re.compile(r"^(?:\w+\.)*\w+(?:Error|Exception|Interrupt|Exit|Warning)\b.*", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class CellFailure:
    """``line`` counts from 1 in the notebook's file; None where it cannot be told."""

    line: int | None
    message: str


def cell_failure(notebook: str, message: str) -> CellFailure | None:
    """None for a ``message`` of something else than a cell that raised an exception."""
    cell, arrow = _CELL.search(message), _ARROW.search(message)
    errors = _ERROR.findall(message[cell.end() :]) if cell else []
    if cell is None or not errors:
        return None
    number = int(arrow[1]) if arrow else 1
    return CellFailure(
        line=_line_in_file(notebook.splitlines(), cell[1].splitlines(), number),
        message=f"{errors[-1]}\nThe cell:\n{cell[1]}",
    )


def _line_in_file(file: Sequence[str], source: Sequence[str], number: int) -> int | None:
    """Of the ``number``-th line of a cell's ``source``."""
    written = [_written(line) for line in file]
    for start in range(len(written) - len(source) + 1):
        if written[start : start + len(source)] == list(source):
            return start + number
    # A notebook that no Jupyter has written may have a whole cell on one line.
    return next(_lines_with(file, source), None)


def _written(line: str) -> str | None:
    """The text that a line of the file is, if it is one."""
    try:
        text = json.loads(line.strip().removesuffix(","))
    except ValueError:
        return None
    return text.removesuffix("\n") if isinstance(text, str) else None


def _lines_with(file: Sequence[str], source: Sequence[str]) -> Iterator[int]:
    parts = [json.dumps(line, ensure_ascii=False)[1:-1] for line in source]
    for number, line in enumerate(file, 1):
        if all(part in line for part in parts):
            yield number
