"""Unit tests touch files at most: who opens a socket or starts a process here fails."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

# https://docs.python.org/3/library/audit_events.html
FORBIDDEN = ("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.system")


class Guard:
    def __init__(self) -> None:
        self.active = False

    def __call__(self, event: str, _arguments: object) -> None:
        if self.active and event.startswith(FORBIDDEN):
            # Not an Exception, so that the code under test cannot swallow it.
            pytest.fail(f"a unit test must not do this: {event}")

    @contextmanager
    def on(self) -> Iterator[None]:
        self.active = True
        try:
            yield
        finally:
            self.active = False


guard = Guard()
# For good: Python has no way to take one off again.
sys.addaudithook(guard)


@pytest.fixture(autouse=True)
def _files_at_most() -> Iterator[None]:
    with guard.on():
        yield
