"""An engine builds on its own copy of a base image, however old that is."""

from __future__ import annotations

from collections.abc import Callable

import docker
import pytest

from integration.conftest import forget_images
from lab.registry import RunningRegistry
from r2d_action.key.engine import strangers

REPOSITORY = "org/base"


@pytest.fixture
def base(
    engine: docker.DockerClient, new_registry: Callable[..., RunningRegistry], small_image: str
) -> str:
    """The digest of an image that was pushed to ``names[0]``, and is in the engine too."""
    registry = new_registry()
    name = f"{registry.host}/{REPOSITORY}"
    engine.images.get(small_image).tag(name, "1")
    engine.images.push(name, "1")
    return f"{name}:1 {registry.digest(REPOSITORY, '1')}"


def found(base: str, engine: docker.DockerClient, *, digest: str = "") -> list[str]:
    name, pushed = base.split()
    return list(strangers([(name, digest or pushed), ("localhost/none:1", "sha256:0")], engine))


def test_what_was_pushed_or_pulled_is_no_stranger(base: str, engine: docker.DockerClient) -> None:
    assert found(base, engine) == []
    name, _ = base.split()
    forget_images(engine, name)
    assert found(base, engine) == []
    engine.images.pull(name)
    assert found(base, engine) == []
    forget_images(engine, name)


def test_an_older_one_and_one_made_here_are(base: str, engine: docker.DockerClient) -> None:
    name, _ = base.split()
    assert found(base, engine, digest="sha256:" + "0" * 64) == [name]
    repository, tag = name.rsplit(":", 1)
    engine.api.import_image_from_data(b"\0" * 10240, repository, tag)
    assert found(base, engine) == [name]
    forget_images(engine, repository)
