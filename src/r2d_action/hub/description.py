"""How a proposal reads: the title, the text and the commit message. Pure.

What comes out of a hub's files stands in code spans only: nobody is mentioned, nothing linked
and no table broken by the name of a profile.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from r2d_action.hub.rolling import CLOSED_BY_US, Wish, written_for
from r2d_action.hub.selector import one_line
from r2d_action.hub.target import as_commit
from r2d_action.hub.values import Change, FileEdit
from r2d_action.reference import Reference

# GitHub cuts no text, it refuses one with more than 65536 characters.
MAX_BODY = 60_000
MAX_ROWS = 100
MAX_TO_PASTE = 10
GIGABYTE, MEGABYTE = 10**9, 10**6


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known about the new image. ``checks`` are phrases, ``packages`` is Markdown;
    sizes are in bytes, None for an unknown one."""

    checks: tuple[str, ...] = ()
    packages: str = ""
    size: int | None = None
    size_before: int | None = None


@dataclass(frozen=True, slots=True)
class Message:
    headline: str
    body: str


def title(wish: Wish) -> str:
    verb = "Go back with" if wish.going_back else "Update"
    name = wish.image.repository.path.rpartition("/")[2]
    where = _common_place(wish.edits)
    return f"{verb} {name} to {wish.image.tag}{f' in {where}' if where else ''}"


def commit_message(wish: Wish) -> Message:
    # No selectors: a message is not Markdown, and an @ in it would call somebody.
    changes = "\n".join(
        f"{one_line(edit.path)}: {', '.join(sorted({change.old for change in edit.changes}))}"
        f" -> {wish.mark.image}"
        for edit in wish.edits[:MAX_ROWS]
    )
    trailers = [
        *wish.mark.trailers(),
        *_when(("Source-Commit", wish.source.commit_url), ("Source-Run", wish.source.run_url)),
    ]
    lines = "\n".join(f"{name}: {value}" for name, value in trailers)
    return Message(title(wish), f"{wish.image.repository}\n\n{changes}\n\n{lines}")


def body(wish: Wish, facts: Facts, replaces: int | None = None) -> str:
    """``replaces`` is the number of a pull request that is left to those who work on it."""
    parts = [*_paragraphs(wish, facts, replaces), written_for(wish)]
    text = "\n\n".join(parts)
    if len(text) <= MAX_BODY:
        return text
    cut = text[: MAX_BODY - 200].rpartition("\n")[0]
    return f"{cut}\n\n… (too long to be shown whole)\n\n{written_for(wish)}"


def closed_body(body: str, why: str) -> str:
    return f"{body}\n\n---\nClosed by itself: {why}\n{CLOSED_BY_US}"


def _paragraphs(wish: Wish, facts: Facts, replaces: int | None) -> Iterator[str]:
    yield _opening(wish)
    if replaces:
        yield f"This replaces #{replaces}, which is left as it is because others committed to it."
    yield _table(wish)
    yield from _when_any("**What is new:** ", _sources(wish))
    yield from _when_any("**Checks passed before it was pushed:** ", facts.checks)
    yield from _size(facts)
    if facts.packages:
        yield f"**Packages**\n\n{facts.packages}"
    yield from _notes(wish.edits)
    yield _trial(wish)
    yield _way_back(wish)
    yield (
        "<sub>Kept up to date by r2d-action: a newer image rewrites this text and the commit, "
        "unless somebody else commits to this branch. Close it if you do not want this "
        "image.</sub>"
    )


def _opening(wish: Wish) -> str:
    name = _code(str(wish.image.repository))
    if wish.going_back:
        return f"This takes {name} back to `{wish.image.tag}`, which ran before."
    return (
        f"There is a newer build of {name}. Once this is merged and deployed, servers that start "
        "use it; those that run already keep theirs until they are stopped."
    )


def _table(wish: Wish) -> str:
    changes = _changes(wish)
    rows = [
        f"| {_code(change.path)} | {_places(change)} | {_reference(wish, change.old)} "
        f"| {_reference(wish, change.new)} |"
        for change in changes[:MAX_ROWS]
    ]
    if more := len(changes) - len(rows):
        rows.append(f"| … | and {more} more | | |")
    return "\n".join(["| File | Place | Now | After |", "|---|---|---|---|", *rows])


def _reference(wish: Wish, value: str) -> str:
    """``value`` as it stands in a file: ``tag``, ``tag@digest`` or ``@digest``."""
    return _code(f"{wish.image.repository}{'' if value.startswith('@') else ':'}{value}")


def _places(change: Change) -> str:
    own = _code(change.selector)
    if not change.aliases:
        return own
    return f"{own}, and by its YAML alias {', '.join(map(_code, change.aliases))}"


def _sources(wish: Wish) -> Iterator[str]:
    source = wish.source
    if source.url and source.commit:
        olds = {as_commit(change.old) for change in _changes(wish)} - {"", source.commit}
        for old in sorted(one for one in olds if not source.commit.startswith(one)):
            start, end = (source.commit, old) if wish.going_back else (old, source.commit)
            span = f"{start[:12]}…{end[:12]}"
            yield f"[commits {span}]({source.url}/compare/{start}...{end})"
        yield f"[the commit it was built from]({source.commit_url})"
    if source.url and source.pull_request:
        yield f"[pull request {source.pull_request}]({source.url}/pull/{source.pull_request})"
    if source.run_url:
        yield f"[the run that built it]({source.run_url})"


def _size(facts: Facts) -> Iterator[str]:
    if facts.size is None:
        return
    text = f"**Size:** {_bytes(facts.size)} to download"
    if facts.size_before is not None:
        difference = facts.size - facts.size_before
        word = "more" if difference >= 0 else "less"
        text += f", {_bytes(abs(difference))} {word} than before"
    yield text + "."


def _notes(edits: Iterable[FileEdit]) -> Iterator[str]:
    # A note quotes the hub's files, so it is shown as it is and not as Markdown.
    notes = [f"{edit.path}, {note}" for edit in edits for note in edit.notes]
    if notes:
        yield "**Seen and left as it is:**\n\n" + "\n".join(f"- {_code(one)}" for one in notes)


def _trial(wish: Wish) -> str:
    reference = Reference(wish.image.repository, wish.image.tag).tagged_name
    return (
        "**Try it before merging:** paste this where the hub offers an image of your own choice "
        f"(“Other…”):\n\n{_block(reference)}\n\nor start it on your own machine:\n\n"
        + _block(f"docker run --rm -it -p 8888:8888 {reference}")
    )


def _way_back(wish: Wish) -> str:
    way = "**Go back:** press “Revert” at the bottom of this page after it was merged"
    changes = _changes(wish)
    olds = {change.old.partition("@")[0] for change in changes} - {""}
    if len(wish.edits) != 1 or len(olds) != 1 or len(changes) > MAX_TO_PASTE:
        return f"{way}."
    options = [
        f"--image {wish.image.repository} --tag {olds.pop()}",
        f"--files {shlex.quote(wish.edits[0].path)}",
        *(f"--select {shlex.quote(one_line(change.selector))}" for change in changes),
    ]
    command = f"r2d-action update-hub --directory . {' '.join(options)}"
    return f"{way}, or run this in a checkout:\n\n{_block(command)}"


def _block(text: str) -> str:
    fence = "`" * max(3, max(map(len, re.findall("`+", text)), default=0) + 1)
    return f"{fence}text\n{text}\n{fence}"


def _changes(wish: Wish) -> list[Change]:
    return [change for edit in wish.edits for change in edit.changes]


def _common_place(edits: tuple[FileEdit, ...]) -> str:
    paths = [edit.path for edit in edits]
    if len(paths) == 1:
        return one_line(paths[0])
    return one_line(posixpath.commonpath(paths)) if paths else ""


def _code(text: str) -> str:
    """A code span that keeps its place in a row of a table, whatever it holds."""
    plain = one_line(text).replace("|", "\\|")
    fence = "`" * (max(map(len, re.findall("`+", plain)), default=0) + 1)
    padding = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{fence}{padding}{plain}{padding}{fence}"


def _bytes(count: int) -> str:
    if count >= GIGABYTE:
        return f"{count / GIGABYTE:.1f} GB"
    return f"{count / MEGABYTE:.0f} MB"


def _when(*pairs: tuple[str, str]) -> Iterator[tuple[str, str]]:
    yield from (pair for pair in pairs if pair[1])


def _when_any(start: str, parts: Iterable[str]) -> Iterator[str]:
    if listed := ", ".join(parts):
        yield f"{start}{listed}."
