"""Server-sent events, out of a stream that may break off anywhere."""

from __future__ import annotations

import pytest

from r2d_action.server_sent_events import read_events


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
