"""A reused image is in the engine where a later step of the same job uses it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import docker
import pytest
from docker.errors import ImageNotFound

from integration.conftest import forget_images
from integration.repo import IMAGE, NOON, Repo, repo
from r2d_action.outcome import Outcome
from r2d_action.walk import RUN, walk

__all__ = ["repo"]

FILE = ".github/workflows/build.yml"
WORKFLOW = """\
jobs:
  build:
    steps:
      - uses: jupyterhub/repo2docker-action@master
      - run: {command}
"""


def write_workflow(repo: Repo, command: str) -> None:
    file = repo.checkout / FILE
    file.parent.mkdir(parents=True)
    file.write_text(WORKFLOW.replace("{command}", command))
    repo.commit()


def run_in_workflow(repo: Repo, command: str) -> Outcome:
    write_workflow(repo, command)
    repo.run()
    repo.commit()
    return again(repo)


def again(repo: Repo) -> Outcome:
    site = repo.site("push", NOON, {}, {"ADDITIONAL_TAG": "v1"})
    return walk(RUN, replace(site, event=replace(site.event, workflow=FILE, job="build")))


def test_a_later_step_finds_the_reused_image(repo: Repo, engine: docker.DockerClient) -> None:
    outcome = run_in_workflow(repo, "docker run $IMAGE")
    assert outcome.failure is None
    assert outcome.published
    assert outcome.status == "reused"
    ours = f"{repo.registry.host}/{IMAGE}"
    tags = engine.images.get(f"{ours}:{outcome.published.reference.tag}").tags
    assert {f"{ours}:v1", f"{ours}:latest"} <= set(tags)


def test_a_later_step_finds_a_rebuilt_image_by_its_own_name(
    repo: Repo, engine: docker.DockerClient
) -> None:
    write_workflow(repo, "docker run $IMAGE")
    repo.run()
    rebuilt = repo.run("schedule", NOON + timedelta(hours=1)).published
    assert rebuilt
    forget_images(engine, f"{repo.registry.host}/{IMAGE}")
    outcome = again(repo)
    assert outcome.status == "reused"
    assert outcome.published
    assert outcome.published.reference == rebuilt.reference
    assert engine.images.get(rebuilt.reference.tagged_name)


def test_without_such_a_step_the_log_says_where_the_image_is_not(
    repo: Repo, engine: docker.DockerClient
) -> None:
    outcome = run_in_workflow(repo, "docker logout")
    assert outcome.published
    assert outcome.reused
    said = next(line for line in repo.said.getvalue().splitlines() if line.startswith("reused"))
    assert f"@{outcome.published.digest}" in said
    assert f"built for commit {outcome.reused.commit[:12]}" in said
    assert "not brought to this runner's Docker" in said
    with pytest.raises(ImageNotFound):
        engine.images.get(f"{repo.registry.host}/{IMAGE}:{outcome.published.reference.tag}")
