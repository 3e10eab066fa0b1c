"""`update-hub` without a checkout, and the way back, as a person types them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fakes.github.model import GitHub
from fakes.github.server import Served
from integration.hub_repository import HUB, TOKEN, hub_with, served

__all__ = ["served"]

IMAGE = "quay.io/org/user-image"
SOURCE = Path(__file__).resolve().parents[2] / "src"
STAGING, PRODUCTION = "config/staging.yaml", "config/prod.yaml"


def values(tag: str) -> bytes:
    return f"image: {IMAGE}:{tag}\n".encode()


@pytest.fixture
def github(tmp_path: Path) -> GitHub:
    return hub_with(tmp_path / "hub.git", {STAGING: values("one"), PRODUCTION: values("zero")})


def command(served: Served, *arguments: str, record: str = "") -> tuple[int, Any, str]:
    done = subprocess.run(
        [sys.executable, "-m", "r2d_action", *arguments],
        env={
            **os.environ,
            "PYTHONPATH": str(SOURCE),
            "GITHUB_API_URL": served.api_url,
            "R2D_HUB_REPO": HUB,
            "R2D_HUB_TOKEN": TOKEN,
        },
        input=record,
        capture_output=True,
        text=True,
    )
    assert TOKEN not in done.stdout + done.stderr
    return done.returncode, json.loads(done.stdout or "null"), done.stderr


def update(served: Served, tag: str, *more: str) -> Any:
    code, record, said = command(served, "update-hub", "--image", IMAGE, "--tag", tag, *more)
    assert code == 0, said
    return record


def test_a_change_is_proposed_and_taken_back_by_its_record(github: GitHub, served: Served) -> None:
    record = update(served, "two", "--files", STAGING)
    assert record["pull_request"]["proposal"]["status"] == "opened"
    github.merge(1)
    assert github.content(STAGING) == values("two")

    code, back, said = command(served, "rollback-hub", "-", record=json.dumps(record))
    assert code == 0, said
    [done] = back["pull_request"]
    assert done["proposal"]["status"] == "opened"
    pull = github.pull(2)
    assert "Go back with user-image to one" in pull.title
    assert github.content(STAGING, pull.head) == values("one")
    assert github.content(PRODUCTION, pull.head) == values("zero")


def test_places_that_had_several_images_each_go_back_to_their_own(
    github: GitHub, served: Served
) -> None:
    record = update(served, "two", "--files", STAGING, "--files", PRODUCTION)
    github.merge(1)
    code, back, said = command(served, "rollback-hub", "-", record=json.dumps(record))
    assert code == 0, said
    assert len(back["pull_request"]) == 2
    for pull in github.open_pulls:
        github.merge(pull.number)
    assert github.content(STAGING) == values("one")
    assert github.content(PRODUCTION) == values("zero")


def test_places_that_disagree_are_told_with_what_to_paste(served: Served) -> None:
    code, record, said = command(served, "update-hub", "--image", IMAGE, "--tag", "two")
    assert code == 8
    assert record is None
    assert STAGING in said
    assert PRODUCTION in said


def test_what_is_no_record_is_refused(served: Served) -> None:
    code, _, said = command(served, "rollback-hub", "-", record="{}")
    assert code == 2
    assert "no record of a change at a hub" in said
