"""Secrets are in no line of the log, in no command line and in no file that stays."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.act import Run
from e2e.conftest import PASSWORD, USER
from e2e.project import Project
from e2e.registry import RegistryView
from e2e.watch import Sightings, watched_processes

# The image prints what it can see while it is built; the base is a private image that only
# this login may pull, so that docker's command line needs it too.
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
          PUBLIC_REGISTRY_CHECK: @PUBLIC@
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


def run_watched(project: Project, name: str, *, public: bool) -> tuple[Run, Sightings]:
    text = WORKFLOW.replace("@NAME@", name).replace("@PUBLIC@", str(public).lower())
    with watched_processes() as seen:
        run = project.run(text, secrets={"PASSWORD": PASSWORD})
    return run, seen


def lines_with_secrets(run: Run) -> list[str]:
    """Without act's own record of the mask, which a real runner swallows."""
    told = [one for one in run.records if one.get("command") != "add-mask"]
    return [one["msg"] for one in told if any(form in str(one.get("msg")) for form in FORMS)]


def files_with_secrets(*folders: Path) -> list[Path]:
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    wanted = [form.encode() for form in FORMS]
    return [file for file in files if any(form in file.read_bytes() for form in wanted)]


def require_nothing_left(project: Project, run: Run) -> None:
    machine = project.machine
    assert (machine.report / "workspace" / "Dockerfile").is_file()
    assert files_with_secrets(machine.home, machine.temporary, run.report) == []
    assert list(machine.temporary.iterdir()) == []
    assert list((machine.report / "runner-temp").iterdir()) == []


@pytest.mark.parametrize("public", [False, True], ids=["succeeds", "fails"])
def test_secrets_stay_secret(
    public: bool, project: Project, pushed: RegistryView, base_image: str
) -> None:
    name = "fails" if public else "succeeds"
    project.write("Dockerfile", DOCKERFILE.format(base=base_image))
    run, seen = run_watched(project, name, public=public)
    # This registry shows nothing to those who are not logged in.
    assert (run.exit_code != 0) == public, run.log
    assert pushed.tags(f"secrets/{name}") == {project.tag, "latest"}
    assert lines_with_secrets(run) == []
    assert not any(form in run.summary for form in FORMS)
    # The watcher is not blind.
    assert seen.of("buildx\0build"), "no process of the build was seen"
    assert seen.of(*FORMS) == []
    require_nothing_left(project, run)
    found = pushed.files(f"secrets/{name}", project.tag)
    wanted = [form.encode() for form in FORMS]
    assert [path for path, content in found if any(form in content for form in wanted)] == []
    assert any(one.get("command") == "add-mask" and one["arg"] == PASSWORD for one in run.records)


def test_watcher_sees_a_secret_on_a_command_line() -> None:
    """So that the test above can fail."""
    with watched_processes() as seen:
        argv = ["sh", "-c", "read -r line", PASSWORD]
        with subprocess.Popen(argv, stdin=subprocess.PIPE) as child:
            while not seen.of(PASSWORD):
                assert child.poll() is None
