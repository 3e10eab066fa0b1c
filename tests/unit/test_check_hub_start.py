from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from r2d_action.check.container import objects_in, plain_lines
from r2d_action.check.diagnosis import ImageFacts
from r2d_action.check.hub_start import facts_of, hub_environment, programs_of
from r2d_action.check.inside.hub import (
    Watch,
    closed_part,
    decoded,
    is_up,
    odd_first_line,
    version_in,
)

CONFIG = {
    "Env": ["PATH=/opt/env/bin", "HOME=/home/other", "R2D_ENTRYPOINT=/srv/repo/start", "EMPTY="],
    "Entrypoint": ["/usr/local/bin/repo2docker-entrypoint"],
}
SEEN = {
    "account": "jovyan",
    "account_home": "/home/jovyan",
    "singleuser": "/opt/env/bin/jupyterhub-singleuser",
    "closed": "/opt/env",
    "odd_scripts": [["/srv/repo/start", "#!/bin/none"]],
}


def test_facts_come_from_the_configuration_and_the_container() -> None:
    assert facts_of(CONFIG, SEEN) == ImageFacts(
        account="jovyan",
        home="/home/jovyan",
        home_variable="/home/other",
        singleuser="/opt/env/bin/jupyterhub-singleuser",
        closed="/opt/env",
        start_script="/srv/repo/start",
        entrypoint=("/usr/local/bin/repo2docker-entrypoint",),
        odd_scripts=(("/srv/repo/start", "#!/bin/none"),),
    )


@pytest.mark.parametrize("home", ["", "/", "nowhere"])
def test_the_volume_has_a_place_without_a_proper_home(home: str) -> None:
    assert facts_of({"Env": None}, {"account_home": home}).home == "/home/jovyan"


def test_the_environment_is_a_hubs() -> None:
    env = hub_environment("org/image:1", "http://127.0.0.1:4321/hub/api")
    assert env["JUPYTERHUB_SERVICE_URL"] == "http://0.0.0.0:8888/user/r2d-check/"
    assert env["JUPYTERHUB_API_URL"] == "http://127.0.0.1:4321/hub/api"
    assert env["JUPYTERHUB_ACTIVITY_URL"].startswith(env["JUPYTERHUB_API_URL"])
    assert json.loads(env["JUPYTERHUB_OAUTH_ACCESS_SCOPES"]) == ["access:servers!server=r2d-check/"]
    assert env["JUPYTERHUB_API_TOKEN"] != hub_environment("i", "u")["JUPYTERHUB_API_TOKEN"]


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("0100007F:1F90", ("127.0.0.1", 8080)),
        ("00000000:22B8", ("0.0.0.0", 8888)),  # noqa: S104
        ("00000000000000000000000000000000:22B8", ("::", 8888)),
        ("00000000000000000000000001000000:270F", ("::1", 9999)),
    ],
)
def test_sockets_are_read_as_the_kernel_writes_them(written: str, address: tuple[str, int]) -> None:
    assert decoded(written) == address


@pytest.mark.parametrize(
    ("status", "location", "up"),
    [
        (200, "", True),
        (403, "", True),
        (404, "", False),
        (500, "", False),
        (302, "/hub/api/oauth2/authorize", True),
        (302, "/user/r2d-check/lab", True),
        (302, "/login", False),
    ],
)
def test_up_is_what_a_hubs_user_gets_further_with(status: int, location: str, up: bool) -> None:
    assert is_up(status, location, "/user/r2d-check/api") is up


@pytest.mark.parametrize(
    ("body", "version"),
    [(b'{"version": "2.21.1"}', "2.21.1"), (b"<html>", ""), (b"[]", ""), (b"\xff", "")],
)
def test_a_jupyter_server_tells_its_version(body: bytes, version: str) -> None:
    assert version_in(body) == version


def test_nothing_known_is_nothing_said() -> None:
    seen: dict[str, Any] = {}
    assert facts_of({}, seen).singleuser == ""


def test_the_programs_that_start_a_server_are_looked_at() -> None:
    assert programs_of(CONFIG) == ["/usr/local/bin/repo2docker-entrypoint", "/srv/repo/start"]
    assert programs_of({}) == [""]


def test_what_python_says_before_is_no_word_of_the_hubs_side() -> None:
    output = b'Welcome\n5\n{\'not\': JSON}\n{"hub_port": 1}\n{"asked": null'
    assert list(objects_in(output)) == [{"hub_port": 1}]


@pytest.mark.parametrize(
    ("content", "odd"),
    [
        (b"#!/bin/sh\nexit\n", ""),
        (b"#!/bin/sh -e\n", ""),
        (b"#! /no/such/shell -e\n", "#! /no/such/shell -e"),
        (b"#!/bin/sh\r\nexit\r\n", "#!/bin/sh\r"),
        (b"#!/usr/bin/env python3\r\n", "#!/usr/bin/env python3\r"),
        (b"#!\n", ""),
        (b"\x7fELF\x02\r\n", ""),
        (b"", ""),
    ],
)
def test_first_lines_that_lead_nowhere_are_told(tmp_path: Path, content: bytes, odd: str) -> None:
    script = tmp_path / "script"
    script.write_bytes(content)
    assert odd_first_line(str(script)) == odd
    assert odd_first_line(str(tmp_path / "none")) == ""


def test_what_is_open_to_all_is_not_closed(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.touch(mode=0o644)
    assert closed_part(str(script)) == str(script)
    script.chmod(0o755)
    assert closed_part(str(script)) == ""


@pytest.mark.parametrize(
    ("output", "lines"),
    [
        (b"", []),
        (b"one\ntwo", ["one", "two"]),
        (b"\r1 %\r99 %\r\n\x1b[31mred\x1b[0m\n", ["99 %", "red"]),
        (b"x: start\r: not found\n", [r"x: start\r: not found"]),
        (b"x" * 5000, ["x" * 300 + " \u2026"]),
    ],
)
def test_lines_are_told_as_a_terminal_shows_them(output: bytes, lines: list[str]) -> None:
    assert plain_lines(output) == lines


class Slow(Watch):
    """A watch over a server that has come up and does not answer the first login in time."""

    def __init__(self) -> None:
        self.order = {"seconds": 60.0}
        self.logins = [None, {"status": 200}]
        self.versions = ["", "", "6.1.1"]

    def ask_where_it_should_be(self) -> dict[str, Any]:
        return {"up": True, "jupyterhub": self.versions.pop(0)}

    def log_in(self) -> dict[str, Any] | None:
        return self.logins.pop(0)


def test_a_login_without_an_answer_is_tried_again() -> None:
    assert Slow().until_decided() == {
        "asked": {"up": True, "jupyterhub": "6.1.1"},
        "logged_in": {"status": 200},
    }
