"""The workflow that brings an image to two hubs, which are the same real one here: act knows no
environments."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from e2e.act import Event, Machine, Run
from e2e.workflows import RELEASE, called, release
from integration.hub.parts import Course
from lab.hub import ADMIN, CONFIGURATOR, VERIFY_USER, RunningHub

ROOT = Path(__file__).resolve().parents[3]
NEEDED = ("action.yml", "actions", "bin", "src", ".github")
CALLER = f"""\
on: push
jobs:
  hub:
    uses: {called("update-hub.yml")}
    with:
      IMAGE_REFERENCE: @IMAGE@
      HUB_VERIFY_USER: {VERIFY_USER}
    secrets:
      HUB_API_TOKEN: ${{{{ secrets.HUB_API_TOKEN }}}}
"""
IMAGE = "z2jh.image"
SCOPES = (
    f"access:services!service={CONFIGURATOR}",
    f"servers!user={VERIFY_USER}",
    f"tokens!user={VERIFY_USER}",
)


@pytest.fixture
def machine(clean_hub: RunningHub, tmp_path: Path) -> Machine:
    source = tmp_path / "source"
    source.mkdir()
    for name in NEEDED:
        subprocess.run(["cp", "-r", str(ROOT / name), str(source)], check=True)
    released = release(source, tmp_path / "release")
    folder = tmp_path / "machine"
    variables = {"HUB_URL": clean_hub.url}
    return Machine(folder, tmp_path / "cache", {RELEASE: released}, variables, os.environ).setup()


def update(machine: Machine, hub: RunningHub, image: str) -> Run:
    checkout = machine.folder / "checkout"
    workflow = checkout / ".github/workflows/hub.yml"
    workflow.parent.mkdir(parents=True, exist_ok=True)
    workflow.write_text(CALLER.replace("@IMAGE@", image))
    identity = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
    for command in (
        ("init", "--quiet", "--initial-branch=main"),
        ("add", "--all"),
        (*identity, "commit", "--quiet", "--message", "Update"),
    ):
        subprocess.run(["git", *command], cwd=checkout, check=True)
    token = hub.token(ADMIN, *SCOPES)
    return machine.run(checkout, Event("push"), {"HUB_API_TOKEN": token})


def test_image_that_runs_goes_on_and_one_that_does_not_goes_back(
    machine: Machine, clean_hub: RunningHub, course: Course
) -> None:
    run = update(machine, clean_hub, course.pinned("v2")).require_success()
    assert set(run.results.values()) == {"success"}
    assert clean_hub.configured()[IMAGE] == course.reference("v2")
    broken = update(machine, clean_hub, course.pinned("v3"))
    assert broken.exit_code != 0
    assert clean_hub.configured()[IMAGE] == course.reference("v2")
    assert not clean_hub.servers()
