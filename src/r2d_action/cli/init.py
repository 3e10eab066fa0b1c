"""The command that makes a repository for an image, or converts one that is there."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from r2d_action.cli.group import cli
from r2d_action.cli.talk import runner_of
from r2d_action.errors import InputError
from r2d_action.init.answers import BASE, Ask, Given, Question, answers, nobody_to_ask
from r2d_action.init.conversion import Report, converted_files
from r2d_action.init.repository import README, repository_files, write_new
from r2d_action.init.ways import WAYS
from r2d_action.json_text import to_json


@dataclass(frozen=True, slots=True)
class InitRecord:
    """What is printed on standard output; ``written`` are paths below the folder."""

    way: str
    written: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConvertRecord:
    files: tuple[Report, ...]


@cli.command()
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@click.option("--way", metavar="|".join(WAYS), help="How the image is made.")
@click.option("--registry", metavar="HOST", help="Where it is published. [quay.io]")
@click.option("--image", metavar="NAME", help="What it is called, such as my-community/user-image.")
@click.option("--base", metavar="IMAGE", help=f"The community image to use. [{BASE}]")
@click.option("--hub-repo", metavar="OWNER/NAME", help="Repository of the hub's configuration.")
@click.option("--convert", is_flag=True, help="Convert workflows that use repo2docker-action.")
def init(folder: Path, convert: bool, **options: str | None) -> None:
    """Write the files of a repository for an image into DIR, and replace none.

    At a terminal, what is left out is asked for. The README among the files says what to do
    next. With --convert, the workflows in DIR that use repo2docker-action are changed to use
    r2d-action, and nothing else in them.
    """
    if convert:
        _convert(folder, options)
    else:
        _make(folder, Given(**options))


def _make(folder: Path, given: Given) -> None:
    ask: Ask = _ask if sys.stdin.isatty() else nobody_to_ask
    wanted = answers(given, ask)
    written = write_new(folder, repository_files(wanted))
    runner = runner_of(os.environ)
    for path in written:
        runner.say(f"written: {path}")
    runner.say(f"Go on with {folder / README}, which says what to click.")
    click.echo(to_json(InitRecord(wanted.way.name, written)))


def _ask(question: Question) -> str:
    """On standard error, so that standard output has the record alone."""
    for name, summary in question.choices:
        click.echo(f"  {name:12} {summary}", err=True)
    kind = click.Choice([name for name, _ in question.choices]) if question.choices else str
    answer = click.prompt(
        question.text,
        default=None if question.choices else question.default,
        show_default=bool(question.default),
        show_choices=False,
        prompt_suffix=" ",
        type=kind,
        err=True,
    )
    return str(answer).strip()


def _convert(folder: Path, options: dict[str, str | None]) -> None:
    given = [f"--{name.replace('_', '-')}" for name, value in options.items() if value]
    if given:
        raise InputError(f"{given[0]}: with `--convert` nothing is asked; leave the option out.")
    files = converted_files(folder)
    for file in files:
        Path(folder, file.report.path).write_bytes(file.text.encode())
    reports = tuple(file.report for file in files)
    runner = runner_of(os.environ)
    for line in _told(reports):
        runner.say(line)
    click.echo(to_json(ConvertRecord(reports)))


def _told(files: tuple[Report, ...]) -> Iterator[str]:
    for file in files:
        yield file.path
        for remark in file.changes:
            yield f"  line {remark.line}, changed: {remark.text}"
        for remark in file.notes:
            yield f"  line {remark.line}, for you to look at: {remark.text}"
    if not files:
        yield "No workflow uses repo2docker-action; nothing was changed."
    else:
        yield "Look at the changes with `git diff`, and commit them."
