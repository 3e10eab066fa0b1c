"""A whole run ends at the hub: the pull request has the image that was just published."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.github.model import GitHub
from fakes.github.server import Served
from integration.hub_repository import HUB, TOKEN, hub_with, served
from integration.repo import IMAGE, NOON, Repo, repo
from r2d_action.errors import HubFailed, InputError
from r2d_action.report.outputs import outputs
from r2d_action.report.summary import summary

__all__ = ["repo", "served"]

FILE = "config/hub.yaml"


def values(repo: Repo, tag: str) -> bytes:
    return (
        f"singleuser:\n  image:\n    name: {repo.registry.host}/{IMAGE}\n    tag: {tag}\n".encode()
    )


@pytest.fixture
def github(repo: Repo, tmp_path: Path) -> GitHub:
    return hub_with(tmp_path / "hub.git", {FILE: values(repo, "old")})


def hub(served: Served) -> dict[str, str]:
    return {"GITHUB_API_URL": served.api_url}


def test_the_image_is_proposed_with_what_is_known_of_it(
    repo: Repo, github: GitHub, served: Served
) -> None:
    outcome = repo.run("push", NOON, hub(served), HUB_REPO=HUB, HUB_TOKEN=TOKEN)
    assert outcome.published
    assert outcome.plan
    pull = github.pull(1)
    commit = repo.git.head[:12]
    changed = github.content(FILE, pull.head)
    assert changed is not None
    assert commit in changed.decode()
    assert f"{IMAGE}:{commit}" in pull.body
    assert outputs(outcome.plan, outcome)["HUB_PULL_REQUEST"] == f"{served.page}/pull/1"
    assert f"{served.page}/pull/1" in summary(outcome)
    assert TOKEN not in repo.said.getvalue()


def test_a_reused_image_is_proposed_too_and_the_pull_request_stays_one(
    repo: Repo, github: GitHub, served: Served
) -> None:
    inputs = {"HUB_REPO": "org/hub", "HUB_TOKEN": TOKEN}
    repo.run("push", NOON, hub(served), **inputs)
    newest = repo.commit()
    outcome = repo.run("push", NOON, hub(served), **inputs)
    assert outcome.status == "reused"
    (pull,) = github.open_pulls
    assert newest in pull.title


def test_an_older_run_does_not_move_the_proposal_back(
    repo: Repo, github: GitHub, served: Served, tmp_path: Path
) -> None:
    inputs = {"HUB_REPO": "org/hub", "HUB_TOKEN": TOKEN}
    older = repo.clone(tmp_path / "older")
    newest = repo.commit(data_txt="2")
    repo.run("push", NOON, hub(served), **inputs)
    outcome = older.run("push", NOON, hub(served), **inputs)
    assert outcome.proposal
    assert outcome.proposal.status == "overtaken"
    (pull,) = github.open_pulls
    assert newest in pull.title


def test_no_way_into_the_hub_is_told_before_the_build(repo: Repo, served: Served) -> None:
    outcome = repo.attempt("push", NOON, hub(served), HUB_REPO=HUB)
    assert outcome.failure
    assert outcome.failure.exit_code == InputError.exit_code
    assert "HUB_REPO needs a way in" in outcome.failure.what
    assert outcome.built is None


def test_a_hub_that_refuses_leaves_the_image_published(repo: Repo, served: Served) -> None:
    outcome = repo.attempt("push", NOON, hub(served), HUB_REPO=HUB, HUB_TOKEN="ghp_" + "0" * 36)
    assert outcome.failure
    assert outcome.failure.exit_code == HubFailed.exit_code
    assert outcome.published
    assert repo.digest("latest") == str(outcome.published.digest)
