"""The commands that speak to a running hub."""

from __future__ import annotations

import secrets
import time
from functools import partial
from typing import TextIO, TypeVar

import click

from r2d_action.cli.group import cli, read_reference
from r2d_action.cli.site import site_of
from r2d_action.environments import provide_extra
from r2d_action.errors import InputError, UserError
from r2d_action.hub import configurator
from r2d_action.hub.configurator import ConfiguratorChange
from r2d_action.hub.jupyterhub import Hub, HubAddress
from r2d_action.hub.rollback import NO_RECORD, Road, roll_back
from r2d_action.json_text import from_json, to_json
from r2d_action.plan.hub_options import read_options
from r2d_action.reference import Digest, Repository, Tag
from r2d_action.registry.client import RegistryError
from r2d_action.retry import Retry, Temporary
from r2d_action.stages.clients import keychain_of
from r2d_action.stages.hub import ROAD, ProposedImage, go_back
from r2d_action.stages.site import Site

Value = TypeVar("Value")


@cli.command()
@click.argument("image")
def configure_hub(image: str) -> None:
    """Have the hub at R2D_HUB_URL start IMAGE from now on, through its configurator service.

    R2D_HUB_API_TOKEN is the token of an administrator of the hub. The record on standard
    output is what `r2d-action rollback-hub` takes.
    """
    wanted = read_reference(image)
    if wanted.tag is None:
        raise InputError(
            f"{image} has no tag; write for example `{wanted.repository}:0123456789ab`."
        )
    with site_of({}) as site:
        options = read_options(site.inputs.hub_verify_options)
        change = configurator.update(_hub(site), wanted, options, site.runner.say)
        click.echo(to_json({configurator.SERVICE: change}))


@cli.command()
@click.argument("image")
def verify_hub(image: str) -> None:
    """Start a server with IMAGE (name:tag@digest) on the hub at R2D_HUB_URL, look, and stop it.

    R2D_HUB_API_TOKEN is the token of a service of the hub, which may do so for the user
    R2D_HUB_VERIFY_USER.
    """
    expected = read_reference(image)
    with site_of({}) as site:
        inputs, hub = site.inputs, _hub(site)
        provide_extra("hub", site.env, site.runner.say)
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

        tools = Tools(site.runner, time.monotonic, site.sleep, partial(_digest, site))
        click.echo(site.runner.redact(to_json(verify(hub, trial, tools))))


@cli.command()
@click.argument("record", type=click.File("r", encoding="utf-8"))
def rollback_hub(record: TextIO) -> None:
    """Undo the change of RECORD, which `update-hub` or `configure-hub` printed ("-": standard
    input). The variables R2D_HUB_* are those of the change.
    """
    with site_of({}) as site:
        roads: dict[str, Road] = {
            ROAD: lambda part: go_back(_part(part, ProposedImage), site),
            configurator.SERVICE: lambda part: _configured_back(part, site),
        }
        done = roll_back(record.read(), roads)
        click.echo(site.runner.redact(to_json(done)))


def _configured_back(part: str, site: Site) -> ConfiguratorChange:
    return configurator.go_back(_hub(site), _part(part, ConfiguratorChange), site.runner.say)


def _hub(site: Site) -> Hub:
    inputs = site.inputs
    url = _required("HUB_URL", inputs.hub_url, "https://hub.example.org")
    token = _required("HUB_API_TOKEN", inputs.hub_api_token, "${{ secrets.HUB_API_TOKEN }}")
    return Hub.of(HubAddress.parse(url), token, site.session, site.retry)


def _digest(site: Site, repository: Repository, tag: Tag) -> Digest | None:
    """What the registry has under the tag; None where it does not say, and that is said."""
    registry = repository.registry
    retry = Retry(site.sleep, site.runner.say, tries=2)
    try:
        return keychain_of(registry, site).client(registry, retry).digest(repository, str(tag))
    except (RegistryError, Temporary, UserError) as trouble:
        site.runner.say(f"{registry} does not tell the digest of {repository}:{tag}: {trouble}")
        return None


def _required(name: str, value: str, example: str) -> str:
    if not value:
        raise InputError(f"{name} is missing; write for example `{name}: {example}`.")
    return value


def _part(part: str, kind: type[Value]) -> Value:
    try:
        return from_json(part, kind)
    except Exception as error:  # cattrs raises groups of whatever its hooks raise
        raise InputError(NO_RECORD) from error
