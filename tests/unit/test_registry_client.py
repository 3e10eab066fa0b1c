"""What the client believes of what registries say, and where it looks for them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace

import pytest
import requests

from r2d_action.registry.blobs import Blobs
from r2d_action.registry.manifest import Manifest
from r2d_action.registry.refusal import RegistryError
from r2d_action.retry import Temporary
from unit.registry_world import (
    AUTH,
    BLOB,
    BODY,
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
    token_server,
    with_tokens,
    world,
)

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


def test_a_configuration_is_fetched_once() -> None:
    content = b'{"config": {"Labels": {"a": "b"}}}'
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    manifest = Manifest("", json.dumps({"config": {"digest": digest}}).encode())
    there = world(answering(Answer(503), Answer(200, {}, b"{"), Answer(200, {}, content)))
    client = there.client()
    assert client.labels(at(), manifest) is None
    assert [client.labels(at(), manifest) for _ in range(2)] == [{"a": "b"}] * 2
    assert len(there.net.seen) == 3


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
