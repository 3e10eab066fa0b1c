"""The commands that tell what is installed in an image."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import click

from r2d_action.cli.group import FOLDER, cli
from r2d_action.cli.talk import runner_of
from r2d_action.engine import connect, docker_config
from r2d_action.environments import provide_extra
from r2d_action.errors import InputError
from r2d_action.inputs import ENV_PREFIX, read_inputs
from r2d_action.outcome import to_json
from r2d_action.packages.asked import asked_for
from r2d_action.packages.difference import difference
from r2d_action.packages.hashes import Hashes
from r2d_action.packages.lookup import Lookup
from r2d_action.packages.words import in_a_line, told
from r2d_action.packages.writing import write_locks
from r2d_action.reference import InvalidReference, Reference, Registry
from r2d_action.registry.client import Client
from r2d_action.registry.keychain import credential_for
from r2d_action.registry.login import Login
from r2d_action.registry.transport import new_session
from r2d_action.retry import Retry
from r2d_action.runner import Runner


@cli.command()
@click.argument("image")
def packages(image: str) -> None:
    """List what conda, pip, R and apt installed in IMAGE.

    It may be in the engine of this machine or in a registry. An image that was published with
    its list is not pulled.
    """
    reference = _reference(image)
    with _lookup(os.environ, reference.repository.registry) as (lookup, _):
        click.echo(to_json(lookup(reference)))


@cli.command()
@click.argument("old")
@click.argument("new")
@click.option(
    "--path",
    default=".",
    type=FOLDER,
    help="A checkout; packages that its files name are told of first.",
)
def compare_packages(old: str, new: str, path: Path) -> None:
    """Say which packages are new, gone, newer or older in the image NEW, compared with OLD.

    R2D_DOCKER_USERNAME and R2D_DOCKER_PASSWORD are for the registry of NEW.
    """
    before, after = _reference(old), _reference(new)
    with _lookup(os.environ, after.repository.registry) as (lookup, runner):
        found = difference(lookup(before), lookup(after))
        click.echo(to_json(found))
        runner.say(in_a_line(found))
        runner.summarize(told(found, asked_for(path), since=str(before)))


@cli.command()
@click.argument("image")
@click.option(
    "--output",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder to write to.",
)
@click.option("--hashes/--no-hashes", default=True, help="Ask the index for digests of pip's.")
def lock(image: str, output: Path, hashes: bool) -> None:
    """Write files that name exactly what IMAGE has, so that it can be built again.

    There is a folder for each environment of the image. The digests of Python packages come from
    the index that uv is set up for.
    """
    reference = _reference(image)
    with _lookup(os.environ, reference.repository.registry) as (lookup, runner):
        installed = lookup(reference)
        digests = _hashes(os.environ, runner) if hashes else None
        click.echo(to_json([str(path) for path in write_locks(installed, output, digests)]))


def _hashes(env: Mapping[str, str], runner: Runner) -> Hashes:
    provide_extra("lock", env, runner.say)
    from uv import find_uv_bin  # noqa: PLC0415 - a plain install has none

    # Passwords for registries are nothing to uv.
    kept = {name: value for name, value in env.items() if not name.startswith(ENV_PREFIX)}
    return Hashes((find_uv_bin(),), kept)


@contextmanager
def _lookup(env: Mapping[str, str], own: Registry) -> Iterator[tuple[Lookup, Runner]]:
    """``own`` is the registry that the password of the inputs is for."""
    inputs = read_inputs(env)
    runner = runner_of(env, inputs.secrets)
    config = docker_config(env, Path.cwd())
    strangers = read_inputs({})
    with new_session(env) as session:

        def client(registry: Registry) -> Client:
            known = inputs if registry == own else strangers
            login = Login(lambda: credential_for(registry, known, config))
            return Client(session, registry, login, Retry(time.sleep, runner.say))

        engine = cache(lambda: connect(env, Path.cwd()))
        yield Lookup(engine, client, runner.say), runner


def _reference(image: str) -> Reference:
    try:
        return Reference.parse(image)
    except InvalidReference as reason:
        raise InputError(
            f"{reason}; write for example `quay.io/org/image:0123456789ab`."
        ) from reason
