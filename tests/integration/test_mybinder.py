"""Asking for a build, against a small server that speaks BinderHub's event stream."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import responses
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from r2d_action.binder.mybinder import (
    LAST_LINES,
    TIME_LIMIT,
    BinderSource,
    Triggered,
    TriggerOutcome,
    trigger,
)

SOURCE = BinderSource("octo/course", "refs/heads/main")
IMAGE = "registry.example/binder/octo-course:abc"
KEEP_ALIVE = b":keepalive\n\n"


def event(**data: object) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()


WAITING = event(phase="waiting", message="Waiting for build to start...\n")
BUILDING = event(phase="building", message="Step 1/9 : FROM debian\n")
BUILT = event(phase="built", imageName=IMAGE, message="Built image, launching...\n")


@dataclass
class Request:
    path: str
    headers: dict[str, str]


class Exchange(BaseHTTPRequestHandler):
    """One request, and the ways in which BinderHub may answer it."""

    protocol_version = "HTTP/1.1"
    server: Binder

    def do_GET(self) -> None:
        self.server.requests.append(Request(self.path, dict(self.headers)))
        self.server.answers.pop(0)(self)

    def stream(self, *pieces: bytes, whole: bool = True) -> None:
        """An event stream, one chunk for each piece; cut off unless ``whole``."""
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in pieces:
            self.send_piece(piece)
        if whole:
            self.send_piece(b"")

    def send_piece(self, piece: bytes) -> None:
        self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        self.wfile.flush()

    def refuse(self, status: int, **headers: str) -> None:
        self.send_response(status, responses[status])
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silence."""


Answer = Callable[[Exchange], None]


class Binder(ThreadingHTTPServer):
    """Gives its ``answers`` one after the other."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Exchange)
        self.requests: list[Request] = []
        self.answers: list[Answer] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


def serving() -> Iterator[Binder]:
    with Binder() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,)).start()
        try:
            yield server
        finally:
            server.shutdown()


binder = pytest.fixture(serving, name="binder")
member = pytest.fixture(serving, name="member")


def streams(*pieces: bytes, whole: bool = True) -> Answer:
    return lambda exchange: exchange.stream(*pieces, whole=whole)


def refuses(status: int, **headers: str) -> Answer:
    return lambda exchange: exchange.refuse(status, **headers)


@dataclass
class Listener:
    """Stands in for the person, the sleep and the clock."""

    said: list[str] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    now: float = 0.0

    def ask(self, url: str, source: BinderSource = SOURCE) -> Triggered:
        with requests.Session() as session:
            return trigger(
                session,
                source,
                say=self.said.append,
                sleep=self.slept.append,
                clock=lambda: self.now,
                base_url=url,
            )


@pytest.fixture
def listener() -> Listener:
    return Listener()


def test_build_is_followed_to_its_image(binder: Binder, listener: Listener) -> None:
    binder.answers = [streams(WAITING, KEEP_ALIVE, BUILDING, BUILT, whole=False)]
    assert listener.ask(binder.url) == Triggered(
        outcome=TriggerOutcome.BUILT,
        launch_url=f"{binder.url}/v2/gh/octo/course/main",
        note="mybinder.org has the image ready.",
        phase="built",
        image=IMAGE,
        last_lines=tuple(listener.said),
    )
    assert listener.said == [
        "Waiting for build to start...",
        "Step 1/9 : FROM debian",
        "Built image, launching...",
    ]
    (request,) = binder.requests
    assert request.path == "/build/gh/octo/course/main"
    assert request.headers["Accept"] == "text/event-stream"


def test_hangs_up_before_a_server_is_started(binder: Binder, listener: Listener) -> None:
    hung_up = threading.Event()

    def stay_open(exchange: Exchange) -> None:
        exchange.stream(BUILT, whole=False)
        if exchange.rfile.read(1) == b"":
            hung_up.set()

    binder.answers = [stay_open]
    listener.ask(binder.url)
    assert hung_up.wait(30)


def test_branch_with_slash_and_hash(binder: Binder, listener: Listener) -> None:
    binder.answers = [streams(BUILT)]
    listener.ask(binder.url, BinderSource("octo/course", "refs/heads/fix/issue#7"))
    assert binder.requests[0].path == "/build/gh/octo/course/fix/issue%237"


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_chunks_may_end_anywhere(binder: Binder, listener: Listener, size: int) -> None:
    stream = KEEP_ALIVE + 'data: {"message":\ndata: "é"}\n\n'.encode() + KEEP_ALIVE + BUILT
    pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
    binder.answers = [streams(*pieces)]
    assert listener.ask(binder.url).image == IMAGE
    assert listener.said == ["é", "Built image, launching..."]


def test_repeated_progress_is_said_once(binder: Binder, listener: Listener) -> None:
    progress = event(phase="pushing", message="Pushing image\n", progress={"a": {"current": 1}})
    binder.answers = [streams(progress, progress, event(message="\n"), progress, BUILT)]
    listener.ask(binder.url)
    assert listener.said == ["Pushing image", "Built image, launching..."]


def test_what_is_no_json_is_said_as_it_is(binder: Binder, listener: Listener) -> None:
    binder.answers = [streams(b"data: not json\n\n", b"data: [1]\n\n", BUILT)]
    assert listener.ask(binder.url).outcome is TriggerOutcome.BUILT
    assert listener.said[:2] == ["not json", "[1]"]


def test_failed_build_is_told_with_its_last_lines(binder: Binder, listener: Listener) -> None:
    log = [event(phase="building", message=f"line {number}\n") for number in range(50)]
    failure = event(phase="failed", message="pip ended with exit code 1\n")
    binder.answers = [streams(*log, failure)]
    result = listener.ask(binder.url)
    assert result.outcome is TriggerOutcome.FAILED
    assert result.note.endswith("could not build the repository: pip ended with exit code 1")
    assert len(result.last_lines) == LAST_LINES
    assert result.last_lines[-2:] == ("line 49", "pip ended with exit code 1")
    assert len(binder.requests) == 1


@pytest.mark.parametrize("phase", ["failed", "Failed", "failure"])
def test_failure_may_come_without_words(binder: Binder, listener: Listener, phase: str) -> None:
    binder.answers = [streams(event(phase=phase))]
    result = listener.ask(binder.url)
    assert result.outcome is TriggerOutcome.FAILED
    assert result.note.endswith("it gave no reason")


def test_error_that_comes_as_an_event(binder: Binder, listener: Listener) -> None:
    said = "Rate limit exceeded. Try again in 3600 seconds."
    binder.answers = [streams(event(phase="failed", status_code=429, message=f"{said}\n"))]
    assert said in listener.ask(binder.url).note


def test_hands_over_to_a_member(binder: Binder, member: Binder, listener: Listener) -> None:
    there = f"{member.url}/build/gh/octo/course/main"
    binder.answers = [refuses(307, Location=there)]
    member.answers = [streams(BUILT)]
    result = listener.ask(binder.url)
    assert result.outcome is TriggerOutcome.BUILT
    assert result.launch_url.startswith(binder.url)
    assert member.requests[0].path == "/build/gh/octo/course/main"
    assert member.requests[0].headers["Accept"] == "text/event-stream"


def test_no_password_of_the_user_is_sent(
    binder: Binder,
    member: Binder,
    listener: Listener,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login ann password top-secret\n")
    netrc.chmod(0o600)
    monkeypatch.setitem(os.environ, "NETRC", str(netrc))
    binder.answers = [refuses(307, Location=member.url)]
    member.answers = [streams(BUILT)]
    listener.ask(binder.url)
    for request in binder.requests + member.requests:
        assert "Authorization" not in request.headers


def test_redirects_without_end(binder: Binder, listener: Listener) -> None:
    binder.answers = [refuses(302, Location=f"/{number}") for number in range(9)]
    result = listener.ask(binder.url)
    assert result.outcome is TriggerOutcome.UNREACHABLE
    assert "without end" in result.note
    assert len(binder.requests) == 5


@pytest.mark.parametrize("whole", [True, False])
def test_broken_connection_is_taken_up_again(
    binder: Binder, listener: Listener, whole: bool
) -> None:
    half = b'data: {"phase": "built", "message": "half an event"}'
    binder.answers = [streams(WAITING, half, whole=whole), streams(BUILT)]
    result = listener.ask(binder.url)
    assert result.outcome is TriggerOutcome.BUILT
    assert "half an event" not in listener.said
    assert listener.slept == [10.0]


def test_connection_that_keeps_breaking(binder: Binder, listener: Listener) -> None:
    binder.answers = [streams(BUILDING, whole=False), streams(BUILDING, whole=False)]
    result = listener.ask(binder.url)
    assert result.outcome is TriggerOutcome.UNREACHABLE
    assert result.phase == "building"
    assert len(binder.requests) == 2


def test_member_that_is_full_is_asked_once_more(binder: Binder, listener: Listener) -> None:
    binder.answers = [refuses(503), refuses(502)]
    result = listener.ask(binder.url)
    assert result.outcome is TriggerOutcome.UNREACHABLE
    assert "it answered 502 Bad Gateway" in result.note
    assert binder.answers == []


def test_asked_to_wait(binder: Binder, listener: Listener) -> None:
    binder.answers = [refuses(429, Retry_After="7"), streams(BUILT)]
    assert listener.ask(binder.url).outcome is TriggerOutcome.BUILT
    assert listener.slept == [7.0]


def test_asked_to_wait_too_long(binder: Binder, listener: Listener) -> None:
    binder.answers = [refuses(429, Retry_After="3600")]
    result = listener.ask(binder.url)
    assert result.outcome is TriggerOutcome.UNREACHABLE
    assert "60 minutes" in result.note
    assert listener.slept == []


def test_asked_to_wait_until_some_date(binder: Binder, listener: Listener) -> None:
    date = "Fri, 31 Dec 1999 23:59:59 GMT"
    binder.answers = [refuses(503, Retry_After=date), streams(BUILT)]
    assert listener.ask(binder.url).outcome is TriggerOutcome.BUILT


@pytest.mark.parametrize("status", [400, 403, 404])
def test_refusal_is_not_repeated(binder: Binder, listener: Listener, status: int) -> None:
    binder.answers = [refuses(status)]
    result = listener.ask(binder.url)
    assert result.outcome is TriggerOutcome.UNREACHABLE
    assert f"it answered {status} {responses[status]}" in result.note


def test_page_instead_of_a_stream(binder: Binder, listener: Listener) -> None:
    binder.answers = [refuses(200, Content_Type="text/html")] * 2
    assert "a page instead" in listener.ask(binder.url).note


def test_nobody_answers(binder: Binder, listener: Listener) -> None:
    url = binder.url
    binder.server_close()
    result = listener.ask(url)
    assert result.outcome is TriggerOutcome.UNREACHABLE
    assert "the connection failed" in result.note


def test_slow_build_goes_on_by_itself(binder: Binder, listener: Listener) -> None:
    def build_for_long(exchange: Exchange) -> None:
        exchange.stream(BUILDING, whole=False)
        assert heard.wait(30)
        listener.now = TIME_LIMIT + 1
        exchange.send_piece(KEEP_ALIVE)

    heard = threading.Event()
    binder.answers = [build_for_long]
    with requests.Session() as session:
        result = trigger(
            session,
            SOURCE,
            say=lambda _: heard.set(),
            sleep=listener.slept.append,
            clock=lambda: listener.now,
            base_url=binder.url,
        )
    assert result.outcome is TriggerOutcome.UNFINISHED
    assert result.phase == "building"
    assert "still building after 15 minutes" in result.note
    assert listener.slept == []
