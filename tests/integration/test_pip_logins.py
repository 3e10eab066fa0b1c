"""pip for real, behind a proxy and an index that each ask for a password."""

from __future__ import annotations

import base64
import os
import secrets
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fakes.server import Answer, Request, serving
from r2d_action import pip

WHEEL = "user_plugin-1.0-py3-none-any.whl"
# Nobody has this host (RFC 6761): only through the proxy is there an answer.
INDEX = "packages.invalid/simple"
# Other runs of this test may be among the processes of the machine.
WORD = secrets.token_hex(8)
LINK = f"http://me:{WORD}@packages.invalid/{WHEEL}"
PAGE = f'<!DOCTYPE html><a href="{LINK}">{WHEEL}</a>'.encode()


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

    def handle(self, request: Request) -> Answer:
        self.seen.update(command_lines())
        if "authorization" not in request.headers:
            return Answer(401)
        self.logins |= {
            (name, base64.b64decode(request.headers[name].split()[1]).decode())
            for name in ("proxy-authorization", "authorization")
        }
        return Answer(200, self.wheel if request.path.endswith(WHEEL) else PAGE, "text/html")


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
    with serving(asked.handle) as address:
        yield asked, f"http://me:p-{WORD}@{address}"


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
        ("proxy-authorization", f"me:p-{WORD}"),
        ("authorization", f"me:{WORD}"),
    }
    assert [line for line in asked.seen if "user-plugin" in line or "--requirement" in line]
    assert not [line for line in asked.seen if WORD in line]
