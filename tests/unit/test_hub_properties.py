"""What holds for every file of a hub: generated files with marked tags, and mutated ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.hub_edit import fuzz, own_corpus
from r2d_action.hub.edit import edit
from r2d_action.hub.values import Edited, NewImage
from r2d_action.reference import Repository, Tag

IMAGE = "quay.io/example-org/user-image"
OLD = "old-2025.12"
# Where the old tag stands, and where it stands alone without quotes.
HERE, ALONE = "\x01", "\x02"
QUOTED_ALONE = {"1234567890": True, "1e5": True, "4.10": True, "no": True, "2026-11-20": True}
PLAIN_ALONE = {"2026.11.20": False, "v4": False, "0123456789ab": False, "main": False}
TAGS = st.sampled_from([*QUOTED_ALONE, *PLAIN_ALONE])

Lines: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Template:
    text: str

    def before(self) -> str:
        return self.text.replace(HERE, OLD).replace(ALONE, OLD)

    def after(self, tag: str) -> str:
        alone = f'"{tag}"' if tag in QUOTED_ALONE else tag
        return self.text.replace(HERE, tag).replace(ALONE, alone)


# Pieces of files, as lines that can be indented ------------------------------------------------

KEYS = st.sampled_from(
    ["singleuser", "image", "x.y/z", "Größe", "config", "build_image", "spawner"]
)
COMMENTS = st.sampled_from(["", "  # see the wiki", f" # {IMAGE}:{OLD}", "   "])
INLINE = st.sampled_from(
    [
        f"{IMAGE}:{HERE}",
        f"'{IMAGE}:{HERE}'",
        f'"{IMAGE}:{HERE}"',
        f"!!str {IMAGE}:{HERE}",
        f"{{image: {IMAGE}:{HERE}}}",
        f'[{{"name": "{IMAGE}", "tag": "{HERE}"}}]',
        f"{{tag: {ALONE}, name: {IMAGE}}}",
        f"[{IMAGE}:{HERE}, other]",
    ]
)
OTHER = st.sampled_from(
    [
        f"{IMAGE}-gpu:{OLD}",
        f"quay.io/example-org/deep/user-image:{OLD}",
        f"{{name: quay.io/other/image, tag: {OLD}}}",
        f"{{name: {IMAGE}-gpu, tag: {OLD}}}",
        f"{{description: '{IMAGE}:{OLD}'}}",
        f'"{IMAGE}:{{value}}"',
        f"{IMAGE}:set-by-chartpress",
        "12.50",
        "~",
        f'"{OLD}"',
    ]
)
SIBLINGS = st.sampled_from(["pullPolicy: Always", "pullSecrets: []", f"# tag: {OLD}", "policy: ''"])


@st.composite
def pairs(draw: st.DrawFn) -> Lines:
    name = draw(st.sampled_from(["name", "repository", "image"]))
    quote = draw(st.sampled_from(["", "'", '"']))
    tag = f"{quote}{HERE}{quote}" if quote else ALONE
    parts = [f"{name}: {IMAGE}", f"tag: {tag}{draw(COMMENTS)}"]
    return tuple(
        draw(st.permutations([*parts, *draw(st.lists(SIBLINGS, max_size=2, unique=True))]))
    )


def blocks() -> st.SearchStrategy[Lines]:
    heads = st.sampled_from(["image: |", "image: >-", "image:"])
    return st.tuples(heads, st.just(f"   {IMAGE}:{HERE}"))


def values(prefix: str, texts: st.SearchStrategy[str]) -> st.SearchStrategy[Lines]:
    return st.builds(lambda text, comment: (f"{prefix}{text}{comment}",), texts, COMMENTS)


def nested(inner: st.SearchStrategy[Lines]) -> st.SearchStrategy[Lines]:
    return st.one_of(
        st.builds(_mapping, st.lists(inner, min_size=1, max_size=3), st.integers(1, 4)),
        st.builds(_sequence, st.lists(inner, min_size=1, max_size=3), st.integers(0, 2)),
    )


def _mapping(parts: list[Lines], indent: int) -> Lines:
    return tuple(
        line
        for number, part in enumerate(parts)
        for line in (f"part-{number}:", *_indented(part, indent))
    )


def _sequence(parts: list[Lines], indent: int) -> Lines:
    pad = " " * indent
    items = ((f"{pad}- {part[0]}", *_indented(part[1:], indent + 2)) for part in map(_led, parts))
    return ("items:", *(line for item in items for line in item))


def _led(part: Lines) -> Lines:
    """A comment cannot be the first thing behind a dash."""
    return (
        tuple(sorted(part, key=lambda line: line.startswith("#")))
        if part[0].startswith("#")
        else part
    )


def _indented(part: Lines, by: int) -> Lines:
    return tuple(" " * by + line for line in part)


PARTS: st.SearchStrategy[Lines] = st.recursive(
    st.one_of(values("image: ", INLINE), values("other: ", OTHER), pairs(), blocks()),
    nested,
    max_leaves=6,
)
ENDS: dict[str, Callable[[str], str]] = {
    "lf": lambda text: text,
    "crlf": lambda text: text.replace("\n", "\r\n"),
    "bom": lambda text: f"\ufeff{text}",
}


@st.composite
def templates(draw: st.DrawFn) -> Template:
    documents = draw(st.lists(st.lists(PARTS, min_size=1, max_size=3), min_size=1, max_size=2))
    texts = ["".join(f"{line}\n" for line in _mapping(parts, 2)) for parts in documents]
    return Template(ENDS[draw(st.sampled_from(sorted(ENDS)))]("---\n".join(texts)))


def edited(text: str, tag: str) -> Edited:
    return edit({"values.yaml": text.encode()}, NewImage(Repository.parse(IMAGE), Tag(tag)))


@settings(derandomize=True, deadline=None, max_examples=300)
@given(templates(), TAGS)
def test_exactly_the_tags_change(template: Template, tag: str) -> None:
    before, after = template.before(), template.after(tag)
    result = edited(before, tag)
    assert not result.refusals
    written = result.changed[0].after.decode() if result.changed else before
    assert written == after
    places = template.text.count(HERE) + template.text.count(ALONE)
    assert sum(len(file.changes) for file in result.changed) == places


@settings(derandomize=True, deadline=None, max_examples=100)
@given(templates(), TAGS)
def test_what_was_edited_reads_the_same_but_for_the_tags(template: Template, tag: str) -> None:
    result = edited(template.before(), tag)
    for file in result.changed:
        # What stays has the old tag as well: it is told from the rest by another word for it.
        kept = Template(template.text.replace(OLD, "kept"))
        expected = _loaded(kept.before()).replace(OLD, tag)
        assert _loaded(file.after.decode().replace(OLD, "kept")) == expected
        assert not edited(file.after.decode(), tag).changed


def _loaded(text: str) -> str:
    """Every value as a text, so that a number that was a text is told from it."""
    documents = list(yaml.safe_load_all(text.removeprefix("\ufeff")))
    return json.dumps(documents)


def test_no_mutated_file_makes_it_write_what_nobody_asked_for() -> None:
    tally = fuzz(seed=20261120, size=1_000_000, corpus=own_corpus())
    assert tally.findings == []
    assert tally.changed > 300
    assert tally.refused > 100
