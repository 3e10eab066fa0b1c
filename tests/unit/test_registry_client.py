"""The client among hosts that no test can have on its machine: all of them answer from memory."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from r2d_action.reference import Digest, Registry, Repository
from r2d_action.registry.auth import Credential
from r2d_action.registry.blobs import Blobs
from r2d_action.registry.client import Client
from r2d_action.registry.login import Login
from r2d_action.registry.manifest import Blob, Manifest
from r2d_action.registry.refusal import RegistryError
from r2d_action.retry import Retry, Temporary

HOST = "registry.example.org"
AUTH = "auth.example.org"
ALICE = Credential("alice", "s3cret-password", "the test")
BASIC = "Basic YWxpY2U6czNjcmV0LXBhc3N3b3Jk"
BODY = b'{"schemaVersion": 2}'
MANIFEST = Manifest("application/vnd.oci.image.manifest.v1+json", BODY)
DATA = b"some bytes of a layer"
BLOB = Blob(Digest(f"sha256:{hashlib.sha256(DATA).hexdigest()}"), len(DATA))


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


Handle = Callable[[requests.PreparedRequest], Answer]


@dataclass
class Net(BaseAdapter):
    """``hosts`` by scheme and name; who asks another one finds nobody there."""

    hosts: Mapping[str, Handle]
    seen: list[requests.PreparedRequest] = field(default_factory=list)
    proxies: list[Mapping[str, str]] = field(default_factory=list)

    def send(self, request: requests.PreparedRequest, *_: Any, **how: Any) -> requests.Response:
        self.seen.append(request)
        self.proxies.append(how.get("proxies") or {})
        parts = urlsplit(request.url or "")
        handle = self.hosts.get(f"{parts.scheme!s}://{parts.netloc!s}")
        if handle is None:
            raise requests.ConnectionError("nobody is there")
        told = handle(request)
        answer = requests.Response()
        answer.status_code, answer.headers = told.status, CaseInsensitiveDict(told.headers)
        answer.raw, answer.url, answer.request = io.BytesIO(told.body), request.url or "", request
        return answer

    def close(self) -> None:
        """There is nothing to close."""

    def asked(self, host: str) -> list[requests.PreparedRequest]:
        return [request for request in self.seen if urlsplit(request.url).netloc == host]

    def urls(self) -> list[str]:
        return [f"{request.method} {request.url}" for request in self.seen]


@dataclass
class World:
    net: Net
    waits: list[float] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def client(self, host: str = HOST, login: Login | Credential | None = ALICE) -> Client:
        session = requests.Session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, self.net)
        if not isinstance(login, Login):
            login = Login.of(login)
        retry = Retry(self.waits.append, self.said.append)
        return Client(session, Registry(host), login, retry)


def world(handle: Handle, **others: Handle) -> World:
    """``handle`` is the registry; the names of the others are their addresses."""
    return World(Net({f"https://{HOST}": handle, **others}))


def at(host: str = HOST, name: str = "org/image") -> Repository:
    return Repository.parse(f"{host}/{name}")


def answering(*answers: Answer) -> Handle:
    """One after the other, and the last one from then on."""
    left = iter(answers)
    last = answers[-1]
    return lambda _request: next(left, last)


FOUND = Answer(200, {"Content-Type": MANIFEST.media_type}, BODY)


def with_tokens(realm: str = f"https://{AUTH}/token") -> Handle:
    """A registry that takes a token for everything."""

    def handle(request: requests.PreparedRequest) -> Answer:
        shown = request.headers.get("Authorization", "")
        if shown.startswith("Bearer "):
            return FOUND
        return Answer(401, {"WWW-Authenticate": f'Bearer realm="{realm}",service="{HOST}"'})

    return handle


def token_server(request: requests.PreparedRequest) -> Answer:
    del request
    return Answer(200, {}, json.dumps({"token": "t0ken", "expires_in": 300}).encode())


def query(request: requests.PreparedRequest) -> Mapping[str, list[str]]:
    return parse_qs(urlsplit(str(request.url)).query, keep_blank_values=True)


def shown(requests_: list[requests.PreparedRequest]) -> list[str | None]:
    return [request.headers.get("Authorization") for request in requests_]


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


@pytest.mark.parametrize(
    "answer",
    [Answer(200, {}, b'{"tok'), Answer(200, {}, b"{}"), Answer(200, {}, b"[]"), Answer(503)],
)
def test_a_token_server_that_is_unwell_is_asked_again(answer: Answer) -> None:
    there = world(with_tokens(), **{f"https://{AUTH}": answering(answer, token_server(None))})  # type: ignore[arg-type]
    assert there.client().manifest(at(), "v1") == MANIFEST
    assert there.waits == [1]


# What is believed ---------------------------------------------------------------------------


def typed(status: int, body: bytes, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, {"Content-Type": MANIFEST.media_type, **named}, body)


PAGE = Answer(200, {"Content-Type": "text/html"}, b"<html>Log in to the network</html>")


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (PAGE, "proxy"),
        (replace(PAGE, status=404), "proxy"),
        (typed(200, BODY[:-3]), "MANIFEST_INVALID"),
        (typed(200, b"[]"), "MANIFEST_INVALID"),
        (typed(200, BODY, Docker_Content_Digest=f"sha256:{'0' * 64}"), "DIGEST_INVALID"),
        (typed(304, b""), "304"),
        (typed(500, b""), "500"),
    ],
)
def test_a_manifest_that_is_none(answer: Answer, word: str) -> None:
    with pytest.raises(RegistryError, match=word):
        world(answering(answer)).client().manifest(at(), "v1")


def test_a_manifest_by_digest_is_that_of_the_digest() -> None:
    client = world(answering(FOUND)).client()
    assert client.manifest(at(), str(MANIFEST.digest)) == MANIFEST
    with pytest.raises(RegistryError, match="DIGEST_INVALID"):
        client.manifest(at(), f"sha256:{'0' * 64}")


@pytest.mark.parametrize("answer", [PAGE, replace(PAGE, status=404)])
def test_a_page_is_no_answer_to_anything(answer: Answer) -> None:
    client = world(answering(answer)).client()
    blobs = Blobs(client, at())
    for ask in (
        lambda: client.digest(at(), "v1"),
        lambda: client.put_manifest(at(), "v1", MANIFEST),
        lambda: client.tags(at()),
        lambda: client.require_push(at()),
        lambda: blobs.has(BLOB),
        lambda: b"".join(blobs.read(BLOB, 0, BLOB.size)),
        lambda: blobs.mount(BLOB, at(name="org/other")),
    ):
        with pytest.raises(RegistryError, match="a proxy answered in place of the registry"):
            ask()


@pytest.mark.parametrize("claimed", ["", "sha512:abc", "none"])
def test_a_digest_that_is_not_told_is_reckoned(claimed: str) -> None:
    answer = replace(FOUND, headers={**FOUND.headers, "Docker-Content-Digest": claimed})

    def handle(request: requests.PreparedRequest) -> Answer:
        return answer if request.method == "HEAD" else FOUND

    assert world(handle).client().digest(at(), "v1") == MANIFEST.digest


def test_another_kind_of_digest_is_no_contradiction() -> None:
    answer = replace(FOUND, headers={**FOUND.headers, "Docker-Content-Digest": "sha512:abc"})
    assert world(answering(answer)).client().digest(at(), "v1") == MANIFEST.digest


@pytest.mark.parametrize("status", [405, 501])
def test_a_registry_that_knows_no_head(status: int) -> None:
    def handle(request: requests.PreparedRequest) -> Answer:
        return Answer(status) if request.method == "HEAD" else FOUND

    assert world(handle).client().digest(at(), "v1") == MANIFEST.digest


@pytest.mark.parametrize("told", ["", "application/json", "text/plain; charset=utf-8"])
def test_a_manifest_says_itself_what_it_is(told: str) -> None:
    body = json.dumps({"mediaType": MANIFEST.media_type}).encode()
    answer = Answer(200, {"Content-Type": told}, body)
    manifest = world(answering(answer)).client().manifest(at(), "v1")
    assert manifest
    assert manifest.media_type == MANIFEST.media_type


@pytest.mark.parametrize(
    "content", [{}, {"config": None}, {"config": "x"}, {"config": {"digest": 1}}, {"manifests": []}]
)
def test_a_manifest_without_a_configuration_has_no_labels(content: dict[str, object]) -> None:
    manifest = Manifest(MANIFEST.media_type, json.dumps(content).encode())
    there = world(answering(FOUND))
    assert there.client().labels(at(), manifest) is None
    assert not there.net.seen


def test_another_digest_for_what_was_put() -> None:
    told = Answer(201, {"Docker-Content-Digest": f"sha256:{'0' * 64}"})
    client = world(answering(told)).client()
    with pytest.raises(RegistryError, match="DIGEST_INVALID"):
        client.put_manifest(at(), "v1", MANIFEST)
    with pytest.raises(RegistryError, match="DIGEST_INVALID"):
        Blobs(client, at()).mount(BLOB, at(name="org/other"))


@pytest.mark.parametrize("labels", [b"{}", b'{"config": null}', b'{"config": {"Labels": null}}'])
def test_a_configuration_without_labels(labels: bytes) -> None:
    assert _labels(labels) == {}


@pytest.mark.parametrize(
    "labels", [b"[]", b"{", b'{"config": [1]}', b"null", b'{"config": {"Labels": [1]}}']
)
def test_a_configuration_that_is_none(labels: bytes) -> None:
    assert _labels(labels) is None


def test_another_configuration_than_that_of_the_manifest() -> None:
    client = world(answering(Answer(200, {}, b'{"config": {"Labels": {"a": "b"}}}'))).client()
    manifest = Manifest("", json.dumps({"config": {"digest": f"sha256:{'0' * 64}"}}).encode())
    assert client.labels(at(), manifest) is None


def _labels(configuration: bytes) -> Mapping[str, str] | None:
    digest = f"sha256:{hashlib.sha256(configuration).hexdigest()}"
    manifest = Manifest("", json.dumps({"config": {"digest": digest}}).encode())
    return world(answering(Answer(200, {}, configuration))).client().labels(at(), manifest)


# Tags ---------------------------------------------------------------------------------------


def pages(links: Mapping[str, str]) -> Handle:
    """``links`` say where the list goes on, by the ``last`` tag of the page."""

    def handle(request: requests.PreparedRequest) -> Answer:
        last = query(request).get("last", ["0"])[0]
        tags = [f"v{last}{n}" for n in range(2)]
        link = {"Link": f'<{links[last]}>; rel="next"'} if last in links else {}
        return Answer(200, link, json.dumps({"name": "x", "tags": tags}).encode())

    return handle


def test_tags_on_several_pages() -> None:
    there = world(pages({"0": "/v2/org/image/tags/list?n=2&last=1", "1": "?n=2&last=2"}))
    assert there.client().tags(at()) == ("v00", "v01", "v10", "v11", "v20", "v21")
    assert there.net.urls()[0] == f"GET https://{HOST}/v2/org/image/tags/list?n=1000"


def test_pages_in_a_circle_end() -> None:
    there = world(pages({"0": "?last=1", "1": "?last=2", "2": "?last=1"}))
    assert there.client().tags(at()) == ("v00", "v01", "v10", "v11", "v20", "v21")


@pytest.mark.parametrize(
    "body", [b'{"tags": null}', b"{}", b'{"tags": []}', b'{"tags": "v1"}', b'{"tags": [1]}']
)
def test_a_list_without_tags(body: bytes) -> None:
    assert world(answering(Answer(200, {}, body))).client().tags(at()) == ()


def test_a_broken_list_is_asked_for_again() -> None:
    there = world(answering(Answer(200, {}, b'{"tags": ["v'), Answer(200, {}, b'{"tags": ["v1"]}')))
    assert there.client().tags(at()) == ("v1",)


# Addresses and waits ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "base"),
    [
        ("quay.io", "https://quay.io"),
        ("docker.io", "https://registry-1.docker.io"),
        ("registry.example.org:5000", "https://registry.example.org:5000"),
        ("localhost:5000", "http://localhost:5000"),
        ("localhost", "http://localhost"),
        ("127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("[::1]:5000", "http://[::1]:5000"),
        ("[2001:db8::1]:5000", "https://[2001:db8::1]:5000"),
        ("localhost.example.org", "https://localhost.example.org"),
        ("127.example.org", "https://127.example.org"),
    ],
)
def test_where_a_registry_is(host: str, base: str) -> None:
    there = World(Net({base: answering(FOUND)}))
    repository = at(host, "org/image")
    assert there.client(host).manifest(repository, "v1") == MANIFEST
    assert there.net.urls() == [f"GET {base}/v2/org/image/manifests/v1"]


def test_what_is_on_this_machine_is_not_asked_for_through_a_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example.org:3128")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.org:3128")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for host in ("localhost:5000", "127.0.0.1:5000", "[::1]:5000", HOST):
        base = f"https://{host}" if host == HOST else f"http://{host}"
        there = World(Net({base: answering(FOUND)}))
        there.client(host).manifest(at(host), "v1")
        used = there.net.proxies[0].get(base.partition(":")[0])
        assert bool(used) == (host == HOST)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "86400"}, 60),
        (
            {
                "Retry-After": "Fri, 20 Nov 2026 08:00:09 GMT",
                "Date": "Fri, 20 Nov 2026 08:00:00 GMT",
            },
            9,
        ),
        ({"Retry-After": "Fri, 20 Nov 2026 08:00:09 GMT"}, 1),
        ({"Retry-After": "soon"}, 1),
        ({"Retry-After": "-5"}, 1),
        ({}, 1),
    ],
)
def test_a_wait_that_is_asked_for(headers: Mapping[str, str], wait: float) -> None:
    there = world(answering(Answer(429, headers), FOUND))
    assert there.client().manifest(at(), "v1") == MANIFEST
    assert there.waits == [wait]


def test_a_registry_that_is_not_there() -> None:
    there = World(Net({}))
    with pytest.raises(Temporary, match=f"{HOST} does not answer"):
        there.client().manifest(at(), "v1")
    assert there.waits == [1, 2, 4, 8]


def test_nothing_is_printed_of_a_client() -> None:
    there = world(with_tokens(), **{f"https://{AUTH}": token_server})
    client = there.client()
    client.manifest(at(), "v1")
    assert "s3cret" not in repr(client)
    assert "t0ken" not in repr(client)
