"""Failing builds, and what the owner of the repository reads about each.

A file of this folder is one failure. Those with ``stream`` are failures that cannot be had in the
lab: their output is one of `tests/unit/streams`, and the repository is the one beside it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent
STREAMS = FOLDER.parents[1] / "unit" / "streams"
MORE = "…"
# The parts of the documentation's page, in its order, and what each is called there.
PARTS = {
    "Dockerfile": "The Dockerfile",
    "base image": "The image to start from",
    "environment files": "What repo2docker reads",
    "conda": "Packages of conda",
    "pip": "Packages of pip",
    "apt": "Packages of apt",
    "R": "Packages of R",
    "scripts": "postBuild, start and other scripts",
    "files": "Files that did not come along",
    "machine and network": "The machine and the network",
    "tests of the image": "The image's tests, and its start as on a hub",
}
# What stands for the names of a lab, for people.
SHOWN = {
    "{base}": "quay.io/team/base:1",
    "{registry}/lab": "quay.io/team",
    "{private}": "registry.example",
    "{foreign}": "quay.io/team/base:1",
}


@dataclass(frozen=True)
class Case:
    """``place`` is ``file:line`` in the checkout, or nothing where no line is to blame.

    ``says`` is the annotation, or its beginning where a ``…`` ends it; names in braces are the
    lab's.
    """

    name: str
    part: str
    cause: str
    place: str
    says: str
    stream: str = ""
    files: Mapping[str, str] | None = None
    inputs: Mapping[str, str] | None = None

    @classmethod
    def read(cls, file: Path) -> Case:
        fields: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
        return cls(name=file.stem, **{**fields, "says": fields["says"].rstrip("\n")})

    @property
    def source(self) -> str:
        if not self.stream:
            return "built here"
        return "written" if self.stream.startswith("from_public_logs/") else "captured"

    @property
    def repository(self) -> Mapping[str, str]:
        """The texts of the files by their paths in the checkout."""
        if not self.stream:
            return self.files or {}
        listed = json.loads((STREAMS / f"{self.stream}.json").read_text(encoding="utf-8"))
        return {path: "\n".join(lines) for path, lines in listed.items()}

    @property
    def output(self) -> tuple[str, ...]:
        return tuple((STREAMS / f"{self.stream}.txt").read_bytes().decode().split("\n"))


@cache
def cases() -> tuple[Case, ...]:
    return tuple(Case.read(file) for file in sorted(FOLDER.glob("*.yml")))


# As the documentation shows it -------------------------------------------------------------------


def page() -> str:
    """All parts, in Markdown."""
    return "\n\n".join(_section(part, title) for part, title in PARTS.items())


def _section(part: str, title: str) -> str:
    rows = (_row(case) for case in cases() if case.part == part)
    head = "| What is wrong | What the message says | What helps |\n|---|---|---|"
    return f"### {title}\n\n{head}\n" + "\n".join(rows)


def _row(case: Case) -> str:
    shown = case.says
    for name, example in SHOWN.items():
        shown = shown.replace(name, example)
    first, *rest = shown.splitlines()
    cells = (case.cause, first, " ".join(_paragraphs(rest)))
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _paragraphs(lines: list[str]) -> Iterator[str]:
    """Lines to paste become code; addresses become links."""
    for pasted, together in groupby(lines, lambda line: line.startswith("    ")):
        if pasted:
            yield "<br>" + "<br>".join(_code(line.removeprefix("    ")) for line in together)
        else:
            yield " ".join(f"<{one}>" if one.startswith("https://") else one for one in together)


def _code(line: str) -> str:
    indent = len(line) - len(line.lstrip())
    return "&nbsp;" * indent + f"`{line.strip()}`"
