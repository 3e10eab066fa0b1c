"""git's own HTTP backend, behind whoever lets in or refuses."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass(frozen=True)
class Refusal:
    """``text`` is what git shows to people."""

    status: int
    text: str = ""


# Of a path and the header Authorization; None lets in.
Refuse = Callable[[str, str], Refusal | None]


@dataclass(frozen=True)
class GitServer:
    """``shown`` are the headers Authorization that came."""

    url: str
    shown: list[str]


@contextmanager
def git_server(folder: Path, authorization: str) -> Iterator[GitServer]:
    """Serves who shows ``authorization``."""
    shown: list[str] = []

    def refuse(_path: str, seen: str) -> Refusal | None:
        shown.append(seen)
        return None if seen == authorization else Refusal(401)

    with git_behind(refuse, folder) as url:
        yield GitServer(url, shown)


@contextmanager
def git_behind(refuse: Refuse, folder: Path) -> Iterator[str]:
    """The address of the bare repositories in ``folder``."""
    with _Server(refuse, folder) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,)).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


class _Server(ThreadingHTTPServer):
    def __init__(self, refuse: Refuse, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Exchange)
        self.refuse = refuse
        self.folder = folder


class _Exchange(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        refusal = self.server.refuse(self.path, self.headers.get("Authorization", ""))
        if refusal:
            self._refuse(refusal)
        else:
            self._pass_on()

    do_POST = do_GET  # noqa: N815

    def _refuse(self, refusal: Refusal) -> None:
        self.send_response(refusal.status)
        self.send_header("WWW-Authenticate", 'Basic realm="GitHub"')
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.end_headers()
        self.wfile.write(refusal.text.encode())

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        argv, env = ["git", "http-backend"], self._variables(len(body))
        done = subprocess.run(argv, env=env, input=body, capture_output=True, check=True)
        head, _, answer = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(fields.pop("Status", "200").split()[0]))
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    def _variables(self, length: int) -> dict[str, str]:
        path, _, query = self.path.partition("?")
        return {
            "PATH": os.environ["PATH"],
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_PROJECT_ROOT": str(self.server.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(length),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }

    def log_message(self, *_: object) -> None:
        """Tests look at what was shown."""
