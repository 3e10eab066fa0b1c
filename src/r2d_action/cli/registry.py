"""The commands that speak to a registry alone."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from r2d_action.cli.group import cli
from r2d_action.cli.talk import runner_of
from r2d_action.engine import docker_config
from r2d_action.errors import InputError
from r2d_action.inputs import read_inputs
from r2d_action.outcome import to_json
from r2d_action.reference import InvalidReference, Reference, Tag
from r2d_action.registry.client import Client
from r2d_action.registry.keychain import credential_for
from r2d_action.registry.login import Login
from r2d_action.registry.transport import new_session
from r2d_action.retag import retag as retagged
from r2d_action.retry import Retry


@cli.command()
@click.argument("image")
@click.argument("tags", metavar="TAG...", nargs=-1, required=True)
def retag(image: str, tags: tuple[str, ...]) -> None:
    """Give IMAGE, which its registry has already, further tags. Nothing is built or pulled.

    The account is that of R2D_DOCKER_USERNAME and R2D_DOCKER_PASSWORD, or the login that
    docker has on this machine.
    """
    inputs = read_inputs(os.environ)
    runner = runner_of(os.environ, inputs.secrets)
    try:
        reference, names = Reference.parse(image), tuple(Tag(tag) for tag in tags)
    except InvalidReference as reason:
        raise InputError(
            f"{reason}; write for example `r2d-action retag quay.io/org/image:0123456789ab v1`."
        ) from reason
    registry = reference.repository.registry
    login = credential_for(registry, inputs, docker_config(os.environ, Path.cwd()))
    with new_session(os.environ) as session:
        client = Client(session, registry, Login.of(login), Retry(time.sleep, runner.say))
        click.echo(to_json(retagged(reference, names, client)))
