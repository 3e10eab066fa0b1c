"""As whom a registry gets to know us, and what becomes of its challenges."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from r2d_action.registry.auth import Credential
from r2d_action.registry.blobs import Blobs
from r2d_action.registry.login import Login
from r2d_action.registry.refusal import RegistryError
from r2d_action.retry import Temporary
from unit.registry_world import (
    ALICE,
    AUTH,
    BASIC,
    BLOB,
    DATA,
    FOUND,
    HOST,
    MANIFEST,
    Answer,
    Handle,
    Net,
    World,
    answering,
    at,
    query,
    shown,
    token_server,
    with_tokens,
    world,
)

# Who gets to know us ------------------------------------------------------------------------


def test_the_password_goes_to_the_token_server_and_the_token_to_the_registry() -> None:
    there = world(with_tokens(), **{f"https://{AUTH}": token_server})
    client = there.client()
    assert client.manifest(at(), "v1") == MANIFEST
    assert client.manifest(at(), "v2") == MANIFEST
    assert shown(there.net.asked(AUTH)) == [BASIC]
    assert shown(there.net.asked(HOST)) == [None, "Bearer t0ken", "Bearer t0ken"]


@pytest.mark.parametrize(
    "realm",
    [
        f"http://{AUTH}/token",
        "http://127.0.0.1:8000/token",
        "https://localhost/token",
        "http://[::1]/token",
        "ftp://auth.example.org/",
        "//auth.example.org/token",
        "",
    ],
)
@pytest.mark.parametrize(
    "login", [ALICE, Credential("", "", "the test", identity_token="0paque")], ids=["user", "token"]
)
def test_a_login_is_not_sent_in_the_open(realm: str, login: Credential) -> None:
    everybody = {
        f"{scheme}://{host}": token_server
        for scheme in ("http", "https")
        for host in (AUTH, "127.0.0.1:8000", "localhost", "[::1]")
    }
    there = world(with_tokens(realm), **everybody)
    with pytest.raises(RegistryError) as caught:
        there.client(login=login).manifest(at(), "v1")
    assert "s3cret" not in str(caught.value)
    assert [urlsplit(request.url).netloc for request in there.net.seen] == [HOST]


def test_nobody_has_nothing_to_lose() -> None:
    there = world(with_tokens(f"http://{AUTH}/token"), **{f"http://{AUTH}": token_server})
    assert there.client(login=None).manifest(at(), "v1") == MANIFEST


def test_at_home_the_token_server_is_at_home_too() -> None:
    home = {"http://127.0.0.1:5000": with_tokens("http://localhost:5001/token")}
    there = World(Net({**home, "http://localhost:5001": token_server}))
    assert there.client("127.0.0.1:5000").manifest(at("127.0.0.1:5000"), "v1") == MANIFEST


def test_a_token_server_that_sends_on_does_not_take_us_along() -> None:
    sent_on = answering(Answer(302, {"Location": "https://evil.example.org/token"}))
    there = world(
        with_tokens(), **{f"https://{AUTH}": sent_on, "https://evil.example.org": token_server}
    )
    there.client().manifest(at(), "v1")
    assert shown(there.net.asked("evil.example.org")) == [None]


@pytest.mark.parametrize(
    ("location", "kept"),
    [
        ("https://cdn.example.org/blob", False),
        (f"https://{HOST}:8443/blob", False),
        (f"https://{HOST}:443/blob", True),
        ("/blob", True),
    ],
)
def test_redirections_take_us_along_only_at_the_same_place(location: str, kept: bool) -> None:
    def registry(request: requests.PreparedRequest) -> Answer:
        if not request.headers.get("Authorization"):
            return Answer(401, {"WWW-Authenticate": "Basic"})
        return (
            store(request)
            if "/v2/" not in str(request.url)
            else Answer(307, {"Location": location})
        )

    def store(_request: requests.PreparedRequest) -> Answer:
        return Answer(200, {}, DATA)

    others = {"https://cdn.example.org": store, f"https://{HOST}:8443": store}
    there = world(registry, **{**others, f"https://{HOST}:443": registry})
    blobs = Blobs(there.client(), at())
    assert b"".join(blobs.read(BLOB, 0, BLOB.size)) == DATA
    assert shown(there.net.seen)[-1] == (BASIC if kept else None)


def test_a_redirection_does_not_leave_encryption() -> None:
    there = world(answering(Answer(307, {"Location": "http://cdn.example.org/blob"})))
    with pytest.raises(RegistryError, match="without encryption"):
        there.client().manifest(at(), "v1")
    assert len(there.net.seen) == 1


@pytest.mark.parametrize("location", ["http://[", "https://x:port/", "https://" + "x" * 70, "\x00"])
def test_a_redirection_to_nowhere(location: str) -> None:
    there = world(answering(Answer(307, {"Location": location})))
    with pytest.raises((RegistryError, Temporary)):
        there.client().manifest(at(), "v1")


def test_redirections_in_a_circle_end() -> None:
    there = world(answering(Answer(302, {"Location": "?again"})))
    with pytest.raises(RegistryError, match="in circles"):
        there.client().manifest(at(), "v1")
    assert len(there.net.seen) == 5


def test_a_manifest_is_not_put_elsewhere() -> None:
    there = world(answering(Answer(307, {"Location": "https://cdn.example.org/"})))
    with pytest.raises(RegistryError, match="307"):
        there.client().put_manifest(at(), "v1", MANIFEST)
    assert len(there.net.seen) == 1


def opening(location: str) -> Handle:
    """A registry with a password that wants uploads at ``location``."""

    def handle(request: requests.PreparedRequest) -> Answer:
        if not request.headers.get("Authorization"):
            return Answer(401, {"WWW-Authenticate": "Basic"})
        return Answer(201 if request.method == "PUT" else 202, {"Location": location})

    return handle


def test_uploads_to_another_host_do_not_tell_it_of_us() -> None:
    there = world(
        opening("https://upload.example.org/1?state=a"),
        **{"https://upload.example.org": answering(Answer(202, {"Location": "/2?b"}), Answer(201))},
    )
    Blobs(there.client(), at()).upload(BLOB, lambda start, end: iter([DATA[start:end]]))
    assert [request.method for request in there.net.asked("upload.example.org")] == ["PATCH", "PUT"]
    assert shown(there.net.asked("upload.example.org")) == [None, None]
    assert query(there.net.seen[-1]) == {"b": [""], "digest": [str(BLOB.digest)]}


def test_an_upload_stays_where_it_is_when_nothing_else_is_said() -> None:
    opened = Answer(202, {"Location": "/upload/1"})
    there = world(answering(opened, Answer(202), Answer(201)))
    Blobs(there.client(), at()).upload(BLOB, lambda start, end: iter([DATA[start:end]]))
    digest = str(BLOB.digest).replace(":", "%3A")
    assert there.net.urls()[1:] == [
        f"PATCH https://{HOST}/upload/1",
        f"PUT https://{HOST}/upload/1?digest={digest}",
    ]


def test_an_upload_that_is_opened_nowhere() -> None:
    with pytest.raises(RegistryError, match="where to upload to"):
        world(answering(Answer(202))).client().require_push(at())


def test_uploads_do_not_leave_encryption() -> None:
    there = world(opening(f"http://{HOST}/upload"))
    with pytest.raises(RegistryError, match="without encryption"):
        there.client().require_push(at())


def test_a_login_of_the_machine_is_not_mixed_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text(f"machine {HOST} login bob password other")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    there = world(opening("/upload"))
    there.client().require_push(at())
    assert set(shown(there.net.seen)) == {None, BASIC}


# Challenges ---------------------------------------------------------------------------------


def test_a_denial_takes_few_requests() -> None:
    """The token is good, the right is missing: neither another token nor login would help."""
    realm = f'Bearer realm="https://{AUTH}/token",scope="repository:org/image:pull,push"'
    there = world(
        answering(Answer(401, {"WWW-Authenticate": realm})), **{f"https://{AUTH}": token_server}
    )
    given = iter([ALICE])
    with pytest.raises(RegistryError, match="401"):
        there.client(login=Login(lambda: next(given))).require_push(at())
    assert [request.method for request in there.net.seen] == ["POST", "GET", "POST"]
    assert not there.waits


def test_a_registry_may_want_more_than_one_should_think() -> None:
    def registry(request: requests.PreparedRequest) -> Answer:
        if request.headers.get("Authorization") == "Bearer repository:org/image:delete":
            return FOUND
        scope = "repository:org/image:delete"
        return Answer(401, {"WWW-Authenticate": f'Bearer realm="https://{AUTH}/t",scope="{scope}"'})

    def tokens(request: requests.PreparedRequest) -> Answer:
        scopes = query(request)["scope"]
        return Answer(200, {}, json.dumps({"token": scopes[-1]}).encode())

    there = world(registry, **{f"https://{AUTH}": tokens})
    assert there.client().manifest(at(), "v1") == MANIFEST


def test_a_login_that_the_token_server_refuses_is_renewed_once() -> None:
    def tokens(request: requests.PreparedRequest) -> Answer:
        fine = request.headers["Authorization"] == BASIC
        return token_server(request) if fine else Answer(403)

    there = world(with_tokens(), **{f"https://{AUTH}": tokens})
    given = iter([replace(ALICE, password="old"), ALICE])
    assert there.client(login=Login(lambda: next(given))).manifest(at(), "v1") == MANIFEST
    wrong = iter([replace(ALICE, password="old"), replace(ALICE, password="older")])
    with pytest.raises(RegistryError, match="403") as caught:
        there.client(login=Login(lambda: next(wrong))).manifest(at(), "v1")
    assert caught.value.host == AUTH


def test_an_expired_token_is_not_shown_again() -> None:
    now = 1000.0
    counted = iter(range(10))

    def tokens(_request: requests.PreparedRequest) -> Answer:
        return Answer(
            200, {}, json.dumps({"token": f"t{next(counted)}", "expires_in": 100}).encode()
        )

    there = world(with_tokens(), **{f"https://{AUTH}": tokens})
    client = there.client(login=Login(lambda: ALICE, lambda: now))
    for moment in (1000.0, 1080.0, 1095.0):
        now = moment
        client.digest(at(), "v1")
    bearers = dict.fromkeys(shown(there.net.asked(HOST)))
    assert list(bearers) == [None, "Bearer t0", "Bearer t1"]


def test_a_refusal_without_a_way_in() -> None:
    there = world(answering(Answer(401, {"WWW-Authenticate": "Negotiate"})))
    with pytest.raises(RegistryError, match="401"):
        there.client().manifest(at(), "v1")


def test_nobody_asks_once_where_a_password_is_wanted() -> None:
    there = world(answering(Answer(401, {"WWW-Authenticate": 'Basic realm="x"'})))
    with pytest.raises(RegistryError, match="401"):
        there.client(login=None).manifest(at(), "v1")
    assert len(there.net.seen) == 1


@pytest.mark.parametrize(
    "answer",
    [Answer(200, {}, b'{"tok'), Answer(200, {}, b"{}"), Answer(200, {}, b"[]"), Answer(503)],
)
def test_a_token_server_that_is_unwell_is_asked_again(answer: Answer) -> None:
    there = world(with_tokens(), **{f"https://{AUTH}": answering(answer, token_server(None))})  # type: ignore[arg-type]
    assert there.client().manifest(at(), "v1") == MANIFEST
    assert there.waits == [1]
