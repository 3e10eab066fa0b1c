"""The commands that take an image along the walk, the whole of it or one stage."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import NoReturn, TextIO

import click

from r2d_action.cli.group import FOLDER, cli, input_options
from r2d_action.cli.site import site_of
from r2d_action.cli.talk import tell
from r2d_action.errors import InputError
from r2d_action.outcome import Outcome, from_json, to_json
from r2d_action.report.outputs import outputs
from r2d_action.report.summary import summary
from r2d_action.runner import Runner
from r2d_action.stages.check import checked
from r2d_action.stages.plan import planned
from r2d_action.stages.publish import published
from r2d_action.walk import BUILD, PLAN, RUN, Stage, walk


@cli.command()
@input_options
def run(**options: str | None) -> None:
    """Build, check and publish the checkout: what the GitHub Action does.

    Inputs come from R2D_* variables or options, the event from GITHUB_* variables.
    """
    _carry_out(RUN, options)


@cli.command()
@click.argument("path", default=".", type=FOLDER)
@input_options
def plan(path: Path, **options: str | None) -> None:
    """Say what would be done with the repository in PATH, and do nothing."""
    _carry_out(PLAN, options, path)


@cli.command()
@click.argument("path", default=".", type=FOLDER)
@input_options
def build(path: Path, **options: str | None) -> None:
    """Build the repository in PATH and check the image. No registry is needed.

    The record on standard output is what `r2d-action publish` takes.
    """
    _carry_out(BUILD, options, path)


@cli.command()
@click.argument("image")
@click.argument("path", default=".", type=FOLDER)
@input_options
def check(image: str, path: Path, **options: str | None) -> None:
    """Run the checks of the repository in PATH on IMAGE, which the engine has already."""
    _carry_out((partial(planned, publishing=False), partial(checked, image=image)), options, path)


@cli.command()
@click.argument("record", type=click.File("r", encoding="utf-8"))
@input_options
def publish(record: TextIO, **options: str | None) -> None:
    """Push the image of RECORD, which `r2d-action build` printed ("-": standard input)."""
    _carry_out((published,), options, outcome=_read_record(record))


def _read_record(file: TextIO) -> Outcome:
    try:
        outcome = from_json(file.read(), Outcome)
    except Exception as error:  # cattrs raises groups of whatever its hooks raise
        raise InputError(
            f"{file.name} is not a record of a build; make one with "
            "`r2d-action build . > record.json`."
        ) from error
    if outcome.failure or outcome.built is None:
        raise InputError(f"{file.name} tells of a build that failed; there is nothing to publish.")
    return outcome


# From the environment to the walk, and from its record to an exit code --------------------


def _carry_out(
    stages: tuple[Stage, ...],
    options: Mapping[str, str | None],
    path: Path | None = None,
    outcome: Outcome | None = None,
) -> None:
    with site_of(options, path) as site:
        _finish(walk(stages, site, outcome), site.runner)


def _finish(outcome: Outcome, runner: Runner) -> NoReturn:
    click.echo(runner.redact(to_json(outcome)))
    if outcome.plan:
        runner.set_outputs(outputs(outcome.plan, outcome))
    runner.summarize(summary(outcome))
    if outcome.failure:
        tell(outcome.failure, runner)
        sys.exit(outcome.failure.exit_code)
    sys.exit(0)
