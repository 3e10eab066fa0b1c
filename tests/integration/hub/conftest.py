"""A real hub, and images of one community that it starts."""

from __future__ import annotations

import io
import secrets
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path

import docker
import pytest
from docker.errors import APIError

from integration.conftest import Lab, forget_images
from integration.hub.parts import Commands, Course, containers_of, eventually
from lab.home import find_home
from lab.hub import RunningHub, start_hub
from lab.registry import MANIFEST_TYPES


@pytest.fixture(scope="session")
def course(lab: Lab, engine: docker.DockerClient) -> Iterator[Course]:
    """An image that becomes better twice and then is broken: `jupyterhub-singleuser` is lost."""
    name = f"{lab.registry}/r2d-hub-{secrets.token_hex(4)}/course"
    versions = {"v1": "ENV COURSE=v1", "v2": "ENV COURSE=v2", "v3": "ENV PATH=/usr/bin:/bin"}
    course = Course(
        name, {tag: _push(engine, lab, name, tag, line) for tag, line in versions.items()}
    )
    yield course
    forget_images(engine, name)
    for digest in course.digests.values():
        _delete(lab.registry, name.partition("/")[2], digest)


def _push(engine: docker.DockerClient, lab: Lab, name: str, tag: str, line: str) -> str:
    dockerfile = f"FROM {lab.community_image}\n{line}\n".encode()
    engine.images.build(fileobj=io.BytesIO(dockerfile), tag=f"{name}:{tag}", rm=True)
    engine.images.push(name, tag)
    (pushed,) = engine.images.get(f"{name}:{tag}").attrs["RepoDigests"]
    # The hub's spawner pulls it from the registry.
    forget_images(engine, name)
    return str(pushed).partition("@")[2]


def _delete(registry: str, path: str, digest: str) -> None:
    connection = HTTPConnection(registry, timeout=30)
    try:
        accept = {"Accept": ", ".join(MANIFEST_TYPES)}
        connection.request("DELETE", f"/v2/{path}/manifests/{digest}", headers=accept)
        connection.getresponse().read()
    finally:
        connection.close()


@pytest.fixture(scope="session")
def hub(
    lab: Lab, engine: docker.DockerClient, course: Course, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningHub]:
    running = start_hub(
        find_home(),
        tmp_path_factory.mktemp("hub") / "hub",
        bridge_address=lab.env["R2D_LAB_BRIDGE_ADDRESS"],
        image=course.reference("v1"),
    )
    yield running
    running.stop()
    eventually("all containers are gone", lambda: cleared(running, engine))


@pytest.fixture
def clean_hub(hub: RunningHub, engine: docker.DockerClient) -> RunningHub:
    """Nothing is configured by hand, and no server runs."""
    hub.set_configurator("current", {})
    assert not hub.servers()
    # The engine is still at it when the spawner says that a container is removed, and another
    # one of that name cannot be made meanwhile.
    eventually("all containers are gone", lambda: cleared(hub, engine))
    return hub


def cleared(hub: RunningHub, engine: docker.DockerClient) -> bool:
    for container in containers_of(hub, engine):
        # It may be on its way out already.
        with suppress(APIError):
            container.remove(force=True)
    return not containers_of(hub, engine)


@pytest.fixture
def commands(hub: RunningHub, lab: Lab, tmp_path: Path) -> Commands:
    """The commands as the builder's service runs them."""
    return Commands(lab.env, tmp_path, hub.url, hub.builder_token)
