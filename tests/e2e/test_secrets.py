"""Secrets are in no line of the log, in no command line and in no file that stays."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest

from e2e.accounts import PASSWORD, USER
from e2e.act import Run
from e2e.project import Project
from e2e.registry import RegistryView
from e2e.watch import Sightings, watched_processes

# The build prints all it can see, and starts from an image that only this login may pull, so
# that docker's command line needs the login as well.
DOCKERFILE = "FROM {base}\nUSER root\nCOPY . /srv/repo/\nRUN env; cat /proc/[0-9]*/environ; true\n"
WORKFLOW = """\
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: jupyterhub/repo2docker-action@master
        with:
          DOCKER_REGISTRY: ${{ vars.REGISTRY }}
          DOCKER_USERNAME: ann
          DOCKER_PASSWORD: ${{ secrets.PASSWORD }}
          IMAGE_NAME: secrets/@NAME@
          PUBLIC_REGISTRY_CHECK: @MUST_BE_PUBLIC@
      - if: always()
        run: cp -a "$RUNNER_TEMP" "$REPORT/runner-temp"; cp -a . "$REPORT/workspace"
"""


def forms() -> Iterator[str]:
    """What tools make of a password: as it is, in JSON, in base64, as docker's login."""
    yield PASSWORD
    yield json.dumps(PASSWORD)[1:-1]
    yield base64.b64encode(PASSWORD.encode()).decode()
    yield base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


FORMS = tuple(forms())


@dataclass(frozen=True)
class Watched:
    """A run that has ended, and every process that was seen on this machine meanwhile."""

    repository: str
    project: Project
    run: Run
    seen: Sightings


def holds_secret(content: bytes) -> bool:
    return any(form.encode() in content for form in FORMS)


@pytest.fixture(scope="module")
def private_base(engine: docker.DockerClient, base_image: str, pushed: RegistryView) -> str:
    """In the registry alone: not in the engine, where a build would find it without a login."""
    name = f"{pushed.host}/secrets/base"
    login = {"username": USER, "password": PASSWORD}
    engine.images.pull(base_image).tag(name, "1")
    engine.images.push(name, "1", auth_config=login)
    engine.images.remove(f"{name}:1")
    assert pushed.tags("secrets/base") == {"1"}
    return f"{name}:1"


# The registry shows nothing to those who are not logged in, so the second one fails late.
@pytest.fixture(scope="module", params=["succeeds", "fails"])
def watched(
    request: pytest.FixtureRequest,
    new_project: Callable[[Path], Project],
    private_base: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Watched:
    name = str(request.param)
    project = new_project(tmp_path_factory.mktemp(name))
    project.write("Dockerfile", DOCKERFILE.format(base=private_base))
    text = WORKFLOW.replace("@NAME@", name)
    text = text.replace("@MUST_BE_PUBLIC@", "true" if name == "fails" else "false")
    with watched_processes() as seen:
        run = project.run(text, secrets={"PASSWORD": PASSWORD})
    assert run.results == {"build": "failure" if name == "fails" else "success"}, run.log
    return Watched(f"secrets/{name}", project, run, seen)


def test_no_line_of_the_log_has_a_secret(watched: Watched) -> None:
    # A runner swallows the command to mask something; act shows it.
    told = [one for one in watched.run.records if one.get("command") != "add-mask"]
    lines = [one.get("msg", "") for one in told]
    assert any(line.startswith("pushing ") for line in lines)
    assert [line for line in lines if holds_secret(line.encode())] == []
    assert not holds_secret(watched.run.summary.encode())


def test_runner_is_told_to_mask_the_password(watched: Watched) -> None:
    masks = [one["arg"] for one in watched.run.records if one.get("command") == "add-mask"]
    assert PASSWORD in masks


def test_no_command_line_has_a_secret(watched: Watched) -> None:
    assert watched.seen.of("buildx\0build"), "the watcher was blind"
    assert watched.seen.of(*FORMS) == []


def test_no_file_that_stays_has_a_secret(watched: Watched) -> None:
    machine = watched.project.machine
    folders = (machine.home, machine.temporary, machine.tool_cache, machine.report)
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    assert machine.report / "workspace" / "Dockerfile" in files
    assert [file for file in files if holds_secret(file.read_bytes())] == []
    assert list(machine.temporary.iterdir()) == []
    assert list((machine.report / "runner-temp").iterdir()) == []


def test_no_file_of_the_image_has_a_secret(watched: Watched, pushed: RegistryView) -> None:
    files = list(pushed.files(watched.repository, watched.project.tag))
    assert "srv/repo/Dockerfile" in {path for path, _ in files}
    assert [path for path, content in files if holds_secret(content)] == []


def test_watcher_sees_a_secret_on_a_command_line() -> None:
    """So that the test above can fail."""
    with watched_processes() as seen:
        argv = ["sh", "-c", "read -r line", PASSWORD]
        with subprocess.Popen(argv, stdin=subprocess.PIPE) as child:
            while not seen.of(PASSWORD):
                assert child.poll() is None
