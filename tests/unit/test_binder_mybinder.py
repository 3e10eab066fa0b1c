"""The parts of asking mybinder.org that need no connection."""

from __future__ import annotations

import pytest

from r2d_action.binder.binderhub import BinderSource
from r2d_action.binder.build_stream import read_events


@pytest.mark.parametrize(
    ("ref", "path"),
    [
        ("main", "gh/octo/course/main"),
        ("refs/heads/main", "gh/octo/course/main"),
        ("refs/heads/feature/x", "gh/octo/course/feature/x"),
        ("refs/tags/v1.0", "gh/octo/course/v1.0"),
        ("refs/pull/5/merge", "gh/octo/course/refs/pull/5/merge"),
        ("issue#7 50%", "gh/octo/course/issue%237%2050%25"),
    ],
)
def test_ref_is_written_as_in_links(ref: str, path: str) -> None:
    assert BinderSource("octo/course", ref).path == path


@pytest.mark.parametrize(
    ("lines", "events"),
    [
        ([b"data: one", b"", b"data: two", b""], ["one", "two"]),
        ([b"data:tight", b""], ["tight"]),
        ([b"data:  two blanks", b""], [" two blanks"]),
        ([b"data: a", b":keepalive", b"data: b", b""], ["a\nb"]),
        ([b":keepalive", b"", b"", b"data: x", b""], ["x"]),
        ([b"event: message", b"id: 7", b"retry: 10", b"data: x", b""], ["x"]),
        ([b"data: \xc3\xa9\xff", b""], ["é\N{REPLACEMENT CHARACTER}"]),
        ([b"data: whole", b"", b"data: broken off"], ["whole"]),
    ],
)
def test_events_are_read(lines: list[bytes], events: list[str]) -> None:
    assert list(read_events(lines)) == events
