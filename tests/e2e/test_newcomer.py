"""Somebody has the template's README and nothing else: from an empty repository to servers on a
hub, and through the days after. What stands for the outside is a bare repository (GitHub), a
registry with tokens that lets everybody pull (quay.io), and a real JupyterHub."""

from __future__ import annotations

import dataclasses
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container

from e2e.act import Event, Machine, Run
from e2e.project import REMOTE, WORKFLOW, Project
from e2e.workflows import RELEASE, release, stand_ins
from integration.conftest import forget_images
from integration.hub.parts import containers_of, eventually
from lab.home import find_home
from lab.hub import VERIFY_USER, RunningHub, start_hub
from lab.registry import start_registry
from lab.token_server import token_server

TEMPLATE = Path(__file__).resolve().parents[2] / "template-repo"
README = re.sub(r"\s+", " ", (TEMPLATE / "README.md").read_text())
BASE = re.findall(r"^ARG BASE_IMAGE=(\S+)$", (TEMPLATE / "Dockerfile").read_text(), re.MULTILINE)[0]
REQUIREMENT = (TEMPLATE / "requirements.txt").read_text().strip()
ADDED = "roman==5.2"
OWN_NAME = "campus"


def told(pattern: str) -> str:
    """What the README says at this place."""
    found = re.search(pattern, README)
    assert found, f"the README no longer says {pattern}"
    return found[1]


@dataclass(frozen=True)
class Quay:
    """What the newcomer has made there: one robot account, which may push."""

    host: str
    robot: str
    token: str


@pytest.fixture
def quay(engine: docker.DockerClient, tmp_path: Path) -> Iterator[Quay]:
    robot = f"{OWN_NAME}+{told(r'give it the name `([^`]+)`')}"
    assert told(r"permission \*\*(\w+)\*\*") == "Write"
    assert told(r"choose \*\*(\w+)\*\*, so that the hub") == "Public"
    token = secrets.token_hex(16)
    with token_server(tmp_path, {robot: token}) as tokens:
        registry = start_registry(tmp_path / "quay", token=tokens.settings())
        yield Quay(registry.host, robot, token)
        registry.stop()
    forget_images(engine, f"{registry.host}/")


@dataclass(frozen=True)
class GitHub:
    """A repository with its secrets, which runs workflows in checkouts of its own."""

    folder: Path
    machine: Machine
    secrets: dict[str, str] = dataclasses.field(default_factory=dict)

    def checkout(self, branch: str = "main") -> Project:
        folder = self.folder / f"checkout-{secrets.token_hex(4)}"
        project = Project(folder, self.machine)
        self._git("clone", "--quiet", "--branch", branch, REMOTE, str(folder))
        return project

    def run(self, event: Callable[[Project], Event], branch: str = "main") -> Run:
        project = self.checkout(branch)
        shutil.rmtree(self.machine.report / "artifacts", ignore_errors=True)
        return project.happen(event(project), self.secrets)

    def start(self) -> None:
        bare = self.folder / "github.git"
        self._git("init", "--quiet", "--bare", "--initial-branch=main", str(bare))
        config = f'[url "{bare}"]\n\tinsteadOf = {REMOTE}\n'
        (self.machine.home / ".gitconfig").write_text(config)

    def _git(self, *arguments: str) -> None:
        Project(self.folder, self.machine).git(*arguments)


@pytest.fixture
def github(new_project: Callable[[Path], Project], our_action: Path, tmp_path: Path) -> GitHub:
    released = release(our_action, tmp_path / "release")
    machine = new_project(tmp_path / "runner").machine
    actions = {RELEASE: released, **stand_ins(released)}
    github = GitHub(tmp_path, dataclasses.replace(machine, actions=actions))
    github.start()
    return github


@pytest.fixture
def hub(tmp_path: Path, engine: docker.DockerClient) -> Iterator[RunningHub]:
    running = start_hub(
        find_home(),
        tmp_path / "hub",
        bridge_address=os.environ["R2D_LAB_BRIDGE_ADDRESS"],
        image=os.environ["R2D_LAB_COMMUNITY_IMAGE"],
    )
    yield running
    running.stop()
    for container in containers_of(running, engine):
        container.remove(force=True)


@dataclass(frozen=True)
class Community:
    """The newcomer's own clone, and everything that it leads to."""

    clone: Project
    github: GitHub
    quay: Quay
    hub: RunningHub
    engine: docker.DockerClient

    def push(self, message: str, branch: str = "main") -> None:
        self.clone.commit(message)
        self.clone.git("push", "--quiet", "origin", branch)

    @contextmanager
    def server(self, reference: str) -> Iterator[Container]:
        """Of somebody who comes after ``reference`` was pasted into the hub."""
        self.hub.configure(reference)
        self.hub.ask("POST", f"users/{VERIFY_USER}/server")
        eventually("the server is ready", lambda: self.hub.servers()[""]["ready"])
        [container] = containers_of(self.hub, self.engine)
        assert container.attrs["Config"]["Image"] == reference
        yield container
        self.hub.ask("DELETE", f"users/{VERIFY_USER}/server")
        eventually("the server is gone", lambda: not containers_of(self.hub, self.engine))

    def digest(self, reference: str) -> str:
        """As everybody sees it, without a login."""
        return str(self.engine.images.get_registry_data(reference).id)


@pytest.fixture
def community(
    github: GitHub, quay: Quay, hub: RunningHub, engine: docker.DockerClient, tmp_path: Path
) -> Community:
    """After the steps of "Set it up, once", up to the commit that starts the first real run."""
    clone = Project(tmp_path / "clone", github.machine)
    community = Community(clone, github, quay, hub, engine)
    shutil.copytree(TEMPLATE, clone.directory)
    clone.git("init", "--quiet", "--initial-branch=main")
    clone.git("remote", "add", "origin", REMOTE)
    community.push("Our image")
    github.secrets[told(r"The name is `(\w+)`, the secret is the token")] = quay.token
    put_in(clone, WORKFLOW, told(r"write your name in place of `([^`]+)`"), OWN_NAME)
    # The lab's registry is not at quay.io, and none of its images are there.
    put_in(clone, WORKFLOW, "DOCKER_REGISTRY: quay.io", f"DOCKER_REGISTRY: {quay.host}")
    put_in(clone, "Dockerfile", BASE, os.environ["R2D_LAB_COMMUNITY_IMAGE"])
    community.push("Our names")
    return community


def put_in(project: Project, path: str, old: str, new: str) -> None:
    text = (project.directory / path).read_text()
    assert old in text
    project.write(path, text.replace(old, new))


def has(container: Container, requirement: str) -> bool:
    """Whether Python finds a package there as ``name==version``."""
    name, _, version = requirement.partition("==")
    code = f"import {name}; from importlib.metadata import version; print(version('{name}'))"
    output = container.exec_run(["python3", "-c", code]).output
    assert isinstance(output, bytes)
    return output.decode().strip() == version


def pasted_from(run: Run) -> str:
    """The reference that the summary offers to copy."""
    return str(re.findall(r"^```text\n(\S+)\n```$", run.summary, re.MULTILINE)[0])


def test_from_an_empty_repository_to_servers_and_back(community: Community) -> None:
    clone, github = community.clone, community.github
    first = pasted_from(github.run(Project.push).require_success())
    image, _, tag = first.rpartition(":")
    assert image == f"{community.quay.host}/{OWN_NAME}/{told(r'call the repository `([^`]+)`')}"
    assert tag == clone.tag
    latest = f"{image}:latest"
    with community.server(first) as container:
        assert has(container, REQUIREMENT)

    # "Change the image"
    clone.git("checkout", "--quiet", "-b", "idea")
    clone.write("requirements.txt", f"{REQUIREMENT}\n{ADDED}\n")
    community.push("Add a package", "idea")
    asked = github.run(lambda checkout: checkout.pull_request(head=checkout.head), "idea")
    tried = pasted_from(asked.require_success())
    assert ADDED.partition("==")[0] in asked.summary
    assert community.digest(latest) == community.digest(first)
    with community.server(tried) as container:
        assert has(container, ADDED)
    clone.git("checkout", "--quiet", "main")
    clone.git("merge", "--quiet", "--no-ff", "--message", "Merge", "idea")
    community.push("Merge")
    merged = github.run(Project.push).require_success()
    assert "Nothing was built" in merged.summary
    assert community.digest(latest) == community.digest(tried)

    # "Rebuild without a change"
    again = github.run(Project.workflow_dispatch).require_success()
    assert re.fullmatch(rf"{re.escape(image)}:{clone.tag}-\d{{14}}", pasted_from(again))
    assert community.digest(pasted_from(merged)) == community.digest(tried)

    # "Go back"
    with community.server(first) as container:
        assert has(container, REQUIREMENT)
        assert not has(container, ADDED)
