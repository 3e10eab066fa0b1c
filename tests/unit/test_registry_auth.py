from __future__ import annotations

import base64
from urllib.parse import parse_qs, urlsplit

from r2d_action.registry.auth import Challenge, Credential, token_in, token_request

ALICE = Credential("alice", "s3cret", "test")
BEARER = (
    'Bearer realm="https://auth.example.org/token?a=1",service="registry.example.org",'
    'error="insufficient_scope"'
)
SCOPE = "repository:org/image:pull,push"


def test_a_challenge_is_read_with_quoted_commas() -> None:
    challenge = Challenge.parse('Bearer realm="https://a/t",scope="repository:x:pull,push"')
    assert challenge.scheme == "bearer"
    assert challenge.get("scope") == "repository:x:pull,push"


def test_a_password_is_shown_to_the_token_server() -> None:
    asked = token_request(Challenge.parse(BEARER), SCOPE, ALICE)
    query = parse_qs(urlsplit(asked.url).query)
    assert query == {"a": ["1"], "service": ["registry.example.org"], "scope": [SCOPE]}
    assert asked.basic == "Basic " + base64.b64encode(b"alice:s3cret").decode()
    assert not asked.form


def test_nobody_shows_nothing() -> None:
    assert token_request(Challenge.parse(BEARER), SCOPE, None).basic is None


def test_an_identity_token_is_exchanged() -> None:
    credential = Credential("", "", "test", identity_token="opaque")
    asked = token_request(Challenge.parse(BEARER), SCOPE, credential)
    form = dict(asked.form)
    assert form["grant_type"] == "refresh_token"
    assert form["refresh_token"] == "opaque"
    assert asked.basic is None
    assert "opaque" not in asked.url


def test_both_names_of_a_token_are_taken() -> None:
    assert token_in({"token": "a"}) == "a"
    assert token_in({"access_token": "b"}) == "b"
    assert token_in({"token": None}) == ""


def test_a_credential_is_never_printed() -> None:
    assert "s3cret" not in repr(ALICE)
    assert "alice" not in f"{ALICE}"
