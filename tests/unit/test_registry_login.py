from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from r2d_action.errors import LoginFailed
from r2d_action.registry.auth import Credential
from r2d_action.registry.login import Login


def credential(name: str, expires: float | None = None) -> Credential:
    return Credential(name, "s3cret", name, expires=expires)


def giving(credentials: Iterable[Credential | None]) -> Callable[[], Credential | None]:
    left = iter(credentials)
    return lambda: next(left)


def test_a_credential_is_looked_for_once() -> None:
    login = Login(giving([credential("a")]))
    assert login.credential() == login.credential() == credential("a")


def test_nobody_is_looked_for_once() -> None:
    login = Login(giving([None]))
    assert login.credential() is None
    assert login.credential() is None


def test_a_minute_before_its_end_there_is_a_new_one() -> None:
    times = iter([1000.0, 1059.0, 1061.0, 1061.0])
    login = Login(giving([credential("a", 1120), credential("b", 1500)]), lambda: next(times))
    names = [found.username for _ in range(5) if (found := login.credential())]
    assert names == ["a", "a", "a", "b", "b"]


def test_who_is_refused_asks_again() -> None:
    first, second = credential("a"), credential("b")
    login = Login(giving([first, second]))
    assert login.credential() == first
    assert login.renewed(first) == second
    # Another request was refused with the old one, meanwhile: it need not be renewed again.
    assert login.renewed(first) == second
    assert login.credential() == second


def test_the_same_again_is_no_other() -> None:
    login = Login.of(credential("a"))
    assert login.credential() == credential("a")
    assert login.renewed(credential("a")) is None


def test_nobody_cannot_be_renewed() -> None:
    login = Login.of(None)
    assert login.credential() is None
    assert login.renewed(None) is None


def test_a_login_that_fails_says_so() -> None:
    def fail() -> Credential:
        raise LoginFailed("no")

    with pytest.raises(LoginFailed):
        Login(fail).credential()


def test_nothing_is_printed_of_it() -> None:
    login = Login.of(credential("alice"))
    login.credential()
    assert "alice" not in repr(login)
    assert "s3cret" not in repr(login)
