"""A repository with a remote, and runs of the action in checkouts of it."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path

import docker
import pytest

from integration.conftest import Lab, forget_images
from lab.registry import RunningRegistry
from r2d_action.event import Event
from r2d_action.git import Git
from r2d_action.inputs import read_inputs
from r2d_action.outcome import Outcome
from r2d_action.runner import Runner
from r2d_action.stages.site import Site
from r2d_action.walk import RUN, walk

NOON = datetime(2026, 8, 3, 12, tzinfo=timezone.utc)
IMAGE = "org/reuse"


@dataclass
class Repo:
    """A checkout of a repository with a remote, and runs of the action in it."""

    checkout: Path
    lab: Lab
    registry: RunningRegistry
    said: io.StringIO = field(default_factory=io.StringIO)

    @property
    def git(self) -> Git:
        return Git(self.checkout, self.lab.env)

    def commit(self, **files: str) -> str:
        for name, text in files.items():
            (self.checkout / name.replace("_", ".")).write_text(text)
        self.git.run("add", "-A")
        self.git.run(
            "-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "x", "--allow-empty"
        )
        self.git.run("push", "-q", "origin", "HEAD:main")
        return self.git.head[:12]

    def clone(self, folder: Path) -> Repo:
        url = self.git.line("remote", "get-url", "origin")
        folder.mkdir()
        git = Git(folder, self.lab.env)
        git.run("clone", "-q", "--depth=1", "--branch=main", f"file://{url}", ".")
        return replace(self, checkout=folder, said=io.StringIO())

    def site(
        self, event: str, at: datetime, env: Mapping[str, str], inputs: Mapping[str, str]
    ) -> Site:
        given = {
            "IMAGE_NAME": IMAGE,
            "DOCKER_REGISTRY": self.registry.host,
            "HUB_START_CHECK": "false",
        }
        return Site(
            inputs=read_inputs({f"R2D_{name}": text for name, text in {**given, **inputs}.items()}),
            event=Event(
                workspace=self.checkout,
                name=event,
                repository="org/repo",
                ref="refs/heads/main",
                default_branch="main",
            ),
            env={**self.lab.env, **env},
            temporary=self.checkout.parent / "temporary",
            runner=Runner(stream=self.said),
            now=at,
            sleep=lambda _seconds: None,
        )

    def run(
        self,
        event: str = "push",
        at: datetime = NOON,
        env: Mapping[str, str] | None = None,
        /,
        **inputs: str,
    ) -> Outcome:
        outcome = self.attempt(event, at, env, **inputs)
        assert outcome.failure is None, (outcome.failure, self.said.getvalue())
        return outcome

    def attempt(
        self,
        event: str = "push",
        at: datetime = NOON,
        env: Mapping[str, str] | None = None,
        /,
        **inputs: str,
    ) -> Outcome:
        """A run that may fail."""
        return walk(RUN, self.site(event, at, env or {}, inputs))

    def digest(self, tag: str) -> str | None:
        return self.registry.digest(IMAGE, tag)


def lose_a_layer(registry: RunningRegistry, outcome: Outcome) -> None:
    assert outcome.published
    storage = registry.log.parent
    [manifest] = storage.glob(f"**/{outcome.published.digest.value[7:]}/data")
    lost = json.loads(manifest.read_bytes())["layers"][-1]["digest"][7:]
    for place in [*storage.glob(f"**/{lost}")]:
        shutil.rmtree(place)


@pytest.fixture
def repo(
    lab: Lab,
    engine: docker.DockerClient,
    new_registry: Callable[..., RunningRegistry],
    small_image: str,
    tmp_path: Path,
) -> Iterator[Repo]:
    registry = new_registry()
    base = f"{registry.host}/org/base"
    engine.images.get(small_image).tag(base, "1")
    engine.images.push(base, "1")
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    Git(tmp_path, lab.env).run("init", "-q", "--bare", "-b", "main", "origin.git")
    repo = Repo(checkout, lab, registry)
    repo.git.run("init", "-q", "-b", "main")
    repo.git.run("remote", "add", "origin", str(tmp_path / "origin.git"))
    repo.commit(Dockerfile=f"FROM {base}:1\nCOPY data.txt /data.txt\n", data_txt="1")
    yield repo
    forget_images(engine, f"{registry.host}/")
