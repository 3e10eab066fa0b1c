"""Markdown as GitHub shows it, in the summary of a job and in a comment. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = (head, ["---"] * len(head), *rows)
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("\n", "<br>").replace("|", "\\|")


def folded(title: str, text: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{text}\n\n</details>"


def fenced(text: str) -> str:
    """To be read as it is: nothing in it is Markdown, and nothing gets out."""
    return f"```text\n{text.replace('```', chr(39) * 3)}\n```"
