"""The reusable workflow, called as a community calls it."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from e2e import hub
from e2e.accounts import PASSWORD
from e2e.act import Event, Run
from e2e.project import REPOSITORY, Project
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
WITH_A_HUB = CALLER.replace(
    "      contents: read\n", "      contents: read\n      pull-requests: write\n"
).replace(
    "    secrets:\n",
    f"""\
      HUB_REPO: {hub.REPOSITORY}
      HUB_URL: https://hub.example.org
      HUB_VERIFY_OPTIONS: profile=small
    secrets:
      HUB_TOKEN: ${{{{ secrets.HUB_TOKEN }}}}
""",
)
LOGIN = {"PASSWORD": PASSWORD}
KEYS = {**LOGIN, "HUB_TOKEN": hub.HUB_TOKEN, "GITHUB_TOKEN": hub.JOB_TOKEN}


@pytest.fixture(scope="session")
def released(our_action: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return release(our_action, tmp_path_factory.mktemp("release") / "checkout")


@pytest.fixture
def start(
    new_project: Callable[[Path], Project],
    released: Path,
    tmp_path: Path,
) -> Callable[..., Project]:
    def started(name: str, caller: str = CALLER) -> Project:
        project = new_project(tmp_path)
        machine = dataclasses.replace(
            project.machine, actions={RELEASE: released, **stand_ins(released)}
        )
        project = dataclasses.replace(project, machine=machine)
        project.write(".dockerignore", "docs\n.github\n")
        project.save_workflow(caller.replace("@NAME@", name))
        return project

    return started


def happen(project: Project, event: Event, secrets: Mapping[str, str] = LOGIN) -> Run:
    shutil.rmtree(project.machine.report / "artifacts", ignore_errors=True)
    return project.happen(event, secrets)


def push_since(project: Project, before: str) -> Event:
    event = project.push()
    return dataclasses.replace(event, payload={**event.payload, "before": before})


def push_of_tag(project: Project, name: str) -> Event:
    project.git("tag", name)
    event = project.push()
    return dataclasses.replace(event, payload={**event.payload, "ref": f"refs/tags/{name}"})


def records(run: Run) -> dict[str, dict[str, str]]:
    """The outputs of the action by the name of the image, as the jobs that built left them."""
    files = (run.report / "artifacts").rglob("image.json")
    found = [json.loads(file.read_text()) for file in files]
    return {one["name"]: one["outputs"] for one in found}


def statuses(run: Run) -> dict[str, str]:
    return {name: outputs["BUILD_STATUS"] for name, outputs in records(run).items()}


def test_image_is_built_once_then_reused_then_named(
    start: Callable[..., Project], pushed: RegistryView
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


def test_refresh_builds_what_has_not_changed(start: Callable[..., Project]) -> None:
    project = start("refresh")
    happen(project, project.push()).require_success()
    for event in ("workflow_dispatch", "schedule"):
        again = happen(project, dataclasses.replace(project.workflow_dispatch(), name=event))
        again.require_success()
        assert statuses(again) == {"image": "built"}
        assert records(again)["image"]["IMAGE_SHA_TAG"].startswith(f"{project.tag}-")


def test_fork_builds_and_publishes_nothing(
    start: Callable[..., Project], pushed: RegistryView, tmp_path: Path
) -> None:
    project = start("fork", WITH_A_HUB)
    event = project.pull_request(head=project.head, of="visitor/Course-Image", actor="visitor")
    with hub.at(hub.hub_repository(tmp_path), project.machine) as served:
        run = project.happen(event).require_success()
    assert statuses(run) == {"image": "built"}
    assert pushed.tags("workflows/fork") == set()
    assert "comes from a fork" in run.summary
    assert served.seen == []


def test_only_what_changed_is_built_on_the_parent_just_built(
    start: Callable[..., Project], base_image: str, pushed: RegistryView
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


# The hub


def schedule(project: Project) -> Event:
    return dataclasses.replace(project.workflow_dispatch(), name="schedule")


def test_hub_gets_what_is_pushed_and_on_schedule_only_what_has_other_packages(
    start: Callable[..., Project], pushed: RegistryView, tmp_path: Path
) -> None:
    project = start("hub", WITH_A_HUB)
    github = hub.hub_repository(tmp_path, f"{pushed.host}/workflows/hub")
    with hub.at(github, project.machine) as served:
        first = happen(project, project.push(), KEYS).require_success()
        [pull] = github.open_pulls
        assert f"workflows/hub:{project.tag}" in github.content(hub.FILE, pull.head).decode()
        assert f"| [proposed]({served.page}/pull/1) |" in first.summary
        asked = len(served.seen)
        again = happen(project, schedule(project), KEYS).require_success()
        assert statuses(again) == {"image": "built"}
        assert len(served.seen) == asked
        install_package(project)
        happen(project, schedule(project), KEYS).require_success()
        assert github.open_pulls == [pull]
        assert f"workflows/hub:{project.tag}" in github.content(hub.FILE, pull.head).decode()
        assert "`r2d-example`" in pull.body
        asked = len(served.seen)
        project.write("Dockerfile", "FROM scratch\nRUN false\n")
        project.commit("Break it")
        failed = happen(project, project.push(), KEYS)
        assert failed.exit_code != 0
        assert len(served.seen) == asked


def install_package(project: Project) -> None:
    entry = r"Package: r2d-example\nStatus: install ok installed\nVersion: 1.0\n"
    file = "/var/lib/dpkg/status.d/r2d-example"
    text = (project.directory / "Dockerfile").read_text()
    more = f"USER root\nRUN mkdir -p $(dirname {file}) && printf '{entry}' > {file}\n"
    project.write("Dockerfile", text + more)
    project.commit("One more package")


def test_pull_request_builds_what_it_changes_and_leaves_the_hub_alone(
    start: Callable[..., Project], base_image: str, pushed: RegistryView, tmp_path: Path
) -> None:
    text = WITH_A_HUB.replace("IMAGE_NAME: workflows/", "IMAGE_NAME: several/")
    project = start("{image}", text)
    environments, machine = hub.Environments.seen_on(project.machine)
    project = dataclasses.replace(project, machine=machine)
    own = f"{pushed.host}/several"
    for name in ("one", "two"):
        write_image(project, name, base_image)
    base = project.commit("Two images")
    github = hub.hub_repository(tmp_path, f"{own}/one", f"{own}/two")
    with hub.at(github, machine) as served:
        happen(project, project.push(), KEYS).require_success()
        assert sorted(pull.title for pull in github.open_pulls) == [
            f"Update {name} to {project.tag} in {hub.FILE}" for name in ("one", "two")
        ]
    found = environments.by_job()
    assert set(found) >= {"images", "build-0", "hub", "report"}
    assert {job for job, values in found.items() if hub.HUB_TOKEN in values} == {"hub"}
    assert {job for job, values in found.items() if PASSWORD in values} == {"build-0"}
    environments.forget()
    project.write("images/two/data.txt", "new\n")
    head = project.commit("An idea")
    with hub.at(hub.own_repository(tmp_path, REPOSITORY), machine) as served:
        event = project.pull_request(head=head, base=base)
        run = happen(project, event, KEYS).require_success()
        assert statuses(run) == {"two": "built"}
        [comment] = served.github.comments
    assert "hub" not in environments.by_job()
    assert f"`{own}/two:{project.tag}`" in comment.body
    assert "(https://hub.example.org/hub/spawn?profile=small" in comment.body
    assert all(request.path.startswith(f"/repos/{REPOSITORY}/") for request in served.seen)
