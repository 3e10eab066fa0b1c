from __future__ import annotations

import base64
from urllib.parse import parse_qs, urlsplit

import pytest

from r2d_action.registry.auth import (
    Challenge,
    Credential,
    Scope,
    challenges_in,
    opened,
    scopes_in,
    token_in,
    token_request,
    way_in,
)

ALICE = Credential("alice", "s3cret", "test")
REALM = "https://auth.example.org/token?a=1"
SERVICE = "registry.example.org"
BEARER = Challenge("bearer", (("realm", REALM), ("service", SERVICE)))
PUSH = Scope("org/image", "pull,push")


# Challenges ---------------------------------------------------------------------------------


def test_quoted_commas_belong_to_their_value() -> None:
    (challenge,) = challenges_in('Bearer realm="https://a/t",scope="repository:x:pull,push"')
    assert challenge.scheme == "bearer"
    assert challenge.get("scope") == "repository:x:pull,push"
    assert challenge.get("service") == ""


@pytest.mark.parametrize(
    "header",
    [
        'Basic realm="a, b", Bearer realm="https://a/t",service="s"',
        'Bearer realm="https://a/t", service="s", Basic realm="a, b"',
        'BASIC Realm = "a, b" , bearer REALM="https://a/t" ,Service=s',
        'Negotiate, NTLM, Basic realm="a, b", Bearer realm="https://a/t",service="s"',
    ],
)
def test_several_challenges_in_one_header(header: str) -> None:
    found = {challenge.scheme: challenge for challenge in challenges_in(header)}
    assert found["basic"].get("realm") == "a, b"
    assert found["bearer"].get("realm") == "https://a/t"
    assert found["bearer"].get("service") == "s"
    assert way_in(header) == found["bearer"]


def test_escaped_quotes() -> None:
    (challenge,) = challenges_in(r'Basic realm="the \"old\" one", charset="UTF-8"')
    assert challenge.parameters == (("realm", 'the "old" one'), ("charset", "UTF-8"))


@pytest.mark.parametrize("header", ["", "Negotiate", "realm=x", "Bearer", "=,=", '"'])
def test_no_way_in(header: str) -> None:
    assert way_in(header) is None


def test_a_token_server_without_an_address_is_none() -> None:
    found = way_in('Bearer service="s", Basic realm="r"')
    assert found is not None
    assert found.scheme == "basic"


# Scopes -------------------------------------------------------------------------------------


def test_the_right_to_push_is_one_to_pull() -> None:
    pull = Scope("org/image")
    assert PUSH.covers(pull)
    assert not pull.covers(PUSH)
    assert not PUSH.covers(Scope("org/other"))
    assert opened([pull, Scope("org/other")], by=[PUSH, Scope("org/other", "*,pull")])
    assert not opened([PUSH], by=[pull])
    assert opened([], by=[])


def test_scopes_of_a_challenge() -> None:
    text = "repository:org/image:delete registry:catalog:* * repository:localhost:5000/a:pull"
    assert scopes_in(text) == (Scope("org/image", "delete"), Scope("localhost:5000/a", "pull"))
    assert [str(scope) for scope in scopes_in("repository:a:pull,push")] == [
        "repository:a:pull,push"
    ]


# Requests for a token -----------------------------------------------------------------------


def test_a_password_is_shown_to_the_token_server() -> None:
    asked = token_request(BEARER, (PUSH, Scope("org/other")), ALICE)
    assert parse_qs(urlsplit(asked.url).query) == {
        "a": ["1"],
        "service": [SERVICE],
        "scope": ["repository:org/image:pull,push", "repository:org/other:pull"],
    }
    assert asked.basic == "Basic " + base64.b64encode(b"alice:s3cret").decode()
    assert not asked.form


def test_a_service_that_has_no_name_is_not_named() -> None:
    asked = token_request(Challenge("bearer", (("realm", "https://a/t"),)), (PUSH,), None)
    assert asked.url == "https://a/t?scope=repository%3Aorg%2Fimage%3Apull%2Cpush"
    assert asked.basic is None


def test_an_identity_token_is_exchanged() -> None:
    credential = Credential("", "", "test", identity_token="opaque")
    asked = token_request(BEARER, (PUSH, Scope("org/other")), credential)
    assert dict(asked.form) == {
        "grant_type": "refresh_token",
        "refresh_token": "opaque",
        "client_id": "r2d-action",
        "service": SERVICE,
        "scope": "repository:org/image:pull,push repository:org/other:pull",
    }
    assert asked.basic is None
    assert asked.url == REALM


# Tokens -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["token", "access_token"])
def test_both_names_of_a_token_are_taken(name: str) -> None:
    token = token_in({name: "a", "expires_in": 300}, 1000.0, None)
    assert token is not None
    assert token.value == "a"
    assert 1000 + 240 < token.until < 1000 + 300


@pytest.mark.parametrize("answer", [{}, {"token": None}, {"token": ""}, {"token": 7}])
def test_no_token(answer: dict[str, object]) -> None:
    assert token_in(answer, 1000.0, None) is None


@pytest.mark.parametrize("told", [None, "300", -5, 0])
def test_a_token_that_does_not_say_how_long_lives_for_a_minute(told: object) -> None:
    token = token_in({"token": "a", "expires_in": told}, 1000.0, None)
    assert token is not None
    assert 1000 < token.until < 1060


@pytest.mark.parametrize(
    "issued",
    ["2026-11-20T08:00:00Z", "2026-11-20T08:00:00.123456789Z", "2026-11-20T09:00:00+01:00"],
)
def test_a_token_from_the_servers_store_is_older_than_ours(issued: str) -> None:
    """By the server's clock, two minutes ahead of the token; ours is years off."""
    answer = {"token": "a", "expires_in": 300, "issued_at": issued}
    eight = 1795161600.0
    token = token_in(answer, 1000.0, eight + 120)
    assert token is not None
    assert token.until == 1000 + 180 * 0.9


def test_a_moment_that_is_none_does_no_harm() -> None:
    token = token_in({"token": "a", "expires_in": 100, "issued_at": "yesterday"}, 1000.0, 5000.0)
    assert token is not None
    assert token.until == 1090


def test_secrets_are_never_printed() -> None:
    token = token_in({"token": "t0ken"}, 1000.0, None)
    assert "s3cret" not in repr(ALICE)
    assert "alice" not in f"{ALICE}"
    assert "t0ken" not in repr(token)
