"""pip for real, behind a proxy and an index that each ask for a password."""

from __future__ import annotations

import base64
import os
import secrets
import threading
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from r2d_action import pip

WHEEL = "user_plugin-1.0-py3-none-any.whl"
# Nobody has this host (RFC 6761): only through the proxy is there an answer.
INDEX = "packages.invalid/simple"
# Other runs of this test may be among the processes of the machine.
WORD = secrets.token_hex(8)
PAGE = f'<!DOCTYPE html><a href="http://me:{WORD}@packages.invalid/{WHEEL}">{WHEEL}</a>'


def command_lines() -> Iterator[str]:
    """Of all processes of this machine, as anybody may read them."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield file.read_text(errors="replace").replace("\0", " ")


@dataclass
class Proxy:
    """``logins`` are those that came with requests, ``seen`` the command lines of the time."""

    wheel: bytes
    logins: set[tuple[str, str]] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)

    def handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                proxy.seen.update(command_lines())
                if not self.headers.get("Authorization"):
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="index"')
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                proxy.logins |= {
                    (name, base64.b64decode(self.headers[name].split()[1]).decode())
                    for name in ("Proxy-Authorization", "Authorization")
                }
                content = proxy.wheel if self.path.endswith(WHEEL) else PAGE.encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: object) -> None:
                pass

        return Handler


def small_wheel(path: Path) -> bytes:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("user_plugin.py", "ANSWER = 42\n")
        about = "Metadata-Version: 2.1\nName: user-plugin\nVersion: 1.0\n"
        file.writestr("user_plugin-1.0.dist-info/METADATA", about)
        file.writestr("user_plugin-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        file.writestr("user_plugin-1.0.dist-info/RECORD", "")
    return path.read_bytes()


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[tuple[Proxy, str]]:
    asked = Proxy(small_wheel(tmp_path / WHEEL))
    with ThreadingHTTPServer(("127.0.0.1", 0), asked.handler()) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield asked, f"http://me:p-{WORD}@127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "index",
    [
        ["--index-url", f"http://me:{WORD}@{INDEX}"],
        [f"-ihttp://me:{WORD}@{INDEX}"],
        ["--no-index", f"--find-links=http://me:{WORD}@{INDEX}/"],
        ["--index-url", "http://other.invalid", f"--extra-index-url=http://me:{WORD}@{INDEX}"],
    ],
)
def test_passwords_are_on_no_command_line(
    proxy: tuple[Proxy, str], tmp_path: Path, index: list[str]
) -> None:
    asked, address = proxy
    scratch, folder = tmp_path / "scratch", tmp_path / "packages"
    scratch.mkdir()
    hosts = ["--trusted-host=packages.invalid", "--trusted-host=other.invalid", "--no-cache-dir"]
    words = ["--proxy", address, *index, *hosts, "user-plugin"]
    env = {**os.environ, "PIP_CONFIG_FILE": os.devnull, "no_proxy": "", "NO_PROXY": ""}
    pip.install(words, folder, scratch=scratch, env=env, cwd=tmp_path)
    assert (folder / "user_plugin.py").exists()
    assert asked.logins == {
        ("Proxy-Authorization", f"me:p-{WORD}"),
        ("Authorization", f"me:{WORD}"),
    }
    assert [line for line in asked.seen if "user-plugin" in line or "--requirement" in line]
    assert not [line for line in asked.seen if WORD in line]
