"""The parts of verifying a hub that need no hub."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
import requests

from r2d_action.errors import HubFailed, InputError
from r2d_action.hub.comparison import Basis, compare
from r2d_action.hub.jupyterhub import Hub, HubAddress, ServerName
from r2d_action.hub.progress import Progress, events, follow
from r2d_action.hub.scopes import require_scopes
from r2d_action.hub.terminal import Done, line_for, read
from r2d_action.plan.hub_options import read_options
from r2d_action.reference import Digest, Reference, Repository, Tag
from r2d_action.retry import Retry

A, B = (f"sha256:{letter * 64}" for letter in "ab")


# The address ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("https://hub.example.org", "https://hub.example.org"),
        ("https://hub.example.org/", "https://hub.example.org"),
        (" https://hub.example.org/hub/home ", "https://hub.example.org"),
        ("https://hub.example.org/hub", "https://hub.example.org"),
        ("https://hub.example.org/user/me/lab/tree/hub", "https://hub.example.org"),
        ("https://example.org/jupyter/hub/token", "https://example.org/jupyter"),
        ("https://example.org/hubs/one", "https://example.org/hubs/one"),
        ("https://example.org:8443/a/services/configurator/", "https://example.org:8443/a"),
        ("https://hub.example.org/hub/spawn?next=x#top", "https://hub.example.org"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://localhost:8000/", "http://localhost:8000"),
    ],
)
def test_address_as_people_copy_it(text: str, base: str) -> None:
    assert HubAddress.parse(text).base == base


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("hub.example.org", "not the address of a hub"),
        ("ftp://hub.example.org", "not the address of a hub"),
        ("https://", "not the address of a hub"),
        ("https://me:secret@hub.example.org", "not the address of a hub"),
        ("http://hub.example.org", "everybody on the way could read the token"),
    ],
)
def test_address_that_is_none(text: str, word: str) -> None:
    with pytest.raises(InputError, match=word) as refused:
        HubAddress.parse(text)
    assert "secret" not in str(refused.value)


def test_what_the_hub_names_by_its_path() -> None:
    hub = HubAddress("https://example.org/jupyter")
    assert hub.of("/jupyter/user/me/") == "https://example.org/jupyter/user/me/"
    assert hub.of("https://me.example.org/user/me/") == "https://me.example.org/user/me/"


def test_names_of_servers_in_paths() -> None:
    assert ServerName("me").path == "users/me/server"
    assert ServerName("me@example.org", "a/b").path == "users/me%40example.org/servers/a%2Fb"


# Scopes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "scopes",
    [
        {"servers!user=me", "tokens!user=me"},
        {"servers", "tokens"},
        {"read:servers", "start:servers", "delete:servers!user=me", "tokens!group=checks"},
        set(),
    ],
)
def test_scopes_that_are_enough(scopes: set[str]) -> None:
    require_scopes(frozenset(scopes), "me")


@pytest.mark.parametrize(
    ("scopes", "missing"),
    [
        ({"servers!user=you", "tokens!user=me"}, "lacks the scope `servers!user=me`."),
        ({"servers"}, "lacks the scope `tokens!user=me`."),
        ({"servers", "read:tokens"}, "lacks the scope `tokens!user=me`."),
        ({"read:servers", "delete:servers", "tokens"}, "lacks the scope `servers!user=me`."),
        ({"read:users"}, "`servers!user=me` and `tokens!user=me`"),
    ],
)
def test_scopes_that_are_not(scopes: set[str], missing: str) -> None:
    with pytest.raises(HubFailed) as failed:
        require_scopes(frozenset(scopes), "me")
    assert missing in failed.value.what
    assert '"scopes": ["servers!user=me", "tokens!user=me"]' in failed.value.remedy


# What runs --------------------------------------------------------------------------------


def never(_repository: Repository, _tag: Tag) -> Digest | None:
    raise AssertionError("the registry need not be asked")


def silent(_repository: Repository, _tag: Tag) -> Digest | None:
    return None


def has_a(_repository: Repository, _tag: Tag) -> Digest | None:
    return Digest(A)


@pytest.mark.parametrize(
    ("expected", "spec"),
    [
        (f"quay.io/org/i:1@{A}", f"quay.io/org/i:1@{A}"),
        (f"quay.io/org/i:1@{A}", f"quay.io/org/i@{A}"),
        (f"quay.io/org/i:1@{A}", f"quay.io/org/i:older@{A}"),
        (f"org/i:1@{A}", f"docker.io/org/i:1@{A}"),
        (f"ubuntu:1@{A}", f"index.docker.io/library/ubuntu:1@{A}"),
    ],
)
def test_a_digest_settles_it(expected: str, spec: str) -> None:
    found = compare(Reference.parse(expected), spec, never)
    assert (str(found.runs), found.basis) == (spec, Basis.DIGEST)


@pytest.mark.parametrize(
    ("expected", "spec"),
    [
        (f"quay.io/org/i:1@{A}", "quay.io/org/i:1"),
        (f"quay.io/org/i@{A}", "quay.io/org/i"),
        ("quay.io/org/i:1", f"quay.io/org/i:1@{A}"),
    ],
)
def test_the_registry_knows_the_digest_of_a_tag(expected: str, spec: str) -> None:
    found = compare(Reference.parse(expected), spec, has_a)
    assert found.basis is Basis.TAG_IN_REGISTRY


@pytest.mark.parametrize(
    ("expected", "digest_of"),
    [(f"quay.io/org/i:1@{A}", silent), ("quay.io/org/i:1", has_a)],
)
def test_a_tag_alone_is_said_to_be_one(expected: str, digest_of: object) -> None:
    found = compare(Reference.parse(expected), "quay.io/org/i:1", digest_of)  # type: ignore[arg-type]
    assert found.basis is Basis.TAG


@pytest.mark.parametrize(
    ("expected", "spec", "word"),
    [
        (f"quay.io/org/i:1@{A}", f"quay.io/org/i:1@{B}", "and not quay.io/org/i:1@sha256:aaa"),
        (f"quay.io/org/i:1@{A}", "quay.io/org/i:2", "runs quay.io/org/i:2 and not"),
        (f"quay.io/org/i:1@{A}", "quay.io/org/i", "runs quay.io/org/i and not"),
        (f"quay.io/org/i:1@{A}", f"quay.io/org/i-gpu:1@{A}", "i-gpu"),
        (f"quay.io/org/i:1@{A}", f"ghcr.io/org/i:1@{A}", "ghcr.io"),
        (f"quay.io/org/i:1@{B}", "quay.io/org/i:1", "the registry has another image"),
        ("quay.io/org/i:1", "", "does not say which image it runs"),
        ("quay.io/org/i:1", "Not An Image", "does not say which image it runs"),
    ],
)
def test_another_image_runs(expected: str, spec: str, word: str) -> None:
    with pytest.raises(HubFailed) as failed:
        compare(Reference.parse(expected), spec, has_a)
    assert word in failed.value.what


# The progress -----------------------------------------------------------------------------


def test_events_of_a_hub() -> None:
    stream = [
        b'data: {"progress": 0, "message": "Server requested"}', b"", b"", b"",
        b"data: no json", b"", b"data: [1]", b"",
        b'data: {"progress": 100, "ready": true}', b"",
    ]  # fmt: skip
    assert [event["progress"] for event in events(stream)] == [0, 100]


def test_progress_says_each_message_once() -> None:
    said: list[str] = []
    progress = Progress(said.append)
    for message in ("Pulling  image\n", "Pulling image", "Started"):
        progress.hear({"message": message})
    progress.hear({"failed": True})
    assert said == ["  Pulling image", "  Started"]
    assert (progress.over, progress.ready) == (True, False)


def test_nothing_but_true_is_ready() -> None:
    progress = Progress(lambda _: None)
    progress.hear({"ready": "false"})
    assert not progress.over


class Streams(requests.Session):
    """A hub that answers with these event streams, one after the other."""

    def __init__(self, *streams: bytes) -> None:
        super().__init__()
        self.waiting = list(streams)

    def request(self, *_: Any, **__: Any) -> requests.Response:
        answer = requests.Response()
        answer.status_code = 200
        answer.raw = io.BytesIO(self.waiting.pop(0))
        return answer


def followed(*streams: bytes, seconds: float = 60.0) -> Streams:
    session = Streams(*streams)
    retry = Retry(sleep=lambda _: None, say=lambda _: None, tries=2)
    hub = Hub.of(HubAddress("https://hub.example.org"), "token", session, retry)
    follow(hub, ServerName("me", "one"), lambda _: None, lambda: seconds)
    return session


BROKEN = b'data: {"message": "Pulling"}\n\n'
READY = b'data: {"ready": true}\n\n'
FAILED = b'data: {"message": "Pulling"}\n\ndata: {"failed": true, "message": "No such image"}\n\n'


def test_a_start_is_followed_over_broken_connections() -> None:
    assert not followed(BROKEN, READY).waiting


@pytest.mark.parametrize(
    ("streams", "seconds", "words"),
    [
        ((FAILED, READY), 60.0, ["could not start me/one", ": No such image", "    Pulling\n"]),
        ((BROKEN, BROKEN), 60.0, ["does not tell", "ended before the start did"]),
        ((BROKEN, READY), 0.0, ["was still starting me/one", "HUB_VERIFY_TIMEOUT"]),
    ],
)
def test_a_start_that_comes_to_nothing(
    streams: tuple[bytes, ...], seconds: float, words: list[str]
) -> None:
    with pytest.raises(HubFailed) as failed:
        followed(*streams, seconds=seconds)
    assert [word for word in words if word not in str(failed.value)] == []


# The terminal -----------------------------------------------------------------------------


def test_a_command_is_typed_so_that_its_echo_is_no_answer() -> None:
    line = line_for("echo 'r2d-end 0'")
    assert "r2d-end" not in line
    assert "\n" not in line
    encoded = line.split()[2]
    assert "echo 'r2d-end 0'" in base64.b64decode(encoded).decode()


@pytest.mark.parametrize(
    ("said", "done"),
    [
        ("$ typed\r\n\r\nr2d-begin\r\nout\r\n\r\nr2d-end 0\r\n", Done(0, "out\n")),
        ("\r\nr2d-begin\r\nno newline\r\nr2d-end 3\r\n", Done(3, "no newline")),
        ("\r\nr2d-begin\r\n\r\nr2d-end 127\r\n", Done(127, "")),
        ("\x1b[?2004h$ \x1b]0;me\x07\r\nr2d-begin\r\n\x1b[31mred\x1b[0m\r\nr2d-end 0\r\n$ exit",
         Done(0, "red")),
        ("\r\nr2d-begin\r\na\rb\r\nr2d-end 0\r\n", Done(0, "a\rb")),
    ],
)  # fmt: skip
def test_a_terminal_is_read(said: str, done: Done) -> None:
    assert read(said) == done


@pytest.mark.parametrize("said", ["", "sh: base64: not found\r\n", "\r\nr2d-begin\r\nhalf"])
def test_a_terminal_that_breaks_off(said: str) -> None:
    with pytest.raises(HubFailed, match="ended before its command did"):
        read(said)


# What people write ------------------------------------------------------------------------


def test_options() -> None:
    assert read_options("profile=small, image=new\nx=a=b") == {
        "profile": "small",
        "image": "new",
        "x": "a=b",
    }
    assert read_options("") == {}


@pytest.mark.parametrize("text", ["small", "=small", "profile="])
def test_options_that_are_none(text: str) -> None:
    with pytest.raises(InputError, match="HUB_VERIFY_OPTIONS"):
        read_options(text)
