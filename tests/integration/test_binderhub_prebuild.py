"""Asking a hub's own BinderHub for a build.

What the server sends here was recorded from BinderHub (its commit b9fad995) running as a service
of JupyterHub 6.1.
"""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
import requests

from integration.binder_server import (
    KEEP_ALIVE,
    Answer,
    Binder,
    Exchange,
    Listener,
    refuses,
    serving,
    streams,
)
from r2d_action.binder.binderhub import (
    BinderHub,
    BinderSource,
    Prebuild,
    Triggered,
    TriggerOutcome,
)

COMMIT = "5a6df720540c20d95d530d3fd6885511223d5d20"
TOKEN = "0123456789abcdef0123456789abcdef"
SOURCE = BinderSource("octo/course", COMMIT)
IMAGE = f"127.0.0.1:33827/my-org/r2d-octo-2dcourse-20629a:{COMMIT}"

BUILDING = rb"""data: {"phase": "waiting", "message": "Waiting for build to start...\n"}

data: {"phase": "fetching", "message": "Cloning into '/tmp/repo2dockerx'...\n"}

data: {"phase": "building", "message": "Step 1/2 : FROM docker.io/library/buildpack-deps:jammy\n"}

data: {"phase": "building", "message": " ---> Running in 0123456789ab\n"}

"""
PUSHING = (
    rb'data: {"phase": "pushing", "message": "Pushing image\n", '
    rb'"progress": {"a": {"current": 1, "total": 2}}}' + b"\n\n"
)


def ready(message: str) -> bytes:
    return (
        rb'data: {"phase": "ready", "message": "%s\n", "imageName": "%s"}'
        % (
            message.encode(),
            IMAGE.encode(),
        )
        + b"\n\n"
    )


BUILT_ONLY = ready("Done! Image built")
FOUND_ONLY = ready("Done! Found built image")
LAUNCHING = (
    rb'data: {"phase": "built", "message": "Built image, launching...\n", "imageName": "%s"}'
    % IMAGE.encode()
    + b"\n\n"
    + rb'data: {"phase": "launching", "message": "Launching server...\n"}'
    + b"\n\n"
)
FAILED = (
    rb"""data: {"phase": "failed", "message": """
    rb""""The command '/bin/sh -c false' returned a non-zero code: 1\n"}""" + b"\n\n"
    b'data: {"phase": "failed"}\n\n'
)
UNRESOLVED = (
    rb'data: {"phase": "failed", "message": "Could not resolve ref for gh:octo/course/missing. '
    rb'Double check your URL and that your repo is public.\n"}' + b"\n\n"
)
NO_BUILD_ONLY = (
    rb'data: {"phase": "failed", "status_code": 400, "message": "Building but not launching is '
    rb"not permitted when the API only mode was not enabled by setting `enable_api_only_mode` "
    rb'to True. \n"}' + b"\n\n"
)
FORBIDDEN = rb'data: {"phase": "failed", "status_code": 403, "message": "Forbidden\n"}' + b"\n\n"
NOT_ALLOWED = (
    rb'data: {"phase": "failed", "status_code": 403, '
    rb'"message": "service stranger is not allowed.\n"}' + b"\n\n"
)
BUILD = f"/services/binder/build/gh/octo/course/{COMMIT}"

binder = pytest.fixture(serving, name="binder")
elsewhere = pytest.fixture(serving, name="elsewhere")


@pytest.fixture
def listener() -> Listener:
    return Listener()


def ask(
    listener: Listener, binder: Binder, *, token: str = TOKEN, path: str = "/services/binder/"
) -> Triggered:
    with requests.Session() as session:
        prebuild = Prebuild(
            hub=BinderHub.at(binder.url + path, token),
            source=SOURCE,
            session=session,
            say=listener.said.append,
            sleep=listener.slept.append,
            clock=lambda: listener.now,
        )
        return prebuild()


def host(binder: Binder) -> str:
    return binder.url.removeprefix("http://")


def test_build_is_followed_without_a_launch(binder: Binder, listener: Listener) -> None:
    binder.answers = [streams(BUILDING, KEEP_ALIVE, PUSHING, PUSHING, BUILT_ONLY)]
    assert ask(listener, binder) == Triggered(
        outcome=TriggerOutcome.BUILT,
        launch_url="",
        note=f"{host(binder)} has the image ready.",
        phase="ready",
        image=IMAGE,
        last_lines=tuple(listener.log),
    )
    assert listener.phases == ["waiting", "fetching", "building", "pushing", "ready"]
    assert listener.log == [
        "Waiting for build to start...",
        "Cloning into '/tmp/repo2dockerx'...",
        "Step 1/2 : FROM docker.io/library/buildpack-deps:jammy",
        "---> Running in 0123456789ab",
        "Pushing image",
        "Done! Image built",
    ]
    (request,) = binder.requests
    assert request.path == f"{BUILD}?build_only=true"
    assert request.headers["Accept"] == "text/event-stream"
    assert request.headers["Authorization"] == f"token {TOKEN}"


def test_image_that_is_there_already(binder: Binder, listener: Listener) -> None:
    binder.answers = [streams(FOUND_ONLY)]
    result = ask(listener, binder)
    assert result.found
    assert result.note == f"{host(binder)} had the image already."


def test_hub_that_launches_whatever_it_builds(binder: Binder, listener: Listener) -> None:
    binder.answers = [streams(NO_BUILD_ONLY), streams(BUILDING, LAUNCHING, whole=False)]
    result = ask(listener, binder)
    assert result.outcome is TriggerOutcome.BUILT
    assert not result.found
    assert result.image == IMAGE
    assert result.launch_url == f"{binder.url}/services/binder/v2/gh/octo/course/{COMMIT}"
    assert [request.path for request in binder.requests] == [f"{BUILD}?build_only=true", BUILD]
    assert "also starts a server" in listener.log[0]
    assert listener.phases[-1] == "built"
    assert listener.slept == []


def test_hub_that_launches_what_it_has(binder: Binder, listener: Listener) -> None:
    found = LAUNCHING.replace(b"Built image", b"Found built image")
    binder.answers = [streams(NO_BUILD_ONLY), streams(found)]
    assert ask(listener, binder).found


def test_build_that_fails(binder: Binder, listener: Listener) -> None:
    binder.answers = [streams(BUILDING, FAILED)]
    result = ask(listener, binder)
    assert result.outcome is TriggerOutcome.FAILED
    assert result.note == (
        f"{host(binder)} could not build the repository: The command '/bin/sh -c false' returned "
        "a non-zero code: 1"
    )
    assert result.last_lines[-2:] == (
        "---> Running in 0123456789ab",
        "The command '/bin/sh -c false' returned a non-zero code: 1",
    )
    assert not result.found


def test_repository_that_nobody_sees(binder: Binder, listener: Listener) -> None:
    binder.answers = [streams(UNRESOLVED)]
    result = ask(listener, binder)
    assert result.outcome is TriggerOutcome.FAILED
    assert "that your repo is public" in result.note


@pytest.mark.parametrize(
    ("said", "token", "remedy"),
    [
        (FORBIDDEN, "", "it wants a token of its JupyterHub, which goes into BINDERHUB_TOKEN"),
        (FORBIDDEN, TOKEN, "the hub does not know the token of BINDERHUB_TOKEN"),
        (NOT_ALLOWED, TOKEN, "its role has no access to the service"),
    ],
)
def test_token_that_is_missing_or_wrong(
    binder: Binder, listener: Listener, said: bytes, token: str, remedy: str
) -> None:
    binder.answers = [streams(said)]
    result = ask(listener, binder, token=token)
    assert result.outcome is TriggerOutcome.UNREACHABLE
    assert "it answered 403" in result.note
    assert remedy in result.note
    assert TOKEN not in f"{result}{listener.said}"


def test_nobody_has_a_token(binder: Binder, listener: Listener) -> None:
    binder.answers = [streams(FOUND_ONLY)]
    ask(listener, binder, token="")
    assert "Authorization" not in binder.requests[0].headers


def test_token_goes_to_its_hub_alone(binder: Binder, elsewhere: Binder, listener: Listener) -> None:
    def moved(to: str) -> Answer:
        return refuses(307, Location=to)

    binder.answers = [moved("/hub/elsewhere"), moved(f"{elsewhere.url}/build")]
    elsewhere.answers = [streams(FOUND_ONLY)]
    assert ask(listener, binder).found
    assert [request.headers.get("Authorization") for request in binder.requests] == [
        f"token {TOKEN}"
    ] * 2
    assert "Authorization" not in elsewhere.requests[0].headers


def test_hub_without_such_a_service(binder: Binder, listener: Listener) -> None:
    binder.answers = [refuses(404)]
    result = ask(listener, binder, path="/services/nothing")
    assert f"there is no BinderHub at {binder.url}/services/nothing" in result.note
    assert listener.slept == []


def test_long_build_outlives_its_connections(binder: Binder, listener: Listener) -> None:
    cut = streams(BUILDING, whole=False)
    binder.answers = [cut, cut, cut, streams(BUILDING, BUILT_ONLY)]
    result = ask(listener, binder)
    assert result.outcome is TriggerOutcome.BUILT
    assert not result.found
    assert len(listener.slept) == 3


def test_build_that_outlives_the_patience(binder: Binder, listener: Listener) -> None:
    hub = BinderHub.at(binder.url)
    heard = threading.Event()

    def build_for_long(exchange: Exchange) -> None:
        exchange.stream(BUILDING, whole=False)
        assert heard.wait(30)
        listener.now = hub.time_limit + 1
        exchange.send_piece(KEEP_ALIVE)

    binder.answers = [build_for_long]
    with requests.Session() as session:
        result = Prebuild(
            hub=replace(hub, name="the hub"),
            source=SOURCE,
            session=session,
            say=lambda _: heard.set(),
            sleep=listener.slept.append,
            clock=lambda: listener.now,
        )()
    assert result.outcome is TriggerOutcome.UNFINISHED
    assert result.note == "the hub is still building after 60 minutes, and goes on by itself."
