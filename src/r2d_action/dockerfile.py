"""A Dockerfile as its instructions, with their lines.

https://docs.docker.com/reference/dockerfile/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import IO, cast

from dockerfile_parse import DockerfileParser

HEREDOC = re.compile(r"<<-?\s*(['\"]?)([A-Za-z_]\w*)\1")


@dataclass(frozen=True, slots=True)
class Step:
    """``line`` counts from 1; ``value`` is on one line, whatever it was."""

    keyword: str
    value: str
    line: int


def steps_in(text: str) -> Iterator[Step]:
    """The instructions alone: no comments, and nothing of a script that is part of one."""
    # It reads bytes, whatever its annotations say.
    file = cast("IO[str]", BytesIO(_blanked(text).encode()))
    for step in DockerfileParser(fileobj=file).structure:
        if step["instruction"] != "COMMENT":
            yield Step(step["instruction"], step["value"], step["startline"] + 1)


def _blanked(text: str) -> str:
    """Lines of a script are no instructions, though they may look like some; the others
    keep their numbers."""
    lines: list[str] = []
    ends: list[str] = []
    for line in text.splitlines():
        if ends:
            ends = ends[1:] if line.strip() == ends[0] else ends
            lines.append("")
            continue
        lines.append(line)
        if not line.lstrip().startswith("#"):
            ends = [match[2] for match in HEREDOC.finditer(line)]
    return "\n".join(lines) + "\n"
