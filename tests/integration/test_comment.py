"""The comment of a pull request, over HTTP, and the command as a job of the workflow runs it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

SOURCES = Path(__file__).resolve().parents[2] / "src"
TOKEN = "token-of-the-job"
FOUND = {
    "CALL": "0123",
    "LEVEL_0": '[{"name": "base"}]',
    "LEVEL_1": '[{"name": "child"}]',
    "LEVEL_2": "[]",
}
NOTHING = {**dict.fromkeys(FOUND, "[]"), "CALL": "0123"}


@dataclass
class Comments:
    """Of pull request 7 of o/r, as GitHub keeps them; ``allowed`` says whether the token may
    write, ``busy`` how often GitHub is before it answers."""

    kept: list[dict[str, Any]] = field(default_factory=list)
    allowed: bool = True
    busy: int = 0

    def add(self, body: str, by: str) -> dict[str, Any]:
        number = len(self.kept) + 1
        address = f"https://github.com/o/r/pull/7#issuecomment-{number}"
        one = {"id": number, "body": body, "user": {"type": by}, "html_url": address}
        self.kept.append(one)
        return one

    def answer(self, method: str, path: str, content: Mapping[str, Any]) -> tuple[int, Any]:
        if self.busy:
            self.busy -= 1
            return 503, {}
        if found := re.fullmatch(r"/repos/o/r/issues/7/comments\?per_page=(\d+)&page=(\d+)", path):
            size, page = int(found[1]), int(found[2])
            return 200, self.kept[size * (page - 1) : size * page]
        if not self.allowed:
            return 403, {"message": "Resource not accessible by integration"}
        if method == "POST" and path == "/repos/o/r/issues/7/comments":
            return 201, self.add(content["body"], "Bot")
        if method == "PATCH" and (found := re.fullmatch(r"/repos/o/r/issues/comments/(\d+)", path)):
            one = self.kept[int(found[1]) - 1]
            one["body"] = content["body"]
            return 200, one
        return 404, {}


@pytest.fixture
def comments() -> Comments:
    return Comments()


@pytest.fixture
def api(comments: Comments) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            assert self.headers["Authorization"] == f"Bearer {TOKEN}"
            status, answer = comments.answer(self.command, self.path, json.loads(content or "{}"))
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = _answer  # noqa: N815 - the names are the library's

        def log_message(self, *args: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@dataclass(frozen=True)
class Done:
    log: str
    outputs: str
    summary: str


@pytest.fixture
def tell(api: str, tmp_path: Path) -> Callable[..., Done]:
    def told(found: Mapping[str, str] = FOUND, *, head: str = "o/r", token: str = TOKEN) -> Done:
        files = {name: tmp_path / name for name in ("event", "output", "summary")}
        files["summary"].write_text("")
        # A login of the user's own for this host is not to take the place of the job's token.
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login someone password s3cret\n")
        pull_request = {"number": 7, "head": {"repo": {"full_name": head}}}
        files["event"].write_text(json.dumps({"pull_request": pull_request}))
        records = tmp_path / "records"
        if found is FOUND:
            write_records(records)
        done = subprocess.run(
            [sys.executable, "-m", "r2d_action", "comment", str(records)],
            env={
                **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
                "PYTHONPATH": str(SOURCES),
                "GITHUB_ACTIONS": "true",
                "GITHUB_API_URL": api,
                "GITHUB_EVENT_NAME": "pull_request",
                "GITHUB_EVENT_PATH": str(files["event"]),
                "GITHUB_OUTPUT": str(files["output"]),
                "GITHUB_REPOSITORY": "o/r",
                "GITHUB_RUN_ID": "1",
                "NETRC": str(netrc),
                "GITHUB_STEP_SUMMARY": str(files["summary"]),
                "R2D_GITHUB_TOKEN": token,
                "R2D_FOUND": json.dumps(found),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return Done(done.stderr, files["output"].read_text(), files["summary"].read_text())

    return told


def write_records(folder: Path) -> None:
    for name, result in (("base", "success"), ("child", "failure")):
        outputs = {
            "BUILD_STATUS": "built",
            "PUSH_STATUS": "true",
            "IMAGE_SHA_NAME": f"quay.io/o/{name}:0123",
            "IMAGE_DIGEST": "sha256:0",
            "IMAGE_REFERENCE": f"quay.io/o/{name}:0123@sha256:0",
        }
        (folder / name).mkdir(parents=True, exist_ok=True)
        record = {"name": name, "result": result, "outputs": outputs}
        (folder / name / "image.json").write_text(json.dumps(record))


def test_one_comment_is_made_and_kept_current(
    tell: Callable[..., Done], comments: Comments
) -> None:
    for number in range(100):
        comments.add(f"Talk {number}", "User")
    first = tell()
    assert len(comments.kept) == 101
    assert "`quay.io/o/base:0123`" in comments.kept[-1]["body"]
    assert "`quay.io/o/base:0123`" in first.summary
    assert '{"base": "quay.io/o/base:0123@sha256:0"}' in first.outputs
    tell(NOTHING)
    assert len(comments.kept) == 101
    assert "No image changes" in comments.kept[-1]["body"]


def test_nothing_to_say_is_not_said(tell: Callable[..., Done], comments: Comments) -> None:
    tell(NOTHING)
    assert comments.kept == []


def test_comment_of_somebody_else_is_left_alone(
    tell: Callable[..., Done], comments: Comments
) -> None:
    tell()
    copied = comments.kept.pop()["body"]
    comments.add(copied, "User")
    comments.kept[0]["body"] += "mine"
    tell()
    assert comments.kept[0]["body"] == f"{copied}mine"
    assert len(comments.kept) == 2


def test_token_without_the_permission_leaves_the_summary(
    tell: Callable[..., Done], comments: Comments
) -> None:
    comments.allowed = False
    done = tell()
    assert "::notice" in done.log
    assert "pull-requests: write" in done.log
    assert "`quay.io/o/base:0123`" in done.summary


@pytest.mark.parametrize("given", [{"head": "visitor/r"}, {"token": ""}], ids=["fork", "unwanted"])
def test_no_comment_is_made(
    given: dict[str, str], tell: Callable[..., Done], comments: Comments
) -> None:
    comments.allowed = False
    done = tell(**given)
    assert "::notice" not in done.log
    assert "`quay.io/o/base:0123`" in done.summary


def test_busy_github_is_asked_again(tell: Callable[..., Done], comments: Comments) -> None:
    comments.busy = 1
    tell()
    assert len(comments.kept) == 1
