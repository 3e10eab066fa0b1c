"""Addresses, also those that a server made up."""

from __future__ import annotations

import pytest

from r2d_action.addresses import host_in, is_loopback, name_in, same_origin, without_login

NO_ADDRESS = "http://[half"


@pytest.mark.parametrize("url", ["//localhost:5000", "http://127.0.0.1/v2/", "//[::1]:5000"])
def test_what_is_on_this_machine(url: str) -> None:
    assert is_loopback(url)


@pytest.mark.parametrize("url", ["//quay.io", "https://127.0.0.1.example.org", "//", NO_ADDRESS])
def test_what_is_not(url: str) -> None:
    assert not is_loopback(url)


def test_a_port_that_goes_without_saying_makes_no_difference() -> None:
    assert same_origin("https://Hub.example.org/a", "https://hub.example.org:443/b")


@pytest.mark.parametrize(
    "other",
    [
        "http://hub.example.org",
        "http://hub.example.org:443",
        "https://hub.example.org:8443",
        "https://example.org",
        "https://hub.example.org:70000",
        NO_ADDRESS,
    ],
)
def test_what_is_shown_to_one_is_not_shown_to(other: str) -> None:
    assert not same_origin("https://hub.example.org/", other)


def test_nobody_is_named_by_what_is_no_address() -> None:
    assert (host_in(NO_ADDRESS), name_in(NO_ADDRESS)) == ("", "")
    assert (host_in("https://me@h:1/"), name_in("https://me@h:1/")) == ("h:1", "h")


def test_nothing_secret_is_left_of_an_address() -> None:
    assert without_login("https://me:s3cret@h:1/a/b?token=x#y") == "https://h:1/a/b"
