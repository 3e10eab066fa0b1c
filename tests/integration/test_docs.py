"""A shell reads what the documentation has people paste into one."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from pages import PAGES, WORKFLOWS, blocks_of, named

SCRIPTS = [
    pytest.param(script, id=f"{named(page)}-{number}")
    for page in PAGES
    for number, script in enumerate(blocks_of(page, "bash"), 1)
]


def complaints(script: str) -> str:
    done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True)
    return done.stderr


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_block_can_be_pasted(script: str) -> None:
    assert complaints(script) == ""


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=named)
def test_the_steps_of_a_workflow_can_be_read(workflow: Path) -> None:
    jobs = yaml.safe_load(workflow.read_text())["jobs"].values()
    for step in (step for job in jobs for step in job.get("steps", ())):
        assert complaints(step.get("run", "")) == ""


def test_a_mistake_is_noticed() -> None:
    assert complaints("for name in *; do echo $name\n")
