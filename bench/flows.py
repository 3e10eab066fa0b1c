"""Three ways from a commit to images in a registry.

- **reference**: the steps of repo2docker-action. Pull ``latest``, build with repo2docker and
  ``--cache-from`` that image, push each tag.
- **floor**: the least that a build can do. `docker buildx build` of the same Dockerfile with the
  same cache, labels and arguments as ours, then `docker push` of each tag; nothing is looked up,
  checked or read back.
- **ours**: ``bin/r2d-action run``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from bench import ROOT
from bench.machine import Machine
from lab.command import run
from lab.errors import LabError
from r2d_action.environments import command, find_environments

NAME = "bench/image"
LATEST = "latest"
LAUNCHER = (sys.executable, "-I", str(ROOT / "bin" / "r2d-action"))
USER, USER_ID, REPO_DIR = "jovyan", "1000", "/home/jovyan"


@dataclass(frozen=True, slots=True)
class Job:
    """``checkout``, which is at the commit ``sha``, becomes an image in the registries ``hosts``,
    under the tag of its commit, ``latest`` and ``more_tags``."""

    machine: Machine
    checkout: Path
    sha: str
    hosts: tuple[str, ...]
    more_tags: tuple[str, ...]

    @property
    def images(self) -> tuple[str, ...]:
        return tuple(f"{host}/{NAME}" for host in self.hosts)

    @property
    def commit_tag(self) -> str:
        return self.sha[:12]


Flow = Callable[[Job], None]


def reference(job: Job) -> None:
    image = job.images[0]
    with suppress(LabError):
        job.machine.docker("pull", f"{image}:{LATEST}")
    job.machine.run(
        *_repo2docker(), "--no-run", "--user-id", USER_ID, "--user-name", USER,
        "--target-repo-dir", REPO_DIR, "--image-name", f"{image}:{job.commit_tag}",
        "--cache-from", image, "--label", "repo2docker.ref=refs/heads/main",
        job.checkout,
    )  # fmt: skip
    _push_all(job)


def floor(job: Job) -> None:
    image = job.images[0]
    job.machine.run(
        "docker", "buildx", "build", "--progress", "plain", "--load", *_build_arguments(),
        "--cache-to", "type=inline", "--cache-from", f"type=registry,ref={image}:{LATEST}",
        *_labels(job), "--tag", f"{image}:{job.commit_tag}", job.checkout,
        env={"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"},
    )  # fmt: skip
    _push_all(job)


def ours(job: Job) -> None:
    inputs = {
        "R2D_DOCKER_REGISTRY": job.hosts[0],
        "R2D_IMAGE_NAME": NAME,
        "R2D_TAGS": " ".join(job.more_tags),
        "R2D_PUSH_TO": " ".join(job.images[1:]),
        # Nobody else makes this check.
        "R2D_HUB_START_CHECK": "false",
    }
    event = {"GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/main"}
    job.machine.run(*LAUNCHER, "run", env={**inputs, **event}, cwd=job.checkout)


def install() -> None:
    """What comes before the first line of a build is another comparison's matter."""
    _repo2docker()
    run(*LAUNCHER, "--version")


def _repo2docker() -> tuple[str, ...]:
    return command(find_environments(os.environ, lambda _: None).repo2docker())


def _push_all(job: Job) -> None:
    built = f"{job.images[0]}:{job.commit_tag}"
    for image in job.images:
        for tag in (job.commit_tag, LATEST, *job.more_tags):
            job.machine.docker("tag", built, f"{image}:{tag}")
            job.machine.docker("push", "--quiet", f"{image}:{tag}")


def _build_arguments() -> Iterator[str]:
    """Those of repo2docker."""
    for name, value in (("NB_USER", USER), ("NB_UID", USER_ID), ("REPO_DIR", REPO_DIR)):
        yield from ("--build-arg", f"{name}={value}")


def _labels(job: Job) -> Iterator[str]:
    labels = {
        "org.opencontainers.image.created": datetime.now(timezone.utc).isoformat(),
        "org.opencontainers.image.revision": job.sha,
        "repo2docker.ref": "refs/heads/main",
        "repo2docker.repo": "local",
        "repo2docker.version": "none",
    }
    for name, value in labels.items():
        yield from ("--label", f"{name}={value}")
