"""Where BINDERHUB_URL may lead, and who may hear the token."""

from __future__ import annotations

import pytest

from r2d_action.binder.binderhub import BinderHub
from r2d_action.errors import InputError

TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("url", "name", "base"),
    [
        ("https://binder.example.org", "binder.example.org", "https://binder.example.org"),
        (
            "https://hub.example.org/services/binder/",
            "hub.example.org",
            "https://hub.example.org/services/binder",
        ),
        ("http://127.0.0.1:8585/", "127.0.0.1:8585", "http://127.0.0.1:8585"),
    ],
)
def test_address(url: str, name: str, base: str) -> None:
    hub = BinderHub.at(url, TOKEN)
    assert (hub.name, hub.url) == (name, base)


@pytest.mark.parametrize(
    "url", ["", "hub.example.org", "ftp://hub.example.org", "https://", "https:///x", "https://[x"]
)
def test_no_address(url: str) -> None:
    with pytest.raises(InputError, match=r"^BINDERHUB_URL: .* is not the address of a BinderHub"):
        BinderHub.at(url)


def test_password_in_the_address() -> None:
    with pytest.raises(InputError, match="BINDERHUB_TOKEN") as refused:
        BinderHub.at("https://ann:top-secret@hub.example.org")
    assert "top-secret" not in str(refused.value)


def test_token_is_not_for_everybody_to_read() -> None:
    with pytest.raises(InputError, match="https://"):
        BinderHub.at("http://hub.example.org", TOKEN)
    assert BinderHub.at("http://hub.example.org").token == ""


def test_token_is_not_shown() -> None:
    assert TOKEN not in repr(BinderHub.at("https://hub.example.org", TOKEN))
