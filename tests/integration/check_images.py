"""Builds the images of `images/check` in the lab's engine, and takes them away again."""

from __future__ import annotations

import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from r2d_action.environments import find_environments

RECIPES = Path(__file__).parent / "images" / "check"
# repo2docker's own, as it puts them into every image that it builds.
ENTRYPOINT = ("repo2docker-entrypoint", "python3-login")


@dataclass
class Kitchen:
    """``bases`` are build arguments: the lab's images by the names of the Dockerfile."""

    folder: Path
    env: Mapping[str, str]
    bases: Mapping[str, str]
    tags: dict[str, str] = field(default_factory=dict)
    # Several runs may share an engine: each has images of its own, with the same layers.
    run: str = field(default_factory=lambda: secrets.token_hex(4))

    def image(self, stage: str) -> str:
        """The tag of a stage of the Dockerfile, built when it is first asked for."""
        if stage not in self.tags:
            tag = f"r2d-action-tests/{stage}:{self.run}"
            arguments = [f"--build-arg={name}={value}" for name, value in self.bases.items()]
            self._docker(
                "buildx",
                "build",
                "--load",
                "--provenance=false",
                "--quiet",
                f"--target={stage}",
                f"--tag={tag}",
                f"--label=run={self.run}",
                *arguments,
                str(self.folder),
            )
            self.tags[stage] = tag
        return self.tags[stage]

    def clear(self) -> None:
        if self.tags:
            self._docker("image", "rm", "--force", *self.tags.values())

    def _docker(self, *arguments: str) -> None:
        done = subprocess.run(["docker", *arguments], env=self.env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


@contextmanager
def kitchen(folder: Path, env: Mapping[str, str], **bases: str) -> Iterator[Kitchen]:
    shutil.copytree(RECIPES, folder)
    # Made, if this is the first to need it, beside the packages that it is started with.
    places = find_environments(env, print).repo2docker().parent
    for name in ENTRYPOINT:
        shutil.copyfile(next(places.glob(f"*/repo2docker/buildpacks/{name}")), folder / name)
    opened = Kitchen(folder, env, bases)
    try:
        yield opened
    finally:
        opened.clear()
