"""The last look before a file is written: does it read as it did, but for the tags?"""

from __future__ import annotations

import pytest

from r2d_action.hub.splice import Piece, reads_the_same, spliced

BEFORE = "image: {name: a, tag: v1, digest: x} # c\nother: &o v1\n"
# What the parser says: start, document, mapping, "image", mapping, "name", "a", "tag", "v1", …
TAG, DIGEST = 8, (9, 10)


def piece(old: str, text: str, value: str | None, *events: int) -> Piece:
    start = BEFORE.index(old)
    return Piece(start, start + len(old), text, events, value)


def test_what_was_to_change_may_change() -> None:
    changes = [piece("v1", '"v2"', "v2", TAG), piece(", digest: x", "", None, *DIGEST)]
    after = spliced(BEFORE, changes)
    assert after == 'image: {name: a, tag: "v2"} # c\nother: &o v1\n'
    assert reads_the_same(BEFORE, after, changes)
    assert not reads_the_same(BEFORE, BEFORE, changes)


@pytest.mark.parametrize(
    "after",
    [
        BEFORE.replace("other: &o v1", "other: &o v2"),
        BEFORE.replace("other: &o v1", "other: v1"),
        BEFORE.replace("other: &o v1", "other: &o !x v1"),
        BEFORE.replace("other: &o v1", "other: &o [v1]"),
        BEFORE.replace("name: a", "name: b"),
        BEFORE.replace("name: a", "name: 'a'"),
        BEFORE.replace("tag: v1", "tag: v3"),
        BEFORE.replace("tag: v1", "tag: &t v2"),
        BEFORE + "more: 1\n",
        BEFORE.replace("other: &o v1\n", ""),
        BEFORE.replace("}", ""),
    ],
)
def test_nothing_else_may(after: str) -> None:
    change = piece("v1", "v2", "v2", TAG)
    assert reads_the_same(BEFORE, BEFORE.replace("tag: v1", "tag: v2"), [change])
    assert not reads_the_same(BEFORE, after.replace("tag: v1", "tag: v2"), [change])
