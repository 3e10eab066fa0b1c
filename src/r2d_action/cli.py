"""The command ``r2d-action``: the only reader of the environment, and the only place that
turns errors into exit codes."""

from __future__ import annotations

import os
import platform
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NoReturn, TextIO, TypeVar

import click
import requests

from r2d_action import HOME, __version__
from r2d_action.engine import docker_config
from r2d_action.errors import InputError, UserError
from r2d_action.event import read_event
from r2d_action.inputs import ENV_PREFIX, Entry, read_inputs, table
from r2d_action.outcome import Failure, Outcome, from_json, to_json
from r2d_action.reference import InvalidReference, Reference, Tag
from r2d_action.registry.client import Client
from r2d_action.registry.keychain import credential_for
from r2d_action.report.outputs import outputs
from r2d_action.report.summary import summary
from r2d_action.retag import retag as retagged
from r2d_action.retry import Retry
from r2d_action.runner import ActionsFiles, Redactor, Runner
from r2d_action.stages.check import checked
from r2d_action.stages.plan import planned
from r2d_action.stages.publish import published
from r2d_action.stages.site import Site
from r2d_action.walk import BUILD, PLAN, RUN, Stage, walk

BUG_EXIT_CODE = 70
INTERRUPTED_EXIT_CODE = 130
TERMINATED_EXIT_CODE = 143
STOPS = (signal.SIGINT, signal.SIGTERM)

Command = TypeVar("Command", bound=Callable[..., None])


def input_options(command: Command) -> Command:
    """The options that the table of inputs has for a person. A secret is no option: what is
    on a command line can be read by everybody on the machine."""
    for name, entry in reversed(tuple(table())):
        if not entry.secret:
            command = _option(name, entry)(command)
    return command


def _option(name: str, entry: Entry) -> Callable[[Command], Command]:
    return click.option(
        f"--{name.replace('_', '-')}",
        metavar=entry.kind.upper(),
        help=f"{entry.summary} [{ENV_PREFIX}{name.upper()}]",
    )


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__)
def cli() -> None:
    """Turn a repository into the image that a JupyterHub runs.

    Results are JSON on standard output; everything else is said on standard error.
    Passwords are read from the environment (R2D_DOCKER_PASSWORD), never from options.
    """


FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


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


@cli.command()
@click.argument("image")
@click.argument("tags", metavar="TAG...", nargs=-1, required=True)
def retag(image: str, tags: tuple[str, ...]) -> None:
    """Give IMAGE, which its registry has already, further tags. Nothing is built or pulled.

    The account is that of R2D_DOCKER_USERNAME and R2D_DOCKER_PASSWORD, or the login that
    docker has on this machine.
    """
    inputs = read_inputs(os.environ)
    runner = _runner(os.environ, inputs.secrets)
    try:
        reference, names = Reference.parse(image), tuple(Tag(tag) for tag in tags)
    except InvalidReference as reason:
        raise InputError(
            f"{reason}; write for example `r2d-action retag quay.io/org/image:0123456789ab v1`."
        ) from reason
    registry = reference.repository.registry
    login = credential_for(registry, inputs, docker_config(os.environ, Path.cwd()))
    with requests.Session() as session:
        client = Client(session, registry, login, Retry(time.sleep, runner.say))
        click.echo(to_json(retagged(reference, names, client)))


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
    env = {**os.environ, **_as_variables(options)}
    workspace = {"GITHUB_WORKSPACE": str(path.resolve())} if path else {}
    inputs = read_inputs(env)
    runner = _runner(env, inputs.secrets)
    for secret in inputs.secrets:
        runner.mask(secret)
    with _temporary_folder(env) as temporary:
        site = Site(
            inputs=inputs,
            event=read_event({**env, **workspace}, Path.cwd()),
            env=_without_inputs(env),
            temporary=temporary,
            runner=runner,
            now=datetime.now(timezone.utc),
        )
        _finish(walk(stages, site, outcome), runner)


@contextmanager
def _temporary_folder(env: Mapping[str, str]) -> Iterator[Path]:
    """The runner's own, which has one path in all runs and is emptied between them; at a
    laptop a new one, since others could know a fixed one before we make it."""
    if env.get("RUNNER_TEMP"):
        yield Path(env["RUNNER_TEMP"], "r2d-action")
        return
    with tempfile.TemporaryDirectory(prefix="r2d-action-") as name:
        yield Path(name)


def _as_variables(options: Mapping[str, str | None]) -> dict[str, str]:
    return {
        f"{ENV_PREFIX}{name.upper()}": value for name, value in options.items() if value is not None
    }


def _without_inputs(env: Mapping[str, str]) -> dict[str, str]:
    """The inputs, passwords among them, are nothing to the programs that we call."""
    return {name: value for name, value in env.items() if not name.startswith(ENV_PREFIX)}


def _runner(env: Mapping[str, str], secrets: tuple[str, ...] = ()) -> Runner:
    def file(name: str) -> Path | None:
        return Path(env[name]) if env.get(name) else None

    return Runner(
        actions=env.get("GITHUB_ACTIONS") == "true",
        files=ActionsFiles(output=file("GITHUB_OUTPUT"), summary=file("GITHUB_STEP_SUMMARY")),
        redact=Redactor.of(*secrets),
    )


def _finish(outcome: Outcome, runner: Runner) -> NoReturn:
    click.echo(runner.redact(to_json(outcome)))
    if outcome.plan:
        runner.set_outputs(outputs(outcome.plan, outcome))
    runner.summarize(summary(outcome))
    if outcome.failure:
        _tell(outcome.failure, runner)
        sys.exit(outcome.failure.exit_code)
    sys.exit(0)


def _tell(failure: Failure, runner: Runner) -> None:
    text = "\n".join(part for part in (failure.what, failure.remedy, failure.link) if part)
    runner.error(text, title=failure.title, place=failure.place)


def main() -> NoReturn:
    """The console script."""
    for stop in STOPS:
        signal.signal(stop, stopped)
    try:
        cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except UserError as error:
        _refuse(error)
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(INTERRUPTED_EXIT_CODE)
    except Exception:  # noqa: BLE001 - whatever is left is a bug of ours
        _tell_bug(traceback.format_exc())
        sys.exit(BUG_EXIT_CODE)
    sys.exit(0)


def _refuse(error: UserError) -> None:
    """An error from before the walk: the inputs themselves could not be read."""
    runner = _runner(os.environ)
    failure = Failure.of(error)
    runner.summarize(summary(Outcome(failure=failure)))
    _tell(failure, runner)


def stopped(signum: int, _frame: FrameType | None) -> NoReturn:
    """A stop becomes an exception, so that containers and commands end with us."""
    # A runner asks more than once, and must not break off the clearing up.
    for stop in STOPS:
        signal.signal(stop, signal.SIG_IGN)
    if signum == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(TERMINATED_EXIT_CODE)


def _tell_bug(trace: str) -> None:
    secrets = tuple(
        os.environ.get(ENV_PREFIX + name.upper(), "") for name, e in table() if e.secret
    )
    runner = _runner(os.environ, secrets)
    runner.error(
        "This is a mistake in r2d-action. Please open an issue with the lines below at "
        f"https://github.com/{HOME}/issues.",
        title="A bug in r2d-action",
    )
    runner.say(f"r2d-action {__version__}, Python {platform.python_version()}\n{trace}")
