"""What `verify-hub` says of a real hub, and that it leaves no server behind."""

from __future__ import annotations

import signal

import docker
import pytest

from integration.front import Answer, Seen, in_front_of
from integration.hub.parts import Commands, Course, containers_of, eventually
from lab.hub import VERIFY_USER, RunningHub


def test_a_profile_overrides_the_configurator(
    clean_hub: RunningHub, commands: Commands, course: Course
) -> None:
    clean_hub.configure(course.reference("v2"))
    done = commands("verify-hub", course.pinned("v2"), HUB_VERIFY_OPTIONS="image=fixed")
    assert done.code == 8
    assert f"runs {course.reference('v1')} and not {course.pinned('v2')}" in done.said
    assert "profileList" in done.said
    assert "stop the server: " in done.said
    assert not clean_hub.servers()


def test_a_command_that_fails(clean_hub: RunningHub, commands: Commands, course: Course) -> None:
    command = "echo lost; ls /srv/nothing"
    done = commands("verify-hub", course.pinned("v1"), HUB_VERIFY_COMMAND=command)
    assert done.code == 8
    assert f"`{command}` ended with 2" in done.said
    assert "lost\nls: cannot access" in done.said
    assert not clean_hub.servers()


def test_a_hub_without_named_servers(
    clean_hub: RunningHub, commands: Commands, course: Course
) -> None:
    with clean_hub.settings(allow_named_servers=False):
        done = commands("verify-hub", course.pinned("v1"))
        assert done.record["server"] == f"the default server of {VERIFY_USER}"
        assert not clean_hub.servers()


def test_somebody_works_on_the_default_server(
    clean_hub: RunningHub, commands: Commands, course: Course
) -> None:
    clean_hub.ask("POST", f"users/{VERIFY_USER}/server")
    try:
        eventually("the server is ready", lambda: clean_hub.servers()[""]["ready"])
        with clean_hub.settings(allow_named_servers=False):
            in_use = commands("verify-hub", course.pinned("v1"))
        with clean_hub.settings(active_server_limit=1):
            full = commands("verify-hub", course.pinned("v1"))
        assert list(clean_hub.servers()) == [""]
    finally:
        clean_hub.ask("DELETE", f"users/{VERIFY_USER}/server")
    assert in_use.code == full.code == 8
    assert "has a server running, which was left alone" in in_use.said
    assert "starts no more servers now: Active user limit exceeded" in full.said


def test_no_more_names(clean_hub: RunningHub, commands: Commands, course: Course) -> None:
    other = f"users/{VERIFY_USER}/servers/other"
    clean_hub.ask("PUT", other)
    try:
        with clean_hub.settings(named_server_limit_per_user=1):
            done = commands("verify-hub", course.pinned("v1"))
    finally:
        clean_hub.ask("DELETE", other, {"remove": True})
    assert done.code == 8
    assert "already has the maximum of 1 named servers" in done.said
    assert "named_server_limit_per_user" in done.said


@pytest.mark.parametrize(
    ("scopes", "missing"),
    [
        (["read:servers"], "`servers!user={0}` and `tokens!user={0}`"),
        (["servers"], "`tokens!user={0}`"),
        (["tokens"], "`servers!user={0}`"),
    ],
)
def test_a_token_that_may_not(
    clean_hub: RunningHub, commands: Commands, course: Course, scopes: list[str], missing: str
) -> None:
    mine = [f"{scope}!user={VERIFY_USER}" for scope in scopes]
    poor = commands.as_bearer_of(clean_hub.token(VERIFY_USER, *mine))
    done = poor("verify-hub", course.pinned("v1"))
    assert done.code == 8
    assert f"lacks the scope {missing.format(VERIFY_USER)}. " in done.said
    assert f'"scopes": ["servers!user={VERIFY_USER}", "tokens!user={VERIFY_USER}"]' in done.said


def test_a_token_that_nobody_knows(commands: Commands, course: Course) -> None:
    done = commands.as_bearer_of("f00d" * 8)("verify-hub", course.pinned("v1"))
    assert done.code == 8
    assert "does not know this token" in done.said


def test_a_user_whom_nobody_knows(
    clean_hub: RunningHub, commands: Commands, course: Course
) -> None:
    anybody = commands.as_bearer_of(clean_hub.admin_token)
    done = anybody("verify-hub", course.pinned("v1"), HUB_VERIFY_USER="ghost")
    assert done.code == 8
    assert "The hub has no user ghost" in done.said


def test_an_image_that_is_nowhere(
    clean_hub: RunningHub, commands: Commands, course: Course
) -> None:
    missing = f"{course.name}:missing"
    clean_hub.configure(missing)
    done = commands("verify-hub", missing)
    assert done.code == 8
    assert "manifest unknown" in done.said
    assert not clean_hub.servers()


def test_a_start_that_takes_too_long(
    clean_hub: RunningHub, commands: Commands, course: Course
) -> None:
    with clean_hub.settings(slow_spawn_timeout=0):
        done = commands("verify-hub", course.pinned("v1"), HUB_VERIFY_TIMEOUT="0.01s")
    assert done.code == 8
    assert "was still starting" in done.said
    assert "HUB_VERIFY_TIMEOUT" in done.said
    assert not clean_hub.servers()


def test_a_stop_in_the_middle(
    clean_hub: RunningHub, commands: Commands, course: Course, engine: docker.DockerClient
) -> None:
    with (
        clean_hub.settings(slow_spawn_timeout=0),
        commands.started("verify-hub", course.pinned("v1")) as process,
    ):
        eventually(
            "a container runs",
            lambda: any(one.status == "running" for one in containers_of(clean_hub, engine)),
        )
        process.send_signal(signal.SIGTERM)
        said = process.communicate()[1]
    assert process.returncode == 143, said
    assert "stop the server: " in said
    assert not clean_hub.servers()
    # The engine goes on after the spawner is content.
    eventually("the container is gone", lambda: not containers_of(clean_hub, engine))


def test_a_hub_that_is_restarting_and_then_busy(
    clean_hub: RunningHub, commands: Commands, course: Course
) -> None:
    said = b'{"status": 429, "message": "Too many users trying to log in right now."}'
    faults = {
        "GET": [Answer(503)],
        "POST": [Answer(429, (("Content-Type", "application/json"), ("Retry-After", "0")), said)],
    }

    def at_first(seen: Seen) -> Answer | None:
        waiting = faults[seen.method]
        return waiting.pop() if waiting else None

    anybody = commands.as_bearer_of(clean_hub.admin_token)
    with in_front_of(clean_hub.url.removeprefix("http://"), at_first) as front:
        elsewhere = anybody.at(f"http://{front.host}/hub/home")
        done = elsewhere("verify-hub", course.pinned("v1"), HUB_VERIFY_USER="ghost")
    assert "it answered 503 Service Unavailable; try 1 of 5 failed" in done.said
    assert "Too many users trying to log in right now.; try 1 of 5 failed, next in 0 s" in done.said
    assert "The hub has no user ghost" in done.said


def test_a_hub_that_stays_busy(clean_hub: RunningHub, commands: Commands, course: Course) -> None:
    def busy(seen: Seen) -> Answer | None:
        return Answer(429, (("Retry-After", "0"),)) if seen.method == "POST" else None

    with in_front_of(clean_hub.url.removeprefix("http://"), busy) as front:
        done = commands.at(f"http://{front.host}")("verify-hub", course.pinned("v1"))
    assert done.code == 8
    assert "The hub starts no more servers now" in done.said
    assert "stop the server" not in done.said


def test_a_server_that_is_none_of_a_hub(
    clean_hub: RunningHub, commands: Commands, course: Course
) -> None:
    def other_server(seen: Seen) -> Answer | None:
        return Answer(404, (), b"<html>") if seen.path.endswith("/api/status") else None

    with in_front_of(clean_hub.url.removeprefix("http://"), other_server) as front:
        done = commands.at(f"http://{front.host}")("verify-hub", course.pinned("v1"))
    assert done.code == 8
    assert "jupyterhub-singleuser" in done.said
    assert not clean_hub.servers()


def test_no_hub_at_this_address(commands: Commands, course: Course) -> None:
    registry = course.name.partition("/")[0]
    done = commands.at(f"http://{registry}")("verify-hub", "org/image:1")
    assert done.code == 8
    assert "is not the address of a JupyterHub" in done.said
