"""What the tests of a real hub work with."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import docker
from docker.models.containers import Container

from lab.hub import VERIFY_USER, RunningHub

SOURCE = Path(__file__).resolve().parents[3] / "src"

PATIENCE = 120.0


def eventually(what: str, is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, f"not within {PATIENCE:.0f} s: {what}"
        time.sleep(0.05)


def containers_of(hub: RunningHub, engine: docker.DockerClient) -> list[Container]:
    client = engine.containers
    return client.list(all=True, filters={"name": hub.containers}, ignore_removed=True)


@dataclass(frozen=True)
class Course:
    """An image with several tags, and their digests in the registry."""

    name: str
    digests: Mapping[str, str]

    def reference(self, tag: str) -> str:
        return f"{self.name}:{tag}"

    def pinned(self, tag: str) -> str:
        return f"{self.name}:{tag}@{self.digests[tag]}"


@dataclass(frozen=True)
class Done:
    code: int
    printed: str
    said: str

    @property
    def record(self) -> Any:
        assert self.code == 0, self.said
        return json.loads(self.printed)


@dataclass(frozen=True)
class Commands:
    """`r2d-action` against one hub, with one token, which never comes out again."""

    env: Mapping[str, str]
    folder: Path
    url: str
    token: str

    def as_bearer_of(self, token: str) -> Commands:
        return replace(self, token=token)

    def at(self, url: str) -> Commands:
        return replace(self, url=url)

    def __call__(self, *arguments: str, stdin: str = "", **inputs: str) -> Done:
        with self.started(*arguments, **inputs) as process:
            printed, said = process.communicate(stdin)
        assert self.token not in printed + said
        return Done(process.returncode, printed, said)

    def started(self, *arguments: str, **inputs: str) -> subprocess.Popen[str]:
        values = {
            "HUB_URL": self.url,
            "HUB_API_TOKEN": self.token,
            "HUB_VERIFY_USER": VERIFY_USER,
            **inputs,
        }
        env = {
            **self.env,
            **{f"R2D_{name}": value for name, value in values.items()},
            "PYTHONPATH": str(SOURCE),
            "DOCKER_CONFIG": str(self.folder),
        }
        return subprocess.Popen(
            [sys.executable, "-m", "r2d_action", *arguments],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
