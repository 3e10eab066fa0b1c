"""The pages of the documentation, and what is in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from r2d_action.cli.group import MODULE_OF, cli

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
TEMPLATE = ROOT / "template-repo"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("**/*.md"), TEMPLATE / "README.md"])
EXAMPLES = sorted(DOCS.glob("**/examples/*.yml"))
WORKFLOWS = [*EXAMPLES, *sorted(TEMPLATE.glob(".github/workflows/*.yml"))]

PROGRAM = "r2d-action"
# Imported here, since libraries that try the network on their import must not do so in a unit test.
COMMANDS = {
    name: command
    for name in MODULE_OF
    if (command := cli.get_command(click.Context(cli), name)) is not None
}
FENCED = re.compile(r"^( *)```(\S*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


each_page = pytest.mark.parametrize("page", PAGES, ids=named)
each_workflow = pytest.mark.parametrize("workflow", WORKFLOWS, ids=named)


def fenced_in(text: str) -> list[tuple[str, str]]:
    """Language and text of each fenced block, which may be indented in a list."""
    return [
        (language, re.sub(rf"^{indent}", "", block, flags=re.MULTILINE))
        for indent, language, block in FENCED.findall(text)
    ]


def blocks_of(page: Path, *languages: str) -> list[str]:
    return [text for language, text in fenced_in(page.read_text()) if language in languages]


def prose_in(text: str) -> str:
    """The text without its blocks."""
    return FENCED.sub("", text)


def section(page: Path, heading: str) -> str:
    text = page.read_text()
    return re.split(r"^## ", text.split(f"\n## {heading}\n", 1)[1], flags=re.MULTILINE)[0]


def rows_in(text: str) -> list[list[str]]:
    """The cells of a table's rows, without its head."""
    rows = [row.strip("|").split("|") for row in text.splitlines() if row.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def lines_in(script: str) -> list[str]:
    """The lines of a shell's text, those that go on in the next one put together."""
    return script.replace("\\\n", " ").splitlines()


def calls_in(line: str) -> Iterator[list[str]]:
    """The arguments of each call of our program, without what is the shell's affair."""
    if PROGRAM not in line:
        return
    words = shlex.shlex(line, posix=True, punctuation_chars=True)
    words.whitespace_split = True
    command: list[str] = []
    for word in (*words, ";"):
        if set(word) <= set("();<>|&"):
            if word[0] in "<>" and command[-1:] and command[-1].isdigit():
                command.pop()  # a stream by its number: 2>&1
            if command and command[0].rpartition("/")[2] == PROGRAM:
                yield command[1:]
            command = []
        else:
            command.append(word)
