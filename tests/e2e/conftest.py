"""A community's repository, its registry account and the machine that runs its workflows."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest

from e2e.act import OUR_ACTION, Machine
from e2e.project import Project, start_project
from e2e.registry import RegistryView
from lab.registry import RunningRegistry, start_registry

ROOT = Path(__file__).resolve().parents[2]
ACTIONS = Path(__file__).with_name("actions")
STAND_INS = {
    "actions/checkout@v4": ACTIONS / "checkout",
    "docker/login-action@v3": ACTIONS / "docker-login",
    "google-github-actions/auth@v2": ACTIONS / "google-auth",
}
# Characters that quoting gets wrong, in every shell, in YAML, in JSON and in URLs.
PASSWORD = r"""it's a "$HOME" \n pass%20word: {100%} #1"""
USER = "ann"
# One more user for each case in which the user's name is the image's.
USERS = (USER, *(f"user{number:02}" for number in range(16)))


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    """A registry that asks for a password, and lets every user do everything."""
    passwords = dict.fromkeys(USERS, PASSWORD)
    running = start_registry(tmp_path_factory.mktemp("registry"), htpasswd=passwords)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def pushed(registry: RunningRegistry) -> RegistryView:
    return RegistryView(registry.host, USER, PASSWORD)


@pytest.fixture(scope="session")
def base_image() -> str:
    name = os.environ.get("R2D_LAB_PLAIN_IMAGE")
    if not name:
        pytest.fail('these tests need the lab: run script/lab up, then eval "$(script/lab env)"')
    return name


@pytest.fixture(scope="session")
def engine(registry: RunningRegistry, base_image: str) -> Iterator[docker.DockerClient]:
    """The engine of all runs; the images they leave in it go with the last test."""
    assert base_image
    client = docker.from_env()
    yield client
    for image in client.images.list():
        for name in image.tags:
            if name.startswith(f"{registry.host}/"):
                client.images.remove(name, force=True)
    client.close()


@pytest.fixture(scope="session")
def our_action(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What somebody who names this repository gets: the files that git has, or would add."""
    folder = tmp_path_factory.mktemp("action") / "checkout"
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listing.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def new_project(
    our_action: Path,
    registry: RunningRegistry,
    base_image: str,
    engine: docker.DockerClient,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[Path], Project]:
    """Starts a repository in a folder, with a machine of its own that shares the tools."""
    assert engine.ping()
    cache = tmp_path_factory.mktemp("cache")
    _install(our_action, cache)

    def start(folder: Path) -> Project:
        machine = Machine(
            folder,
            cache,
            {OUR_ACTION: our_action, **STAND_INS},
            {"REGISTRY": registry.host},
            os.environ,
        )
        return start_project(folder / "checkout", machine.setup(), base_image)

    return start


@pytest.fixture
def project(new_project: Callable[[Path], Project], tmp_path: Path) -> Project:
    return new_project(tmp_path)


def _install(action: Path, cache: Path) -> None:
    """Once for all runs, and here so that no test has to reach the package index."""
    tools = cache / "act" / "tool_cache"
    tools.mkdir(parents=True)
    command = ["python3", "-I", str(action / "bin" / "r2d-action"), "run", "--help"]
    subprocess.run(
        command, env={**os.environ, "RUNNER_TOOL_CACHE": str(tools)}, check=True, capture_output=True
    )
