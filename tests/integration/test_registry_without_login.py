"""Runs that push nothing, where nobody lets them log in: they build all the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import docker
import pytest

from fakes.elsewhere import Elsewhere
from integration.conftest import forget_images
from integration.repo import NOON, Repo, repo
from lab.registry import RunningRegistry
from r2d_action.event import DEPENDABOT, Event
from r2d_action.outcome import Outcome
from r2d_action.walk import BUILD, RUN, Stage, walk

__all__ = ["repo"]

ECR = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
GOOGLE = "europe-docker.pkg.dev"
AZURE = "someone.azurecr.io"
POOL = "projects/123/locations/global/workloadIdentityPools/pool/providers/github"
CLOUDS: Mapping[str, Mapping[str, str]] = {
    ECR: {"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/images"},
    GOOGLE: {"GOOGLE_WORKLOAD_IDENTITY_PROVIDER": POOL},
    AZURE: {"AZURE_CLIENT_ID": "client", "AZURE_TENANT_ID": "tenant"},
}
NO_IDENTITY = "is asked without a login: GitHub does not let this job prove who it is"


def forked(event: Event) -> Event:
    return replace(event, name="pull_request", pull_request=9, head_repository="fork/repo")


def by_dependabot(event: Event) -> Event:
    return replace(event, actor=DEPENDABOT)


def as_it_is(event: Event) -> Event:
    return event


@pytest.fixture
def locked(
    new_registry: Callable[..., RunningRegistry], engine: docker.DockerClient
) -> Iterator[RunningRegistry]:
    """What answers in the place of the clouds' registries."""
    yield new_registry(htpasswd={"robot": "correct-horse-battery"})
    for host in CLOUDS:
        forget_images(engine, f"{host}/")


def carried_out(
    repo: Repo,
    locked: RunningRegistry,
    host: str,
    stages: tuple[Stage, ...] = RUN,
    event: Callable[[Event], Event] = as_it_is,
    **inputs: str,
) -> Outcome:
    given = {"DOCKER_REGISTRY": host, "PACKAGES": "false", **CLOUDS[host], **inputs}
    site = repo.site("push", NOON, {}, given)
    site = replace(site, event=event(site.event))
    site.session.mount(f"https://{host}/", Elsewhere(host, locked.host))
    return walk(stages, site)


@pytest.mark.parametrize("host", CLOUDS)
def test_a_fork_has_no_identity_and_is_built(
    repo: Repo, locked: RunningRegistry, host: str
) -> None:
    outcome = carried_out(repo, locked, host, event=forked)
    said = repo.said.getvalue()
    assert outcome.failure is None, outcome.failure
    assert outcome.status == "built"
    assert said.count(f"{host} {NO_IDENTITY}") == 1
    assert "id-token" not in said
    assert "does not answer" not in said


@pytest.mark.parametrize(
    ("stages", "event", "inputs"),
    [
        (RUN, by_dependabot, {}),
        (RUN, as_it_is, {"NO_PUSH": "true", "REUSE": "false", "CACHE": "false"}),
        (BUILD, as_it_is, {}),
    ],
)
def test_whoever_does_not_push_needs_no_login(
    repo: Repo,
    locked: RunningRegistry,
    stages: tuple[Stage, ...],
    event: Callable[[Event], Event],
    inputs: Mapping[str, str],
) -> None:
    outcome = carried_out(repo, locked, ECR, stages, event, **inputs)
    assert outcome.failure is None, outcome.failure


def test_whoever_pushes_learns_it_before_the_build(repo: Repo, locked: RunningRegistry) -> None:
    outcome = carried_out(repo, locked, ECR)
    assert outcome.failure
    assert "add `id-token: write` to the job's permissions" in outcome.failure.what
    assert outcome.built is None


def test_a_credential_helper_that_is_missing(repo: Repo, tmp_path: Path) -> None:
    host = repo.registry.host
    folder = tmp_path / "docker"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"credHelpers": {host: "missing"}}))
    outcome = repo.attempt("push", NOON, {"DOCKER_CONFIG": str(folder)}, NO_PUSH="true")
    assert outcome.failure is None, outcome.failure
    said = repo.said.getvalue()
    assert said.count(f"{host} is asked without a login: The credential helper") == 1
    again = repo.attempt("push", NOON, {"DOCKER_CONFIG": str(folder)})
    assert again.failure
    assert "docker-credential-missing" in again.failure.what
