"""A run that is stopped, at whatever point, leaves each tag as it was or complete."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
import requests

from integration.conftest import Lab, forget_images, names_of
from integration.front import Answer, Fault, Seen, in_front_of
from lab.registry import RunningRegistry, start_registry
from r2d_action.build import SCRATCH
from r2d_action.git import Git

ROOT = Path(__file__).resolve().parent.parent.parent
MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json"
)
NAME = "killed/image"
TERMINATED = 143
BUILD_FAILED = 4


@dataclass(frozen=True)
class Shop:
    """A checkout whose image is published already, in an older version."""

    checkout: Path
    lab: Lab
    registry: RunningRegistry

    def change(self, text: str) -> str:
        (self.checkout / "data.txt").write_text(text)
        git = Git(self.checkout, self.lab.env)
        git.run("add", "-A")
        git.run("-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", text)
        return git.head[:12]

    def write_tests(self, wanted: bool) -> None:
        folder = self.checkout / "image-tests"
        shutil.rmtree(folder, ignore_errors=True)
        if wanted:
            folder.mkdir()
            (folder / "test_it.py").write_text("def test_it(): pass\n")

    def start(self, host: str) -> subprocess.Popen[str]:
        env = {
            **self.lab.env,
            "PYTHONPATH": str(ROOT / "src"),
            "TMPDIR": str(self.temporary),
            "R2D_DOCKER_REGISTRY": host,
            "R2D_IMAGE_NAME": NAME,
            "R2D_HUB_START_CHECK": "false",
        }
        return subprocess.Popen(
            [sys.executable, "-m", "r2d_action", "run"],
            cwd=self.checkout,
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def temporary(self) -> Path:
        return self.checkout.parent / "tmp"

    def publish(self) -> None:
        process = self.start(self.registry.host)
        _, said = process.communicate()
        assert process.returncode == 0, said

    def image(self, tag: str) -> str:
        """The digest of a tag, with every blob of it present; empty without the tag."""
        base = f"http://{self.registry.host}/v2/{NAME}"
        answer = requests.get(
            f"{base}/manifests/{tag}", headers={"Accept": MANIFEST_TYPES}, timeout=10
        )
        if answer.status_code == requests.codes.not_found:
            return ""
        manifest = answer.json()
        for blob in (manifest["config"], *manifest["layers"]):
            found = requests.head(f"{base}/blobs/{blob['digest']}", timeout=10)
            assert found.headers["Content-Length"] == str(blob["size"])
        return answer.headers["Docker-Content-Digest"]


@pytest.fixture(scope="module")
def shop(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "tmp").mkdir()
    registry = start_registry(folder / "registry")
    shop = Shop(folder / "checkout", lab, registry)
    shop.checkout.mkdir()
    steps = "COPY data.txt /data.txt\nRUN cat /data.txt > /tmp/copy\n"
    (shop.checkout / "Dockerfile").write_text(f"FROM {lab.community_image}\n{steps}")
    Git(shop.checkout, lab.env).run("init", "-q")
    client = docker.from_env(environment=lab.env)
    scratch = names_of(client, SCRATCH)
    yield shop
    for container in client.containers.list(all=True):
        # Nobody but us can remove what a killed run leaves.
        if f"/{NAME}:" in container.attrs["Config"]["Image"]:
            container.remove(force=True, v=True)
    forget_images(client, f"/{NAME}:")
    for name in names_of(client, SCRATCH) - scratch:
        client.images.remove(name, force=True, noprune=True)
    client.close()
    registry.stop()


def when_asked(method: str, part: str, then: Callable[[], None]) -> Fault:
    """Does ``then`` before a request of this kind is passed on; all later ones find nobody."""
    gone = threading.Event()

    def fault(seen: Seen) -> Answer | None:
        if seen.method == method and part in seen.path:
            gone.set()
            then()
        return Answer(503) if gone.is_set() else None

    return fault


def when_said(process: subprocess.Popen[str], words: str, then: Callable[[], None]) -> str:
    """Follows what ``process`` says to its end, and does ``then`` at a line with ``words``."""
    lines = []
    with process:
        for line in process.stderr or ():
            lines.append(line)
            if words and words in line:
                then()
    return "".join(lines)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize(
    ("words", "method", "part"),
    [
        pytest.param("── Build", "", "", id="before the build"),
        pytest.param("RUN cat", "", "", id="in the build"),
        pytest.param("test session starts", "", "", id="in the tests"),
        pytest.param("", "POST", "/blobs/uploads/", id="at the first layer"),
        pytest.param("", "PUT", "/blobs/uploads/", id="at the end of a layer"),
        pytest.param("", "PUT", "/manifests/{commit}", id="at the tag of the commit"),
        pytest.param("", "PUT", "/manifests/latest", id="at a moving tag"),
        pytest.param("", "GET", "/manifests/latest", id="at reading back"),
    ],
)
def test_a_stopped_run_leaves_old_tags_or_complete_new_ones(
    shop: Shop, words: str, method: str, part: str, signum: signal.Signals
) -> None:
    shop.change(f"old {words} {method} {part} {signum}")
    shop.publish()
    old = shop.image("latest")
    shop.write_tests("test session" in words)
    commit = shop.change(f"new {words} {method} {part} {signum}")
    shutil.rmtree(shop.temporary)
    shop.temporary.mkdir()
    running: list[subprocess.Popen[str]] = []

    def stop() -> None:
        running[0].send_signal(signum)
        # As runners do: again while the first one is being obeyed.
        running[0].send_signal(signum)

    with in_front_of(
        shop.registry.host, when_asked(method, part.replace("{commit}", commit), stop)
    ) as front:
        running.append(shop.start(front.host))
        said = when_said(running[0], words, stop)
    assert running[0].returncode in (TERMINATED, -signum), said
    assert shop.image(commit) in ("", *_new(shop, commit))
    assert shop.image("latest") in (old, *_new(shop, commit))
    if signum == signal.SIGTERM:
        assert not list(shop.temporary.glob("r2d-*"))
    shop.write_tests(False)
    # What was left is no hindrance for the next run.
    shop.publish()
    assert shop.image("latest") == shop.image(commit) != old


def _new(shop: Shop, commit: str) -> tuple[str, ...]:
    digest = shop.image(commit)
    return (digest,) if digest else ()


def test_a_killed_client_of_the_engine_is_a_failed_build(shop: Shop) -> None:
    shop.change("old client")
    shop.publish()
    old = shop.image("latest")
    commit = shop.change("new client")
    process = shop.start(shop.registry.host)
    said = when_said(process, "load build definition", lambda: _kill_docker_below(process.pid))
    assert process.returncode == BUILD_FAILED, said
    assert shop.image(commit) == ""
    assert shop.image("latest") == old


def _kill_docker_below(pid: int) -> None:
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with suppress(FileNotFoundError, ProcessLookupError):
            if Path(f"/proc/{child}/exe").readlink().name.startswith("docker"):
                os.kill(int(child), signal.SIGKILL)
            else:
                _kill_docker_below(int(child))


ASKED_AGAIN = """\
import os, signal
from r2d_action.cli import main as cli

for stop in cli.STOPS:
    signal.signal(stop, cli.stopped)
try:
    os.kill(os.getpid(), signal.{first})
finally:
    for stop in cli.STOPS:
        os.kill(os.getpid(), stop)
    print("cleared up")
"""


@pytest.mark.parametrize(("first", "code"), [("SIGTERM", TERMINATED), ("SIGINT", -signal.SIGINT)])
def test_a_run_that_is_asked_again_to_stop_still_clears_up(first: str, code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ASKED_AGAIN.replace("{first}", first)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "cleared up\n", done.stderr
    assert done.returncode == code
