"""The commands in the documentation exist, with the options that it shows."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
import yaml

from pages import (
    COMMANDS,
    PAGES,
    PROGRAM,
    blocks_of,
    calls_in,
    each_page,
    each_workflow,
    lines_in,
    prose_in,
)

GENERATED = "reference"
# They are for the reusable workflow, whose pages say what it does.
STEPS_OF_THE_WORKFLOW = {"base-images", "comment", "images"}


def require_callable(arguments: list[str]) -> None:
    """Raises :class:`click.UsageError` for options that do not exist or lack a value."""
    name, *rest = arguments
    command = COMMANDS[name]
    context = click.Context(command, info_name=name)
    given, left, order = command.make_parser(context).parse_args(rest)
    assert not left, left
    required = {parameter.name for parameter in command.params if parameter.required}
    assert required <= {parameter.name for parameter in order}, f"{name}: {given}"


@each_page
def test_blocks_call_commands_that_exist(page: Path) -> None:
    for block in blocks_of(page, "bash"):
        for line in lines_in(block):
            for call in calls_in(line):
                require_callable(call)


@each_workflow
def test_workflows_call_commands_that_exist(workflow: Path) -> None:
    jobs = yaml.safe_load(workflow.read_text())["jobs"].values()
    for step in (step for job in jobs for step in job.get("steps", ())):
        for line in lines_in(step.get("run", "")):
            for call in calls_in(line):
                require_callable(call)


@each_page
def test_commands_that_are_named_exist(page: Path) -> None:
    for code in re.findall(r"`([^`\n]+)`", prose_in(page.read_text())):
        words = code.split()
        if words[0] == PROGRAM and len(words) > 1 and words[1] != "…":
            known = {option for one in COMMANDS[words[1]].params for option in one.opts}
            assert {word for word in words if word.startswith("--")} <= known, code


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - STEPS_OF_THE_WORKFLOW))
def test_every_command_is_on_a_page_for_people(name: str) -> None:
    pages = [page for page in PAGES if page.parent.name != GENERATED and page.stem != "CHANGELOG"]
    assert any(re.search(rf"(r2d-action |`){name}\b", page.read_text()) for page in pages)


def test_there_are_calls_to_look_at() -> None:
    shown = [
        line for page in PAGES for block in blocks_of(page, "bash") for line in lines_in(block)
    ]
    assert len([call for line in shown for call in calls_in(line)]) > 10


@pytest.mark.parametrize(
    ("line", "calls"),
    [
        ("r2d-action plan .", [["plan", "."]]),
        ("../r2d-action/bin/r2d-action build . > record.json", [["build", "."]]),
        ("cd x && r2d-action doctor 2>&1 | tee log", [["doctor"]]),
        ('r2d-action verify-hub "$IMAGE" # at last', [["verify-hub", "$IMAGE"]]),
        ("git clone https://github.com/jupyterhub/r2d-action", []),
    ],
)
def test_calls_are_told_from_what_is_round_them(line: str, calls: list[list[str]]) -> None:
    assert list(calls_in(line)) == calls
