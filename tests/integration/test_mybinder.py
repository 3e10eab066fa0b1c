"""Asking mybinder.org for a build, against a small server that speaks BinderHub's event stream."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from http.client import responses
from pathlib import Path

import pytest
import requests

from integration.binder_server import (
    KEEP_ALIVE,
    Binder,
    Exchange,
    Listener,
    event,
    refuses,
    serving,
    streams,
)
from r2d_action.binder.binderhub import BinderSource, Prebuild, Triggered, TriggerOutcome
from r2d_action.binder.build_stream import LAST_LINES
from r2d_action.binder.mybinder import MYBINDER

SOURCE = BinderSource("octo/course", "refs/heads/main")
IMAGE = "registry.example/binder/octo-course:abc"

WAITING = event(phase="waiting", message="Waiting for build to start...\n")
BUILDING = event(phase="building", message="Step 1/9 : FROM debian\n")
BUILT = event(phase="built", imageName=IMAGE, message="Built image, launching...\n")

binder = pytest.fixture(serving, name="binder")
member = pytest.fixture(serving, name="member")


def ask(listener: Listener, url: str, source: BinderSource = SOURCE) -> Triggered:
    with requests.Session() as session:
        return Prebuild(
            hub=replace(MYBINDER, url=url),
            source=source,
            session=session,
            say=listener.said.append,
            sleep=listener.slept.append,
            clock=lambda: listener.now,
        )()


@pytest.fixture
def listener() -> Listener:
    return Listener()


def test_build_is_followed_to_its_image(binder: Binder, listener: Listener) -> None:
    binder.answers = [streams(WAITING, KEEP_ALIVE, BUILDING, BUILT, whole=False)]
    assert ask(listener, binder.url) == Triggered(
        outcome=TriggerOutcome.BUILT,
        launch_url=f"{binder.url}/v2/gh/octo/course/main",
        note="mybinder.org has the image ready.",
        phase="built",
        image=IMAGE,
        last_lines=tuple(listener.log),
    )
    assert listener.phases == ["waiting", "building", "built"]
    assert listener.log == [
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
    ask(listener, binder.url)
    assert hung_up.wait(30)


def test_branch_with_slash_and_hash(binder: Binder, listener: Listener) -> None:
    binder.answers = [streams(BUILT)]
    ask(listener, binder.url, BinderSource("octo/course", "refs/heads/fix/issue#7"))
    assert binder.requests[0].path == "/build/gh/octo/course/fix/issue%237"


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_chunks_may_end_anywhere(binder: Binder, listener: Listener, size: int) -> None:
    stream = KEEP_ALIVE + 'data: {"message":\ndata: "é"}\n\n'.encode() + KEEP_ALIVE + BUILT
    pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
    binder.answers = [streams(*pieces)]
    assert ask(listener, binder.url).image == IMAGE
    assert listener.log == ["é", "Built image, launching..."]


def test_repeated_progress_is_said_once(binder: Binder, listener: Listener) -> None:
    progress = event(phase="pushing", message="Pushing image\n", progress={"a": {"current": 1}})
    binder.answers = [streams(progress, progress, event(message="\n"), progress, BUILT)]
    ask(listener, binder.url)
    assert listener.log == ["Pushing image", "Built image, launching..."]


def test_what_is_no_json_is_said_as_it_is(binder: Binder, listener: Listener) -> None:
    binder.answers = [streams(b"data: not json\n\n", b"data: [1]\n\n", BUILT)]
    assert ask(listener, binder.url).outcome is TriggerOutcome.BUILT
    assert listener.log[:2] == ["not json", "[1]"]


def test_failed_build_is_told_with_its_last_lines(binder: Binder, listener: Listener) -> None:
    log = [event(phase="building", message=f"line {number}\n") for number in range(50)]
    failure = event(phase="failed", message="pip ended with exit code 1\n")
    binder.answers = [streams(*log, failure)]
    result = ask(listener, binder.url)
    assert result.outcome is TriggerOutcome.FAILED
    assert result.note.endswith("could not build the repository: pip ended with exit code 1")
    assert len(result.last_lines) == LAST_LINES
    assert result.last_lines[-2:] == ("line 49", "pip ended with exit code 1")
    assert len(binder.requests) == 1


@pytest.mark.parametrize("phase", ["failed", "Failed", "failure"])
def test_failure_may_come_without_words(binder: Binder, listener: Listener, phase: str) -> None:
    binder.answers = [streams(event(phase=phase))]
    result = ask(listener, binder.url)
    assert result.outcome is TriggerOutcome.FAILED
    assert result.note.endswith("it gave no reason")


def test_error_that_comes_as_an_event(binder: Binder, listener: Listener) -> None:
    said = "Rate limit exceeded. Try again in 3600 seconds"
    binder.answers = [streams(event(phase="failed", status_code=429, message=f"{said}.\n"))]
    result = ask(listener, binder.url)
    assert result.outcome is TriggerOutcome.UNREACHABLE
    assert said in result.note
    assert "60 minutes" in result.note
    assert listener.slept == []


def test_error_that_passes_comes_as_an_event(binder: Binder, listener: Listener) -> None:
    limit = event(phase="failed", status_code=429, message="Try again in 7 seconds.\n")
    binder.answers = [streams(limit), streams(BUILT)]
    assert ask(listener, binder.url).outcome is TriggerOutcome.BUILT
    assert listener.slept == [7.0]


def test_hands_over_to_a_member(binder: Binder, member: Binder, listener: Listener) -> None:
    there = f"{member.url}/build/gh/octo/course/main"
    binder.answers = [refuses(307, Location=there)]
    member.answers = [streams(BUILT)]
    result = ask(listener, binder.url)
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
    ask(listener, binder.url)
    for request in binder.requests + member.requests:
        assert "Authorization" not in request.headers


def test_redirects_without_end(binder: Binder, listener: Listener) -> None:
    binder.answers = [refuses(302, Location=f"/{number}") for number in range(9)]
    result = ask(listener, binder.url)
    assert result.outcome is TriggerOutcome.UNREACHABLE
    assert "without end" in result.note
    assert len(binder.requests) == 5


@pytest.mark.parametrize("whole", [True, False])
def test_broken_connection_is_taken_up_again(
    binder: Binder, listener: Listener, whole: bool
) -> None:
    half = b'data: {"phase": "built", "message": "half an event"}'
    binder.answers = [streams(WAITING, half, whole=whole), streams(BUILT)]
    result = ask(listener, binder.url)
    assert result.outcome is TriggerOutcome.BUILT
    assert "half an event" not in listener.said
    assert listener.slept == [10.0]


def test_connection_that_keeps_breaking(binder: Binder, listener: Listener) -> None:
    binder.answers = [streams(BUILDING, whole=False), streams(BUILDING, whole=False)]
    result = ask(listener, binder.url)
    assert result.outcome is TriggerOutcome.UNREACHABLE
    assert result.phase == "building"
    assert len(binder.requests) == 2


def test_member_that_is_full_is_asked_once_more(binder: Binder, listener: Listener) -> None:
    binder.answers = [refuses(503), refuses(502)]
    result = ask(listener, binder.url)
    assert result.outcome is TriggerOutcome.UNREACHABLE
    assert "it answered 502 Bad Gateway" in result.note
    assert binder.answers == []


def test_asked_to_wait(binder: Binder, listener: Listener) -> None:
    binder.answers = [refuses(429, Retry_After="7"), streams(BUILT)]
    assert ask(listener, binder.url).outcome is TriggerOutcome.BUILT
    assert listener.slept == [7.0]


def test_asked_to_wait_too_long(binder: Binder, listener: Listener) -> None:
    binder.answers = [refuses(429, Retry_After="3600")]
    result = ask(listener, binder.url)
    assert result.outcome is TriggerOutcome.UNREACHABLE
    assert "60 minutes" in result.note
    assert listener.slept == []


def test_asked_to_wait_until_some_date(binder: Binder, listener: Listener) -> None:
    date = "Fri, 31 Dec 1999 23:59:59 GMT"
    binder.answers = [refuses(503, Retry_After=date), streams(BUILT)]
    assert ask(listener, binder.url).outcome is TriggerOutcome.BUILT


@pytest.mark.parametrize("status", [400, 403, 404])
def test_refusal_is_not_repeated(binder: Binder, listener: Listener, status: int) -> None:
    binder.answers = [refuses(status)]
    result = ask(listener, binder.url)
    assert result.outcome is TriggerOutcome.UNREACHABLE
    assert f"it answered {status} {responses[status]}" in result.note


def test_page_instead_of_a_stream(binder: Binder, listener: Listener) -> None:
    binder.answers = [refuses(200, Content_Type="text/html")]
    assert "a page instead" in ask(listener, binder.url).note
    assert listener.slept == []


def test_nobody_answers(binder: Binder, listener: Listener) -> None:
    url = binder.url
    binder.server_close()
    result = ask(listener, url)
    assert result.outcome is TriggerOutcome.UNREACHABLE
    assert "the connection failed" in result.note


def test_slow_build_goes_on_by_itself(binder: Binder, listener: Listener) -> None:
    def build_for_long(exchange: Exchange) -> None:
        exchange.stream(BUILDING, whole=False)
        assert heard.wait(30)
        listener.now = MYBINDER.time_limit + 1
        exchange.send_piece(KEEP_ALIVE)

    heard = threading.Event()
    binder.answers = [build_for_long]
    with requests.Session() as session:
        result = Prebuild(
            hub=replace(MYBINDER, url=binder.url),
            source=SOURCE,
            session=session,
            say=lambda _: heard.set(),
            sleep=listener.slept.append,
            clock=lambda: listener.now,
        )()
    assert result.outcome is TriggerOutcome.UNFINISHED
    assert result.phase == "building"
    assert "still building after 15 minutes" in result.note
    assert listener.slept == []
