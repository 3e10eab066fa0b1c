"""Run a command in a user's server, through a terminal of Jupyter Server's.

Every image that a hub can start has terminals; kernels differ from language to language.
https://jupyter-server.readthedocs.io/en/latest/developers/rest-api.html (terminals)
https://github.com/jupyter/terminado (the messages: a JSON list of a kind and its value)
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

from r2d_action.errors import HubFailed
from r2d_action.hub.jupyterhub import Api, Refused
from r2d_action.shown import without_escapes

# Terminals are login shells, and Debian's gives PATH a value of its own. The typed line's parent
# is that shell, whose parent is the server.
PATH_OF_THE_SERVER = r"""
server=$(sed -n 's/^PPid:[[:blank:]]*//p' "/proc/$PPID/status")
path=$(tr '\0' '\n' <"/proc/$server/environ" | sed -n 's/^PATH=//p')
[ -z "$path" ] || PATH=$path
"""
BEGIN, END = "r2d-begin", "r2d-end"


class Silence(Exception):
    """The command did not end in time."""


@dataclass(frozen=True, slots=True)
class Done:
    """``output`` is standard output and error, in the order of their arrival."""

    exit_code: int
    output: str


def run(server: Api, command: str, remaining: Callable[[], float]) -> Done:
    """Run a line of shell to its end, for as many seconds as ``remaining`` still gives.

    Raises :class:`Silence`, and :class:`HubFailed` when there is no terminal to be had.
    """
    if remaining() <= 0:
        raise Silence
    name = _terminal(server)
    url = f"ws{server.url.removeprefix('http')}terminals/websocket/{quote(name, safe='')}"
    headers = {"Authorization": f"token {server.token}"}
    try:
        with connect(url, additional_headers=headers, open_timeout=remaining()) as connection:
            connection.send(json.dumps(["stdin", f"{line_for(command)}\r"]))
            said = "".join(_heard(connection, remaining))
    except (InvalidHandshake, OSError) as trouble:
        raise HubFailed(
            "The server's terminals cannot be reached "
            f"({type(trouble).__name__}); the hub's proxy must let web sockets through."
        ) from trouble
    return read(said)


def line_for(command: str) -> str:
    """What is typed. Encoded, it means the same in every shell, and its echo is no answer."""
    script = (
        f"export TERM=dumb\n{PATH_OF_THE_SERVER}"
        f"echo; echo {BEGIN}; (\n{command}\n) </dev/null 2>&1\n"
        f"code=$?; echo; echo {END} $code\n"
    )
    return f"printf %s {base64.b64encode(script.encode()).decode()} | base64 -d | sh; exit"


def read(said: str) -> Done:
    """What the command said and how it ended, out of all that came from the terminal.

    Raises :class:`HubFailed`.
    """
    text = without_escapes(said).replace("\r\n", "\n")
    match = re.search(rf"^{BEGIN}\n(.*?)\n?^{END} (\d+)$", text, re.DOTALL | re.MULTILINE)
    if match is None:
        raise HubFailed(
            "A terminal of the server ended before its command did; the image needs `sh` and "
            f"`base64`. Its last words: {text.strip()[-200:]!r}"
        )
    return Done(int(match[2]), match[1])


def _terminal(server: Api) -> str:
    try:
        return str(server.ask_json("POST", "api/terminals")["name"])
    except Refused as refusal:
        off = refusal.status == HTTPStatus.NOT_FOUND
        why = "has its terminals switched off" if off else f"refuses a terminal ({refusal})"
        raise HubFailed(
            f"The server {why}, and without one it cannot be asked which image it runs. Allow "
            "terminals (ServerApp.terminals_enabled) for this user."
        ) from refusal


def _heard(connection: ClientConnection, remaining: Callable[[], float]) -> Iterator[str]:
    try:
        while True:
            kind, *values = json.loads(connection.recv(timeout=max(remaining(), 0.0)))
            if kind == "disconnect":
                return
            if kind == "stdout":
                yield values[0]
    except ConnectionClosed:
        return
    except TimeoutError as trouble:
        raise Silence from trouble
