"""How a difference reads, in GitHub's Markdown. Pure.

Names and versions come out of an image, and in the end from anybody who publishes a package:
they stand in code spans only, so that nobody is mentioned and nothing linked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from r2d_action.packages.asked import plain
from r2d_action.packages.values import KINDS, MOVES, Change, Compared, Difference, Move
from r2d_action.packages.versions import is_big_step
from r2d_action.report.markdown import folded

# What is read at a glance; more than that is folded.
OPEN_ROWS = 10
# GitHub refuses texts of more than 65536 characters, and others have something to say as well.
MOST_ROWS = 150
LONGEST_WORD = 60

COUNTED = {
    Move.UP: "newer",
    Move.DOWN: "older",
    Move.ADDED: "new",
    Move.REMOVED: "gone",
    Move.CHANGED: "built anew",
}


def told(difference: Difference, asked: frozenset[str] = frozenset(), since: str = "") -> str:
    """``asked`` are the words of the repository's own files (:func:`asked.asked_for`): packages
    that they name come first, in bold. ``since`` names the image before, as a reader knows it."""
    return "\n\n".join(_paragraphs(difference, asked, since))


def in_a_line(difference: Difference) -> str:
    """``12 packages changed: 9 newer, 1 older, 2 new``"""
    if not difference.changes:
        return "No package changed"
    counts = ((difference.count(way), word) for way, word in COUNTED.items())
    what = ", ".join(f"{count} {word}" for count, word in counts if count)
    number = len(difference)
    return f"{number} package{'s' if number != 1 else ''} changed: {what}"


def _paragraphs(difference: Difference, asked: frozenset[str], since: str) -> Iterator[str]:
    compared = f", compared with {_code(since)}" if since else ""
    yield f"{in_a_line(difference)}{compared}."
    rows = _most_telling_first(difference, asked)
    named = sum(_is_asked(change, asked) for change in rows)
    if named:
        yield "**Bold**: named in the files of this repository. The others came along."
    shown = rows[:OPEN_ROWS]
    if shown:
        yield _table(shown, asked)
    if rest := rows[OPEN_ROWS:MOST_ROWS]:
        text = _table(rest, asked)
        if unlisted := rows[MOST_ROWS:]:
            text += f"\n\n… and {len(unlisted)} more, which are not listed here."
        yield folded(f"{len(rows) - OPEN_ROWS} more", text)


def _most_telling_first(difference: Difference, asked: frozenset[str]) -> list[Change]:
    def rank(change: Change) -> tuple[bool, bool, int, int]:
        return (
            not _is_asked(change, asked),
            not _may_break(change),
            KINDS.index(change.kind),
            MOVES.index(change.move),
        )

    return sorted(difference, key=rank)


def _is_asked(change: Change, asked: frozenset[str]) -> bool:
    return plain(change.name) in asked


def _may_break(change: Change) -> bool:
    if change.move is Move.UP:
        return is_big_step(change.old, change.new)
    return change.move in {Move.REMOVED, Move.DOWN}


def _table(changes: Iterable[Change], asked: frozenset[str]) -> str:
    rows = [
        f"| {_name(change, asked)} | {change.kind.value} | {_code(change.old)} "
        f"| {_code(change.new)} | {COUNTED[change.move]} |"
        for change in changes
    ]
    return "\n".join(["| Package | From | Before | Now | |", "|---|---|---|---|---|", *rows])


def _name(change: Change, asked: frozenset[str]) -> str:
    name = _code(change.name)
    return f"**{name}**" if _is_asked(change, asked) else name


def _code(text: str) -> str:
    """A code span that no text gets out of, nothing for nothing."""
    kept = "".join(letter for letter in text if letter.isprintable() and letter not in "`|\\")
    kept = kept.strip()
    short = kept if len(kept) <= LONGEST_WORD else f"{kept[: LONGEST_WORD - 1]}…"
    return f"`{short}`" if short else ""


def told_of(compared: Compared) -> str:
    return told(compared.difference, frozenset(compared.named), compared.since)
