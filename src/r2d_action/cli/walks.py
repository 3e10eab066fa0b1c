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
from r2d_action.json_text import from_json, to_json
from r2d_action.outcome import Outcome
from r2d_action.progress.watch import watched
from r2d_action.report.ending import ending
from r2d_action.report.outputs import outputs
from r2d_action.report.summary import summary
from r2d_action.runner import Runner
from r2d_action.stages.check import checked
from r2d_action.stages.plan import planned
from r2d_action.stages.publish import published
from r2d_action.walk import BUILD, PLAN, RUN, Stage, walk

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print the record of the run at a terminal as well."
)


@cli.command()
@json_option
@input_options
def run(as_json: bool, **options: str | None) -> None:
    """Build, check and publish the checkout: what the GitHub Action does.

    Inputs come from R2D_* variables or options, the event from GITHUB_* variables.
    """
    _carry_out(RUN, options, as_json=as_json)


@cli.command()
@click.argument("path", default=".", type=FOLDER)
@json_option
@input_options
def plan(path: Path, as_json: bool, **options: str | None) -> None:
    """Say what would be done with the repository in PATH, and do nothing."""
    _carry_out(PLAN, options, path, as_json=as_json)


@cli.command()
@click.argument("path", default=".", type=FOLDER)
@json_option
@input_options
def build(path: Path, as_json: bool, **options: str | None) -> None:
    """Build the repository in PATH and check the image. No registry is needed.

    At a terminal it shows how far it is, and how long it took last time; elsewhere it prints
    line after line. The record on standard output is what `r2d-action publish` takes.
    """
    with site_of(options, path) as site:
        with watched(BUILD, site) as stages:
            outcome = walk(stages, site)
        _finish(outcome, site.runner, as_json=as_json)


@cli.command()
@click.argument("image")
@click.argument("path", default=".", type=FOLDER)
@json_option
@input_options
def check(image: str, path: Path, as_json: bool, **options: str | None) -> None:
    """Run the checks of the repository in PATH on IMAGE, which the engine has already."""
    stages = (partial(planned, publishing=False), partial(checked, image=image))
    _carry_out(stages, options, path, as_json=as_json)


@cli.command()
@click.argument("record", type=click.File("r", encoding="utf-8"))
@json_option
@input_options
def publish(record: TextIO, as_json: bool, **options: str | None) -> None:
    """Push the image of RECORD, which `r2d-action build` printed ("-": standard input)."""
    _carry_out((published,), options, outcome=_read_record(record), as_json=as_json)


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
    *,
    as_json: bool,
) -> None:
    with site_of(options, path) as site:
        _finish(walk(stages, site, outcome), site.runner, as_json=as_json)


def _finish(outcome: Outcome, runner: Runner, *, as_json: bool) -> NoReturn:
    # A person who looks at a terminal reads a few lines, and programs the record.
    if as_json or not sys.stdout.isatty():
        click.echo(runner.redact(to_json(outcome)))
    elif text := ending(outcome):
        click.echo(runner.redact(text))
    if outcome.plan:
        runner.set_outputs(outputs(outcome.plan, outcome))
    runner.summarize(summary(outcome))
    if outcome.failure:
        tell(outcome.failure, runner)
        sys.exit(outcome.failure.exit_code)
    sys.exit(0)
