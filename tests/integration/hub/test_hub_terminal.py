"""A command in a user's server, on a real hub."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import requests

from lab.hub import VERIFY_USER, RunningHub
from r2d_action.hub.jupyterhub import Api, Hub, HubAddress, Refused, ServerName
from r2d_action.hub.progress import follow
from r2d_action.hub.terminal import Done, Silence, run
from r2d_action.retry import Retry


def one_minute() -> float:
    return 60.0


@pytest.fixture(scope="module")
def server(hub: RunningHub) -> Iterator[Api]:
    hub.set_configurator("current", {})
    name = ServerName(VERIFY_USER, "asked")
    with requests.Session() as session:
        client = Hub.of(
            HubAddress.parse(hub.url), hub.builder_token, session, Retry(time.sleep, print)
        )
        client.start(name, {})
        try:
            follow(client, name, print, one_minute)
            url = str(client.servers(VERIFY_USER)[name.name]["url"])
            yield client.below(url, client.token_for(name, 300))
        finally:
            client.remove(name)


@pytest.mark.parametrize(
    ("command", "code", "output"),
    [
        ("true", 0, ""),
        ("exit 3", 3, ""),
        ("printf 'no newline'", 0, "no newline"),
        ("echo out; echo err >&2", 0, "out\nerr\n"),
        ("""echo "it's $((1 + 1))" '$HOME'""", 0, "it's 2 $HOME\n"),
        ("printf '\\033[31mred\\033[0m\\n'", 0, "red\n"),
        ("cat", 0, ""),
        ("echo ü # a remark", 0, "ü\n"),
        ("command -v jupyter", 0, "/opt/env/bin/jupyter\n"),
        ("seq 3000 | tail -n 1", 0, "3000\n"),
    ],
)
def test_a_command_runs(server: Api, command: str, code: int, output: str) -> None:
    assert run(server, command, one_minute) == Done(code, output)


def test_much_output_is_whole(server: Api) -> None:
    done = run(server, "seq 20000", one_minute)
    assert done.output.split() == [str(number) for number in range(1, 20001)]


def test_a_notebook_runs(server: Api) -> None:
    cell = {"cell_type": "code", "source": "1/0", "metadata": {}, "outputs": []}
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    content = {"type": "notebook", "format": "json", "content": notebook}
    server.ask("PUT", "api/contents/broken.ipynb", content)
    done = run(server, "jupyter execute broken.ipynb", one_minute)
    assert done.exit_code
    assert "ZeroDivisionError" in done.output


def test_a_command_without_an_end(server: Api) -> None:
    left = iter([60.0, 60.0, 0.5])
    with pytest.raises(Silence):
        run(server, "exec sleep 1000", lambda: next(left, 0.0))


def test_the_token_opens_this_server_alone(server: Api, hub: RunningHub) -> None:
    elsewhere = Api(server.session, f"{hub.url}/hub/api/", server.token, server.retry)
    with pytest.raises(Refused) as refused:
        elsewhere.ask("DELETE", ServerName(VERIFY_USER, "asked").path)
    assert refused.value.status in {403, 404}
    scopes = elsewhere.ask_json("GET", "user")["scopes"]
    assert [scope for scope in scopes if not scope.startswith("read:users")] == [
        f"access:servers!server={VERIFY_USER}/asked"
    ]
