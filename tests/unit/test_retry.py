from __future__ import annotations

import pytest

from r2d_action.retry import Retry, Temporary


class Flaky:
    """Fails ``times`` with a temporary error, then answers."""

    def __init__(self, times: int, retry_after: float | None = None) -> None:
        self.left, self.retry_after = times, retry_after

    def __call__(self) -> str:
        if self.left:
            self.left -= 1
            raise Temporary("answered 502", self.retry_after)
        return "done"


def test_waits_double_and_every_try_is_told() -> None:
    waits: list[float] = []
    said: list[str] = []
    assert Retry(waits.append, said.append)("push", Flaky(3)) == "done"
    assert waits == [1, 2, 4]
    assert said[0] == "push: answered 502; try 1 of 5 failed, next in 1 s"


def test_the_other_side_may_ask_for_a_wait_within_reason() -> None:
    waits: list[float] = []
    Retry(waits.append, print)("push", Flaky(1, retry_after=7))
    Retry(waits.append, print)("push", Flaky(1, retry_after=9999))
    assert waits == [7, 60]


def test_the_last_trouble_is_raised() -> None:
    waits: list[float] = []
    with pytest.raises(Temporary, match="502"):
        Retry(waits.append, print, tries=3)("push", Flaky(9))
    assert len(waits) == 2


def test_nothing_else_is_tried_again() -> None:
    def broken() -> None:
        raise KeyError("ours")

    with pytest.raises(KeyError):
        Retry(lambda _: pytest.fail("waited"), print)("push", broken)
