from __future__ import annotations

import json
from typing import Any

import pytest

from r2d_action.check.diagnosis import ImageFacts
from r2d_action.check.hub_start import facts_of, hub_environment
from r2d_action.check.inside.hub import decoded, is_up, version_in

CONFIG = {
    "Env": ["PATH=/opt/env/bin", "HOME=/home/other", "R2D_ENTRYPOINT=/srv/repo/start", "EMPTY="],
    "Entrypoint": ["/usr/local/bin/repo2docker-entrypoint"],
}
SEEN = {
    "account": "jovyan",
    "account_home": "/home/jovyan",
    "singleuser": "/opt/env/bin/jupyterhub-singleuser",
    "usable": True,
}


def test_facts_come_from_the_configuration_and_the_container() -> None:
    assert facts_of(CONFIG, SEEN) == ImageFacts(
        account="jovyan",
        home="/home/jovyan",
        home_variable="/home/other",
        singleuser="/opt/env/bin/jupyterhub-singleuser",
        usable=True,
        start_script="/srv/repo/start",
        entrypoint=("/usr/local/bin/repo2docker-entrypoint",),
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
