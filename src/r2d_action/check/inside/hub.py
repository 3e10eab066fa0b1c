# Runs with the Python of any image, from 3.6 on.
# ruff: noqa: UP006, UP035, UP045, T201
"""The hub's side of a start: answers the user's server, and asks it whether it is up.

Runs in a container of its own that shares the network of the user's container, as the
containers of a Kubernetes pod do, and sees all of its sockets. Prints one JSON object per
line: first what the image looks like and where this hub listens, at the end what was seen.
"""

import http.client
import json
import os
import pwd
import shutil
import socket
import struct
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any, Dict, Iterator, List, Optional, Tuple
from urllib.parse import urlparse

LOOPBACK = "127.0.0.1"
POLL_SECONDS = 0.2
# A server may answer oddly while it is still being set up.
SETTLE_SECONDS = 3.0
REQUEST_SECONDS = 10.0
LISTENING = "0A"

Answer = Dict[str, Any]


def main() -> None:
    order = json.loads(sys.argv[1])
    hub = Hub((LOOPBACK, 0), hub_handler(order))
    threading.Thread(target=hub.serve_forever, daemon=True).start()
    say({"hub_port": hub.server_port, "image": look_at_image(order["uid"], order["programs"])})
    say(Watch(order, hub.server_port).until_decided())


class Hub(ThreadingMixIn, HTTPServer):
    """Answers one request while another is still on its way, as servers expect of a hub."""

    daemon_threads = True


def say(value: Dict[str, Any]) -> None:
    print(json.dumps(value), flush=True)


def look_at_image(uid: int, programs: List[str]) -> Dict[str, Any]:
    """The name and home of the account that the hub uses, and where its command is."""
    try:
        account = pwd.getpwuid(uid)
        name, home, gid = account.pw_name, account.pw_dir, account.pw_gid
    except KeyError:
        name, home, gid = "", "", 0
    command = shutil.which("jupyterhub-singleuser", mode=os.F_OK)
    singleuser = str(Path(command).resolve()) if command else ""
    with asking_as(uid, gid):
        closed = closed_part(singleuser) if command else ""
    lines = {program: odd_first_line(program) for program in [*programs, command] if program}
    return {
        "account": name,
        "account_home": home,
        "singleuser": singleuser,
        "closed": closed,
        "odd_scripts": [(program, line) for program, line in lines.items() if line],
    }


def closed_part(path: str) -> str:
    """The first of its folders, or the file itself, that is closed to the one who asks."""
    parts = [*reversed(Path(path).parents), Path(path)]
    return next((str(part) for part in parts if not os.access(str(part), os.X_OK)), "")


def odd_first_line(program: str) -> str:
    """The first line of a script when no program can be found with it."""
    try:
        with Path(shutil.which(program) or program).open("rb") as file:
            line = file.readline(500).decode("utf-8", "replace").rstrip("\n")
    except OSError:
        return ""
    words = line[2:].split()
    if not line.startswith("#!") or not words:
        return ""
    return line if line.endswith("\r") or not Path(words[0]).exists() else ""


@contextmanager
def asking_as(uid: int, gid: int) -> Iterator[None]:
    """``os.access`` answers for the real user, which is this one; we stay able to go back."""
    groups = os.getgroups()
    os.setgroups([])
    os.setregid(gid, 0)
    os.setreuid(uid, 0)
    try:
        yield
    finally:
        os.setreuid(0, 0)
        os.setregid(0, 0)
        os.setgroups(groups)


def hub_handler(order: Dict[str, Any]) -> type:
    """Answers as far as a server asks while it starts and when somebody logs in.

    https://jupyterhub.readthedocs.io/en/stable/reference/rest-api.html
    """
    # /authorizations/token/… is what servers before JupyterHub 2 ask.
    who_is_this = ("/hub/api/user", "/hub/api/authorizations/token/")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.path.split("?")[0]
            known = asked.startswith(who_is_this)
            self.reply(order["user_model"] if known else {"version": order["hub_version"]})

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.reply({})

        def reply(self, body: Dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("X-JupyterHub-Version", order["hub_version"])
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            """Standard output is for JSON, and nobody reads the rest."""

    return Handler


class Watch:
    """Asks until the server is up where it should be, or surely is somewhere else."""

    def __init__(self, order: Dict[str, Any], hub_port: int) -> None:
        self.order = order
        self.hub_port = hub_port
        self.port = int(order["port"])
        self.prefix = str(order["prefix"])
        self.address = own_address()

    def until_decided(self) -> Dict[str, Any]:
        deadline = time.monotonic() + self.order["seconds"]
        astray_since = None  # type: Optional[float]
        asked = elsewhere = None  # type: Optional[Answer]
        while time.monotonic() < deadline:
            asked = self.ask_where_it_should_be()
            up = bool(asked and asked["up"])
            logged_in = self.log_in() if up else None
            if logged_in:
                # Between two requests of the first round it may have come up: its path then
                # answered, and its API, which tells more, did not.
                again = self.ask_where_it_should_be() or {}
                return {"asked": again if again.get("up") else asked, "logged_in": logged_in}
            elsewhere = None if up else self.ask_elsewhere()
            if not elsewhere:
                astray_since = None
            elif astray_since is None:
                astray_since = time.monotonic()
            elif time.monotonic() - astray_since > SETTLE_SECONDS:
                return {"asked": asked, "elsewhere": elsewhere}
            time.sleep(POLL_SECONDS)
        return {"asked": asked, "elsewhere": elsewhere, "listening": list(self.listening())}

    def ask_where_it_should_be(self) -> Optional[Answer]:
        return self.first_up([(self.address, self.port)], [self.prefix + "api", self.prefix])

    def ask_elsewhere(self) -> Optional[Answer]:
        """An answer that only a Jupyter server gives, from another address or path."""
        places = [(self.address, self.port)]
        places += [("::1" if ":" in host else LOOPBACK, port) for host, port in self.listening()]
        found = self.first_up(places, [self.prefix + "api", "/api"])
        return found if found and found["up"] and found["server_version"] else None

    def first_up(self, places: List[Tuple[str, int]], paths: List[str]) -> Optional[Answer]:
        """The first answer that means "up", else any answer."""
        last = None  # type: Optional[Answer]
        for host, port in places:
            for path in paths:
                answer = ask(host, port, path)
                if answer and answer["up"]:
                    return answer
                last = answer or last
        return last

    def log_in(self) -> Optional[Answer]:
        """Ask, as a user whom the hub vouches for, for what no stranger may see."""
        return ask(
            self.address, self.port, self.prefix + "api/status", token=self.order["user_token"]
        )

    def listening(self) -> Iterator[Tuple[str, int]]:
        for host, port in listening_sockets():
            # 127.0.0.11 is the engine's own name server.
            if port != self.hub_port and host != "127.0.0.11":
                yield host, port


def ask(host: str, port: int, path: str, token: str = "") -> Optional[Answer]:
    """``None`` when nothing answers."""
    connection = http.client.HTTPConnection(host, port, timeout=REQUEST_SECONDS)
    headers = {"Authorization": "token " + token} if token else {}
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        body = response.read(100000)
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return {
        "host": host,
        "port": port,
        "path": path,
        "status": response.status,
        "up": is_up(response.status, urlparse(response.getheader("Location") or "").path, path),
        "jupyterhub": response.getheader("X-JupyterHub-Version") or "",
        "server_version": version_in(body),
    }


def is_up(status: int, location: str, path: str) -> bool:
    """Not allowed without a login is an answer, too; not found or broken is none.

    A server that the hub started sends people to the hub's login, or stays below its path.
    """
    if 300 <= status < 400:
        return location.startswith(("/hub/", "/".join(path.split("/")[:3]) + "/"))
    return status < 300 or status in (401, 403)


def version_in(body: bytes) -> str:
    try:
        return str(json.loads(body.decode("utf-8"))["version"])
    except (ValueError, KeyError, TypeError):
        return ""


def own_address() -> str:
    """The address under which others reach this network: not the loopback's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent: this only picks the way out.
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostbyname(socket.gethostname())


def listening_sockets() -> Iterator[Tuple[str, int]]:
    """https://www.kernel.org/doc/Documentation/networking/proc_net_tcp.txt"""
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        for line in table.read_text().splitlines()[1:] if table.exists() else []:
            fields = line.split()
            if fields[3] == LISTENING:
                yield decoded(fields[1])


def decoded(local_address: str) -> Tuple[str, int]:
    """``0100007F:1F90`` is 127.0.0.1, port 8080: 32-bit words in the machine's own order."""
    digits, port = local_address.split(":")
    words = [int(digits[at : at + 8], 16) for at in range(0, len(digits), 8)]
    packed = b"".join(struct.pack("=I", word) for word in words)
    family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
    return socket.inet_ntop(family, packed), int(port, 16)


if __name__ == "__main__":
    main()
