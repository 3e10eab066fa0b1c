"""What has changed, asked of a real git; and the command as the workflow calls it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from r2d_action.event import read_event
from r2d_action.git import Git
from r2d_action.images.changes import changed_paths

SOURCES = Path(__file__).resolve().parents[2] / "src"
ZEROS = "0" * 40


@dataclass(frozen=True)
class Repository:
    folder: Path
    env: Mapping[str, str]

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
        argv = ["git", *identity, *arguments]
        done = subprocess.run(
            argv, cwd=self.folder, env=dict(self.env), check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, *paths: str, text: str = "x") -> str:
        for path in paths:
            file = self.folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "Change")
        return self.git("rev-parse", "HEAD")

    def happen(self, name: str, payload: Mapping[str, Any]) -> dict[str, str]:
        """The environment of a run."""
        file = self.folder.parent / "event.json"
        file.write_text(json.dumps(payload))
        return {
            **self.env,
            "GITHUB_EVENT_NAME": name,
            "GITHUB_EVENT_PATH": str(file),
            "GITHUB_WORKSPACE": str(self.folder),
        }

    def changed(self, name: str, payload: Mapping[str, Any]) -> tuple[str, ...] | None:
        event = read_event(self.happen(name, payload), self.folder)
        return changed_paths(event, Git(self.folder, self.env))


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    folder = tmp_path / "checkout"
    folder.mkdir()
    home = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    repository = Repository(folder, home)
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.commit("README.md")
    return repository


def test_push_changes_what_lies_between_two_commits(repository: Repository) -> None:
    before = repository.commit("a/x")
    repository.git("mv", "a", "b")
    repository.commit("ü\nz")
    assert repository.changed("push", {"before": before}) == ("a/x", "b/x", "ü\nz")
    assert repository.changed("push", {"before": repository.git("rev-parse", "HEAD")}) == ()


def test_pull_request_changes_what_its_branch_brings(repository: Repository) -> None:
    repository.git("checkout", "--quiet", "-b", "idea")
    repository.commit("idea")
    repository.git("checkout", "--quiet", "main")
    base = repository.commit("meanwhile")
    repository.git("merge", "--quiet", "--no-ff", "-m", "Trial merge", "idea")
    payload = {"pull_request": {"number": 7, "base": {"sha": base}}}
    assert repository.changed("pull_request", payload) == ("idea",)


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("push", {"before": ZEROS}),
        ("push", {"before": "HEAD", "forced": True}),
        ("push", {"before": "1" * 40}),
        ("schedule", {}),
        ("workflow_dispatch", {}),
    ],
    ids=["first", "forced", "not here", "schedule", "by hand"],
)
def test_everything_counts_as_changed(
    name: str, payload: Mapping[str, Any], repository: Repository
) -> None:
    assert repository.changed(name, payload) is None


def test_tag_that_moves_names_all_images(repository: Repository) -> None:
    before = repository.git("rev-parse", "HEAD")
    env = {**repository.happen("push", {"before": before}), "GITHUB_REF": "refs/tags/v1"}
    event = read_event(env, repository.folder)
    assert changed_paths(event, Git(repository.folder, repository.env)) is None


def listed(repository: Repository, payload: Mapping[str, Any], **inputs: str) -> Any:
    output = repository.folder.parent / "output"
    output.write_text("")
    env = {
        **repository.happen("push", payload),
        "GITHUB_ACTIONS": "true",
        "GITHUB_OUTPUT": str(output),
        "GITHUB_REPOSITORY": "o/r",
        "PYTHONPATH": str(SOURCES),
        **{f"R2D_{name}": value for name, value in inputs.items()},
    }
    argv = [sys.executable, "-m", "r2d_action", "images"]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        return done.stderr
    outputs = output.read_text()
    return [
        [entry["name"] for entry in json.loads(line)]
        for line in outputs.splitlines()
        if line.startswith("[")
    ]


def write_images(repository: Repository) -> str:
    for name, base in (("base", "debian"), ("child", "quay.io/o/base:1"), ("r", "debian")):
        repository.commit(f"images/{name}/Dockerfile", text=f"FROM {base}\n")
    return repository.git("rev-parse", "HEAD")


NAMED = {"IMAGE_NAME": "o/{image}", "DOCKER_REGISTRY": "quay.io"}


def test_images_that_changed_are_listed_in_order(repository: Repository) -> None:
    before = write_images(repository)
    assert listed(repository, {}, **NAMED) == [["base", "r"], ["child"], []]
    repository.commit("images/base/x")
    assert listed(repository, {"before": before}, **NAMED) == [["base"], ["child"], []]
    before = repository.commit("images/child/x")
    assert listed(repository, {"before": before}, **NAMED) == [[], [], []]
    repository.commit(".github/workflows/image.yml")
    assert listed(repository, {"before": before}, **NAMED) == [["base", "r"], ["child"], []]


def test_child_alone_waits_for_nobody(repository: Repository) -> None:
    before = write_images(repository)
    repository.commit("images/child/x")
    assert listed(repository, {"before": before}, **NAMED) == [["child"], [], []]


def test_one_image_is_chosen_by_hand(repository: Repository) -> None:
    before = write_images(repository)
    assert listed(repository, {"before": before}, ONLY_IMAGE="base", **NAMED) == [
        ["base"],
        ["child"],
        [],
    ]
    assert "there is no image 'c'" in listed(repository, {}, ONLY_IMAGE="c", **NAMED)


def test_repository_without_such_folders_is_one_image(repository: Repository) -> None:
    before = repository.commit("environment.yml")
    given = {"IMAGE_NAME": "o/i"}
    assert listed(repository, {"before": before}, **given) == [["image"], [], []]
    write_images(repository)
    assert listed(repository, {}, SUBDIR="images/r", **given) == [["image"], [], []]
    assert "this repository has several" in listed(repository, {}, **given)
