"""The real parts: an engine and a registry, which `script/lab up` starts."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import docker
import pytest
from docker.errors import ImageNotFound

from lab.registry import RunningRegistry, start_registry


@dataclass(frozen=True)
class Lab:
    """What `script/lab env` says, and the whole environment with it."""

    env: Mapping[str, str]
    registry: str
    base_image: str
    community_image: str
    plain_image: str


@pytest.fixture(scope="session")
def lab() -> Lab:
    names = ("REGISTRY", "BASE_IMAGE", "COMMUNITY_IMAGE", "PLAIN_IMAGE")
    values = [os.environ.get(f"R2D_LAB_{name}", "") for name in names]
    if not all(values):
        pytest.fail('these tests need the lab: run script/lab up, then eval "$(script/lab env)"')
    return Lab(dict(os.environ), *values)


@pytest.fixture(scope="session")
def engine(lab: Lab) -> Iterator[docker.DockerClient]:
    client = docker.from_env(environment=lab.env)
    yield client
    client.close()


@pytest.fixture
def new_registry(tmp_path: Path) -> Iterator[Callable[..., RunningRegistry]]:
    """Starts registries of a test's own: ``new_registry(htpasswd={"user": "password"})``."""
    with ExitStack() as running:

        def start(htpasswd: Mapping[str, str] | None = None) -> RunningRegistry:
            folder = tmp_path / f"registry-{len(list(tmp_path.glob('registry-*')))}"
            registry = start_registry(folder, htpasswd=htpasswd)
            running.callback(registry.stop)
            return registry

        yield start


def forget_images(engine: docker.DockerClient, part: str) -> None:
    """Remove every tag with ``part`` in it. Others may remove images at the same time."""
    for tag in names_of(engine, part):
        # One name may go with another: a tag with the digest that was pulled.
        with suppress(ImageNotFound):
            engine.images.remove(tag, force=True, noprune=True)


def names_of(engine: docker.DockerClient, part: str) -> set[str]:
    """Every tag in the engine with ``part`` in it."""
    tags = (tag for image in engine.api.images() for tag in image["RepoTags"] or ())
    return {tag for tag in tags if part in tag}


@pytest.fixture(scope="session")
def small_image(engine: docker.DockerClient) -> Iterator[str]:
    """An image of one small layer: what is pushed does not matter, that it arrives does."""
    name = f"localhost/r2d-action/small:{uuid4().hex}"
    with io.BytesIO() as archive:
        with tarfile.open(fileobj=archive, mode="w") as tar:
            info = tarfile.TarInfo("content")
            info.size = 100_000
            tar.addfile(info, io.BytesIO(os.urandom(info.size)))
        engine.api.import_image_from_data(archive.getvalue(), *name.rsplit(":", 1))
    yield name
    engine.images.remove(name, force=True)
