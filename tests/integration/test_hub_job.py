"""Built by one job, proposed by another: only the second has a key to the hub's repository."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fakes.github.model import GitHub
from fakes.github.server import Served, serving
from integration.hub_repository import HUB, TOKEN, hub_with, served
from integration.repo import IMAGE, NOON, Repo, repo
from r2d_action.errors import HubFailed
from r2d_action.outcome import Outcome
from r2d_action.stages.hub import HANDED_OVER, proposed

__all__ = ["repo", "served"]

SOURCES = Path(__file__).resolve().parents[2] / "src"
FILE = "config/hub.yaml"


@pytest.fixture
def github(repo: Repo, tmp_path: Path) -> GitHub:
    text = f"image: {repo.registry.host}/{IMAGE}:old\n"
    return hub_with(tmp_path / "hub.git", {FILE: text.encode()})


def build(repo: Repo, folder: Path, result: str = "success") -> Outcome:
    """As a job that builds, without a way to the hub."""
    outcome = repo.run("push", NOON, {HANDED_OVER: str(folder / "hub.json")}, HUB_REPO=HUB)
    write_record(folder, result)
    return outcome


def write_record(folder: Path, result: str = "success") -> None:
    folder.mkdir(exist_ok=True, parents=True)
    record = {"name": folder.name, "result": result, "outputs": {}}
    (folder / "image.json").write_text(json.dumps(record))


@dataclass(frozen=True)
class Done:
    code: int
    record: Any
    statuses: dict[str, dict[str, str]]


def propose(repo: Repo, records: Path, served: Served) -> Done:
    """As the job of the hub, which has no password for the registry."""
    output = records.parent / "output"
    output.write_text("")
    done = subprocess.run(
        [sys.executable, "-m", "r2d_action", "update-hub", "--records", str(records)],
        env={
            "HOME": str(records.parent),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(SOURCES),
            "GITHUB_API_URL": served.api_url,
            "GITHUB_OUTPUT": str(output),
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_REPOSITORY": "org/repo",
            "GITHUB_WORKSPACE": str(repo.checkout),
            "R2D_HUB_REPO": HUB,
            "R2D_HUB_TOKEN": TOKEN,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert TOKEN not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    [statuses] = re.findall(r"^\{.*\}$", output.read_text(), re.MULTILINE)
    return Done(done.returncode, json.loads(done.stdout), json.loads(statuses))


def test_what_is_handed_over_is_proposed_in_the_same_words(
    repo: Repo, github: GitHub, served: Served, tmp_path: Path
) -> None:
    outcome = build(repo, tmp_path / "records/image")
    assert outcome.proposal is None
    assert served.seen == []
    done = propose(repo, tmp_path / "records", served)
    assert done.statuses == {"image": {"status": "opened", "url": f"{served.page}/pull/1"}}
    assert done.record["image"]["pull_request"]["image"]["tag"] == repo.git.head[:12]
    other = hub_with(tmp_path / "other.git", {FILE: github.content(FILE)})
    with serving(other) as direct:
        env, inputs = {"GITHUB_API_URL": direct.api_url}, {"HUB_REPO": HUB, "HUB_TOKEN": TOKEN}
        proposed(outcome, repo.site("push", NOON, env, inputs))
    [one], [same] = github.open_pulls, other.open_pulls
    assert (one.title, one.body) == (same.title, same.body)
    assert "to download" in one.body


def test_image_that_is_reused_is_proposed_too(
    repo: Repo, github: GitHub, served: Served, tmp_path: Path
) -> None:
    repo.run()
    newest = repo.commit()
    assert build(repo, tmp_path / "records/image").reused
    propose(repo, tmp_path / "records", served)
    [pull] = github.open_pulls
    assert newest in pull.title
    assert "the checks passed when this image was built" in pull.body


def test_older_run_does_not_move_the_proposal_back(
    repo: Repo, github: GitHub, served: Served, tmp_path: Path
) -> None:
    older = repo.clone(tmp_path / "older")
    build(older, tmp_path / "first/image")
    newest = repo.commit(data_txt="2")
    build(repo, tmp_path / "second/image")
    propose(repo, tmp_path / "second", served)
    done = propose(older, tmp_path / "first", served)
    assert done.statuses["image"]["status"] == "overtaken"
    [pull] = github.open_pulls
    assert newest in pull.title


def test_image_of_a_job_that_failed_is_not_proposed(
    repo: Repo, served: Served, tmp_path: Path
) -> None:
    build(repo, tmp_path / "records/image", result="failure")
    done = propose(repo, tmp_path / "records", served)
    assert (done.code, done.statuses) == (0, {})
    assert served.seen == []


def test_image_that_is_refused_does_not_hold_up_the_next(
    repo: Repo, github: GitHub, served: Served, tmp_path: Path
) -> None:
    build(repo, tmp_path / "records/second")
    text = (tmp_path / "records/second/hub.json").read_text()
    write_record(tmp_path / "records/first")
    (tmp_path / "records/first/hub.json").write_text(text.replace(IMAGE, "org/other"))
    other = f"{repo.registry.host}/org/other"
    github.push({"config/two.yaml": f"a: {other}:1\nb: {other}:2\n".encode()})
    done = propose(repo, tmp_path / "records", served)
    assert done.code == HubFailed.exit_code
    assert {name: one["status"] for name, one in done.statuses.items()} == {
        "first": "failed",
        "second": "opened",
    }
    assert list(done.record) == ["second"]
    assert len(github.open_pulls) == 1
