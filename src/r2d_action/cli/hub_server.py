"""The commands that speak to a running hub."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import click
import requests

from r2d_action.cli.group import cli
from r2d_action.cli.talk import runner_of
from r2d_action.engine import docker_config
from r2d_action.environments import provide_extra
from r2d_action.errors import InputError, UserError
from r2d_action.hub import configurator
from r2d_action.hub.configurator import ConfiguratorChange
from r2d_action.hub.jupyterhub import Hub, HubAddress
from r2d_action.hub.options import read_options
from r2d_action.hub.rollback import NO_RECORD, roll_back
from r2d_action.inputs import Inputs, read_inputs
from r2d_action.outcome import from_json, to_json
from r2d_action.reference import Digest, InvalidReference, Reference, Repository, Tag
from r2d_action.registry.client import Client, RegistryError
from r2d_action.registry.keychain import credential_for
from r2d_action.registry.login import Login
from r2d_action.retry import Retry, Temporary
from r2d_action.runner import Runner

EXAMPLE = "0123456789ab"


@cli.command()
@click.argument("image")
def configure_hub(image: str) -> None:
    """Have the hub at R2D_HUB_URL start IMAGE from now on, through its configurator service.

    R2D_HUB_API_TOKEN is the token of an administrator of the hub. The record on standard
    output is what `r2d-action rollback-hub` takes.
    """
    wanted = _reference(image)
    if wanted.tag is None:
        raise InputError(f"{image} has no tag; write for example `{wanted.repository}:{EXAMPLE}`.")
    with _hub(os.environ) as (inputs, hub, runner):
        options = read_options(inputs.hub_verify_options)
        change = configurator.update(hub, wanted, options, runner.say)
        click.echo(to_json({configurator.SERVICE: change}))


@cli.command()
@click.argument("image")
def verify_hub(image: str) -> None:
    """Start a server with IMAGE (name:tag@digest) on the hub at R2D_HUB_URL, look, and stop it.

    R2D_HUB_API_TOKEN is the token of a service of the hub, which may do so for the user
    R2D_HUB_VERIFY_USER.
    """
    expected = _reference(image)
    with _hub(os.environ) as (inputs, hub, runner):
        provide_extra("hub", os.environ, runner.say)
        from r2d_action.hub.verify import (  # noqa: PLC0415 - a plain install lacks websockets
            Tools,
            Trial,
            verify,
        )

        trial = Trial(
            user=_required("HUB_VERIFY_USER", inputs.hub_verify_user, "image-check"),
            server=f"r2d-{secrets.token_hex(4)}",
            image=expected,
            options=read_options(inputs.hub_verify_options),
            command=inputs.hub_verify_command,
            timeout=inputs.hub_verify_timeout,
        )

        def digest_of(repository: Repository, tag: Tag) -> Digest | None:
            return _digest(repository, tag, hub.api.session, inputs, runner)

        tools = Tools(runner, time.monotonic, time.sleep, digest_of)
        click.echo(runner.redact(to_json(verify(hub, trial, tools))))


@cli.command()
@click.argument("record", type=click.File("r", encoding="utf-8"))
def rollback_hub(record: TextIO) -> None:
    """Undo the change of RECORD, which `configure-hub` printed ("-": standard input).

    R2D_HUB_URL and R2D_HUB_API_TOKEN are those of the change.
    """
    with _hub(os.environ) as (_, hub, runner):

        def by_configurator(part: str) -> ConfiguratorChange:
            return configurator.go_back(hub, _change(part), runner.say)

        click.echo(to_json(roll_back(record.read(), {configurator.SERVICE: by_configurator})))


@contextmanager
def _hub(env: Mapping[str, str]) -> Iterator[tuple[Inputs, Hub, Runner]]:
    inputs = read_inputs(env)
    runner = runner_of(env, inputs.secrets)
    for secret in inputs.secrets:
        runner.mask(secret)
    url = _required("HUB_URL", inputs.hub_url, "https://hub.example.org")
    token = _required("HUB_API_TOKEN", inputs.hub_api_token, "${{ secrets.HUB_API_TOKEN }}")
    with requests.Session() as session:
        retry = Retry(time.sleep, runner.say)
        yield inputs, Hub.of(HubAddress.parse(url), token, session, retry), runner


def _digest(
    repository: Repository, tag: Tag, session: requests.Session, inputs: Inputs, runner: Runner
) -> Digest | None:
    """What the registry has under the tag; None where it does not say, and that is said."""
    registry = repository.registry
    try:
        login = credential_for(registry, inputs, docker_config(os.environ, Path.cwd()))
        client = Client(session, registry, Login.of(login), Retry(time.sleep, runner.say, tries=2))
        return client.digest(repository, str(tag))
    except (RegistryError, Temporary, UserError) as trouble:
        runner.say(f"{registry} does not tell the digest of {repository}:{tag}: {trouble}")
        return None


def _required(name: str, value: str, example: str) -> str:
    if not value:
        raise InputError(f"{name} is missing; write for example `{name}: {example}`.")
    return value


def _reference(image: str) -> Reference:
    try:
        return Reference.parse(image)
    except InvalidReference as reason:
        raise InputError(f"{reason}; write for example `quay.io/org/image:{EXAMPLE}`.") from reason


def _change(part: str) -> ConfiguratorChange:
    try:
        return from_json(part, ConfiguratorChange)
    except Exception as error:  # cattrs raises groups of whatever its hooks raise
        raise InputError(NO_RECORD) from error
