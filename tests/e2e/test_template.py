"""The template repository, as a community starts with it: its workflow is run as it is."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
from pathlib import Path

import docker
import pytest

from e2e.accounts import PASSWORD, USER
from e2e.engine import containers_of
from e2e.project import WORKFLOW, Project
from e2e.registry import RegistryView
from e2e.workflows import RELEASE, called, release, stand_ins

TEMPLATE = Path(__file__).resolve().parents[2] / "template-repo"
SECRETS = {"QUAY_PASSWORD": PASSWORD}


@pytest.fixture
def template(project: Project, our_action: Path, pushed: RegistryView, tmp_path: Path) -> Project:
    """With the registry, its account, the name and the community image filled in, and nothing
    else."""
    shutil.copytree(TEMPLATE, project.directory, dirs_exist_ok=True)
    workflow = (project.directory / WORKFLOW).read_text()
    assert f"uses: {called('build-image.yml')}\n" in workflow
    workflow = workflow.replace("quay.io", pushed.host).replace("my-community+builder", USER)
    # This registry gives nothing to anybody without a password.
    workflow = workflow.replace("      PUBLIC_REGISTRY_CHECK: true\n", "")
    project.write(WORKFLOW, workflow)
    dockerfile = (project.directory / "Dockerfile").read_text()
    community = os.environ["R2D_LAB_COMMUNITY_IMAGE"]
    project.write("Dockerfile", re.sub(r"(?<=ARG BASE_IMAGE=)\S+", community, dockerfile))
    project.commit("Start from the template")
    released = release(our_action, tmp_path / "release")
    actions = {RELEASE: released, **stand_ins(released)}
    machine = dataclasses.replace(project.machine, actions=actions)
    return dataclasses.replace(project, machine=machine)


def rename(project: Project, name: str) -> str:
    """Give the image a name of the test's own."""
    text = (project.directory / WORKFLOW).read_text()
    project.save_workflow(text.replace("my-community/user-image", f"template/{name}"))
    return f"template/{name}"


def test_push_is_checked_and_published(
    template: Project, pushed: RegistryView, engine: docker.DockerClient
) -> None:
    name = rename(template, "push")
    run = template.happen(template.push(), SECRETS).require_success()
    assert pushed.tags(name) == {template.tag, "latest"}
    assert pushed.digest(name, "latest") in run.summary
    assert "✓ 3 in `image-tests/` passed" in run.summary
    assert run.annotations("warning") == []
    assert containers_of(engine, f"{pushed.host}/{name}") == []


def test_pull_request_is_checked_and_published_to_be_tried_only(
    template: Project, pushed: RegistryView
) -> None:
    name = rename(template, "pull-request")
    event = template.pull_request(head=template.head)
    run = template.happen(event, SECRETS).require_success()
    assert pushed.tags(name) == {template.tag}
    assert "✓ 3 in `image-tests/` passed" in run.summary


def test_failed_test_keeps_the_image_out_of_the_registry(
    template: Project, pushed: RegistryView, engine: docker.DockerClient
) -> None:
    name = rename(template, "fails-a-test")
    template.write("image-tests/test_more.py", "def test_more():\n    assert 1 == 2\n")
    template.commit("Break it")
    run = template.happen(template.push(), SECRETS)
    assert run.exit_code != 0
    assert ("image-tests/test_more.py", "2") in run.annotation_places("error")
    assert any("its tests did not pass" in text for text in run.annotations("error"))
    assert pushed.tags(name) == set()
    assert containers_of(engine, f"{pushed.host}/{name}") == []


def test_image_that_no_hub_starts_stays_out_of_the_registry(
    template: Project, pushed: RegistryView, engine: docker.DockerClient
) -> None:
    name = rename(template, "fails-to-start")
    shutil.rmtree(template.directory / "image-tests")
    template.write("start", "#!/bin/sh\necho no data today >&2\nexit 3\n")
    template.commit("Break it")
    run = template.happen(template.push(), SECRETS)
    assert run.exit_code != 0
    [error] = run.annotations("error")
    assert "would not start on a hub" in error
    assert "no data today" in error
    assert pushed.tags(name) == set()
    assert containers_of(engine, f"{pushed.host}/{name}") == []
