"""The reusable workflow, called as a community calls it."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.accounts import PASSWORD
from e2e.act import Event, Run
from e2e.project import Project
from e2e.registry import RegistryView
from e2e.workflows import RELEASE, called, release, stand_ins

CALLED = called("build-image.yml")
CALLER = f"""\
name: Image
on: [push, pull_request, workflow_dispatch, schedule]
jobs:
  image:
    uses: {CALLED}
    permissions:
      contents: read
    with:
      DOCKER_REGISTRY: ${{{{ vars.REGISTRY }}}}
      IMAGE_NAME: workflows/@NAME@
      DOCKER_USERNAME: ann
      REPO_DIR: /srv/repo
      HUB_START_CHECK: false
    secrets:
      DOCKER_PASSWORD: ${{{{ secrets.PASSWORD }}}}
"""
LOGIN = {"PASSWORD": PASSWORD}


@pytest.fixture(scope="session")
def released(our_action: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return release(our_action, tmp_path_factory.mktemp("release") / "checkout")


@pytest.fixture
def start(
    new_project: Callable[[Path], Project],
    released: Path,
    tmp_path: Path,
) -> Callable[[str], Project]:
    def started(name: str) -> Project:
        project = new_project(tmp_path)
        machine = dataclasses.replace(
            project.machine, actions={RELEASE: released, **stand_ins(released)}
        )
        project = dataclasses.replace(project, machine=machine)
        project.write(".dockerignore", "docs\n.github\n")
        project.save_workflow(CALLER.replace("@NAME@", name))
        return project

    return started


def happen(project: Project, event: Event) -> Run:
    shutil.rmtree(project.machine.report / "artifacts", ignore_errors=True)
    return project.happen(event, LOGIN)


def push_since(project: Project, before: str) -> Event:
    event = project.push()
    return dataclasses.replace(event, payload={**event.payload, "before": before})


def push_of_tag(project: Project, name: str) -> Event:
    project.git("tag", name)
    event = project.push()
    return dataclasses.replace(event, payload={**event.payload, "ref": f"refs/tags/{name}"})


def records(run: Run) -> dict[str, dict[str, str]]:
    """The outputs of the action by the name of the image, as the jobs that built left them."""
    files = (run.report / "artifacts").rglob("*.json")
    found = [json.loads(file.read_text()) for file in files]
    return {one["name"]: one["outputs"] for one in found}


def statuses(run: Run) -> dict[str, str]:
    return {name: outputs["BUILD_STATUS"] for name, outputs in records(run).items()}


def test_image_is_built_once_then_reused_then_named(
    start: Callable[[str], Project], pushed: RegistryView
) -> None:
    project = start("one")
    first = happen(project, project.push()).require_success()
    built = project.tag
    assert pushed.tags("workflows/one") == {built, "latest"}
    digest = pushed.digest("workflows/one", "latest")
    assert f"`{pushed.host}/workflows/one:{built}` |" in first.summary
    project.write("docs/page.md", "words\n")
    project.commit("As a merge that changes nothing of the image")
    merged = happen(project, project.push()).require_success()
    assert statuses(merged) == {"image": "reused"}
    assert pushed.tags("workflows/one") == {built, project.tag, "latest"}
    project.git("checkout", "--quiet", "--detach", built)
    named = happen(project, push_of_tag(project, "v1")).require_success()
    assert statuses(named) == {"image": "reused"}
    assert pushed.digest("workflows/one", "v1") == digest


def test_refresh_builds_what_has_not_changed(start: Callable[[str], Project]) -> None:
    project = start("refresh")
    happen(project, project.push()).require_success()
    for event in ("workflow_dispatch", "schedule"):
        again = happen(project, dataclasses.replace(project.workflow_dispatch(), name=event))
        again.require_success()
        assert statuses(again) == {"image": "built"}
        assert records(again)["image"]["IMAGE_SHA_TAG"].startswith(f"{project.tag}-")


def test_fork_builds_and_publishes_nothing(
    start: Callable[[str], Project], pushed: RegistryView
) -> None:
    project = start("fork")
    event = project.pull_request(head=project.head, of="visitor/Course-Image", actor="visitor")
    run = project.happen(event).require_success()
    assert statuses(run) == {"image": "built"}
    assert pushed.tags("workflows/fork") == set()
    assert "comes from a fork" in run.summary


def test_only_what_changed_is_built_on_the_parent_just_built(
    start: Callable[[str], Project], base_image: str, pushed: RegistryView
) -> None:
    project = start("{image}")
    own = f"{pushed.host}/workflows"
    write_image(project, "base", base_image)
    write_image(project, "middle", f"{own}/base")
    # A tag that the registry does not have: what stands in for it is the parent just built.
    write_image(project, "top", f"{own}/middle:next")
    before = project.commit("Three images")
    first = happen(project, project.push()).require_success()
    assert statuses(first) == {"base": "built", "middle": "built", "top": "built"}
    key = records(first)["top"]["IMAGE_KEY"]
    project.write("images/middle/data.txt", "new\n")
    project.commit("Change the middle")
    second = happen(project, push_since(project, before)).require_success()
    assert statuses(second) == {"middle": "built", "top": "built"}
    assert "" != records(second)["top"]["IMAGE_KEY"] != key != ""
    files = dict(pushed.files("workflows/top", project.tag))
    assert files["srv/middle/data.txt"] == b"new\n"


def write_image(project: Project, name: str, base: str) -> None:
    project.write(f"images/{name}/Dockerfile", f"FROM {base}\nCOPY . /srv/{name}/\n")
