from __future__ import annotations

import pytest

from r2d_action.shown import as_shown


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("plain\ttext \r\n", "plain\ttext "),
        ("1 %\r50 %\r99 %", "99 %"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07\x1b[2Jrest", "rest"),
        ("\x1b]8;;https://h/\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;title", ""),
        ("\x1bMup\x08\x00\x7f\x9b", "up"),
    ],
)
def test_a_line_is_what_a_terminal_shows_in_the_end(line: str, shown: str) -> None:
    assert as_shown(line) == shown
