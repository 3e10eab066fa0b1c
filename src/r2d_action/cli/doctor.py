"""Before any build: what repo2docker will do, and what will go wrong."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from r2d_action.cli.group import FOLDER, cli
from r2d_action.cli.registry import tell_rights
from r2d_action.cli.talk import runner_of
from r2d_action.context import checkout_of, read_context
from r2d_action.doctor import (
    Decision,
    Finding,
    Severity,
    decision_of,
    findings,
    settings_of,
)
from r2d_action.doctor.screen import screen
from r2d_action.errors import InputError
from r2d_action.private import private_paths
from r2d_action.runner import Runner


@cli.command()
@click.argument("path", default=".", type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Print what is found as JSON.")
@click.option(
    "--registry",
    default="",
    metavar="IMAGE",
    help="Look at an image's repository in its registry instead: as whom, and what that may do.",
)
def doctor(path: Path, as_json: bool, registry: str) -> None:
    """Say what repo2docker will do with PATH, and what will go wrong. Nothing is built.

    Ends with exit code 2 when something will fail.
    """
    if registry:
        tell_rights(registry)
        return
    top = path.resolve()
    settings = settings_of(top, checkout_of(top))
    context = read_context(top, private=private_paths(os.environ, settings.workspace))
    decision, found = decision_of(context, settings), findings(context, settings)
    runner = runner_of(os.environ)
    if as_json:
        click.echo(json.dumps(_as_json(decision, found), indent=2))
    else:
        runner.say(screen(decision, found))
    if runner.actions:
        _annotate(found, runner)
    if any(finding.severity is Severity.ERROR for finding in found):
        sys.exit(InputError.exit_code)


def _as_json(decision: Decision, found: tuple[Finding, ...]) -> dict[str, Any]:
    return {
        "buildpack": decision.buildpack.name,
        "folder": decision.folder,
        "reads": list(decision.reads),
        "ignores": list(decision.ignores),
        "findings": [
            {
                "file": finding.place.path,
                "line": finding.place.line,
                "rule": finding.rule,
                "severity": finding.severity.value,
                "message": finding.message,
                "remedy": finding.remedy,
            }
            for finding in found
        ],
    }


def _annotate(found: tuple[Finding, ...], runner: Runner) -> None:
    say = {
        Severity.ERROR: runner.error,
        Severity.WARNING: runner.warning,
        Severity.NOTE: runner.notice,
    }
    for finding in found:
        text = f"{finding.message}\n{finding.remedy}"
        say[finding.severity](text, title=finding.rule, place=finding.place)
