"""A failing cell is found in the file of its notebook."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from r2d_action.check.notebooks import CellFailure, cell_failure

CELL = 'one = 1\ntext = "\u00fc \\\\"\n\none / 0'
DASHES = "-" * 18


@dataclass(frozen=True)
class Way:
    """How a program writes notebooks."""

    indent: int | None = 1
    whole: bool = False
    ascii_only: bool = False

    def notebook(self, *cells: str) -> str:
        content = {"cells": [self._cell(cell) for cell in cells], "nbformat": 4}
        return json.dumps(content, indent=self.indent, ensure_ascii=self.ascii_only)

    def _cell(self, source: str) -> dict[str, object]:
        lines = source if self.whole else source.splitlines(keepends=True)
        return {"cell_type": "code", "source": lines, "outputs": []}


JUPYTER = Way()


def message(cell: str, arrow: int | None, error: str = "ZeroDivisionError: by zero") -> str:
    numbered = enumerate(cell.splitlines(), 1)
    traceback = [f"{'---->' if n == arrow else '     '} {n} {line}" for n, line in numbered]
    return "\n".join(
        (
            "nbclient.exceptions.CellExecutionError: An error occurred while executing:",
            *(DASHES, cell, DASHES, "", "-" * 75),
            "ZeroDivisionError                         Traceback (most recent call last)",
            *("Cell In[1], line 4", *traceback, "", "Cell In[1], line 9, in f()", "----> 9 deeper"),
            *("", error),
        )
    )


def line_of(text: str, part: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if part in line)


@pytest.mark.parametrize("way", [JUPYTER, Way(indent=2), Way(indent=4, ascii_only=True)])
def test_the_line_is_that_of_the_source(way: Way) -> None:
    text = way.notebook("one = 1", "one / 0  # in another cell", CELL)
    failure = cell_failure(text, message(CELL, 4))
    assert failure == CellFailure(
        line=text.splitlines().index(next(x for x in text.splitlines() if x.strip() == '"one / 0"'))
        + 1,
        message=f"ZeroDivisionError: by zero\nThe cell:\n{CELL}",
    )


def test_a_cell_that_is_written_on_one_line() -> None:
    text = Way(whole=True).notebook("one = 1", CELL)
    failure = cell_failure(text, message(CELL, 4))
    assert failure
    assert failure.line == line_of(text, "one / 0")


def test_a_traceback_without_a_line_leads_to_the_first_of_the_cell() -> None:
    text = JUPYTER.notebook("nothing", CELL)
    failure = cell_failure(text, message(CELL, None).replace("----> 9", "      9"))
    assert failure
    assert failure.line == line_of(text, "one = 1")


def test_a_cell_that_the_file_does_not_have_has_no_line() -> None:
    failure = cell_failure(JUPYTER.notebook("x"), message(CELL, 4))
    assert failure
    assert failure.line is None


def test_the_last_error_is_told() -> None:
    told = message(CELL, 4, error="ValueError: first\n\nmy.own.BadError: last\nand more")
    failure = cell_failure(JUPYTER.notebook(CELL), told)
    assert failure
    assert failure.message.startswith("my.own.BadError: last\n")


@pytest.mark.parametrize("other", ["", "files differ:\n## modified /cells/0/outputs", DASHES])
def test_other_failures_stay_as_they_are(other: str) -> None:
    assert cell_failure(JUPYTER.notebook(CELL), other) is None
