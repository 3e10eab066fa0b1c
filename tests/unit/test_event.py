from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from r2d_action.event import Event, read_event


def event(tmp_path: Path, payload: dict[str, Any] | str, **github: str) -> Event:
    file = tmp_path / "event.json"
    file.write_text(payload if isinstance(payload, str) else json.dumps(payload))
    env = {f"GITHUB_{name}": value for name, value in github.items()}
    return read_event({**env, "GITHUB_EVENT_PATH": str(file)}, tmp_path)


def pull_request(head: str | None) -> dict[str, Any]:
    repo = {"full_name": head} if head else None
    return {"pull_request": {"number": 7, "head": {"repo": repo}}}


@pytest.mark.parametrize(
    ("head", "fork"), [("o/r", False), ("O/R", False), ("somebody/r", True), (None, True)]
)
def test_a_pull_request_from_elsewhere_is_a_fork(
    tmp_path: Path, head: str | None, fork: bool
) -> None:
    read = event(tmp_path, pull_request(head), REPOSITORY="o/r", EVENT_NAME="pull_request")
    assert read.is_fork_pull_request is fork
    assert read.pull_request == 7


def test_branch_and_tag_are_told_apart(tmp_path: Path) -> None:
    branch = event(tmp_path, {}, REF="refs/heads/feature/x")
    tag = event(tmp_path, {}, REF="refs/tags/v1")
    assert (branch.branch, branch.git_tag) == ("feature/x", "")
    assert (tag.branch, tag.git_tag) == ("", "v1")


def test_a_pull_request_that_was_merged_is_known(tmp_path: Path) -> None:
    for merged in (True, False):
        payload = {"pull_request": {"number": 7, "merged": merged}}
        for ref, has_it in (("refs/heads/main", True), ("refs/pull/7/merge", False)):
            github = {"EVENT_NAME": "pull_request", "REPOSITORY": "o/r", "REF": ref}
            made = event(tmp_path, payload, **github)
            assert made.is_merged is (merged and has_it) is not made.is_pull_request
            assert made.is_fork_pull_request


@pytest.mark.parametrize("payload", ["", "[]", "{", '{"pull_request": 3}', '{"repository": []}'])
def test_an_odd_payload_counts_as_an_empty_one(tmp_path: Path, payload: str) -> None:
    read = event(tmp_path, payload, EVENT_NAME="push")
    assert read.pull_request is None
    assert not read.is_fork_pull_request


def test_at_a_laptop_there_is_only_the_folder(tmp_path: Path) -> None:
    assert read_event({}, tmp_path) == Event(workspace=tmp_path)


def test_the_run_has_an_address(tmp_path: Path) -> None:
    read = event(tmp_path, {}, REPOSITORY="o/r", RUN_ID="12", SERVER_URL="https://ghe.example")
    assert read.run_url == "https://ghe.example/o/r/actions/runs/12"


def test_the_file_of_the_workflow_is_one_of_this_repository(tmp_path: Path) -> None:
    path = ".github/workflows/build.yml"

    def workflow(owner: str) -> str:
        reference = f"{owner}/repo/{path}@refs/heads/a@b"
        return event(tmp_path, {}, REPOSITORY="org/repo", WORKFLOW_REF=reference).workflow

    assert workflow("org") == path
    assert workflow("other") == ""
    assert event(tmp_path, {}, JOB="build").job == "build"
