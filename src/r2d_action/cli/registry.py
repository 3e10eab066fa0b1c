"""The commands that speak to a registry alone."""

from __future__ import annotations

from collections.abc import Iterator

import click

from r2d_action.cli.group import cli, input_options
from r2d_action.cli.site import site_of
from r2d_action.errors import InputError, LoginFailed
from r2d_action.json_text import to_json
from r2d_action.plan.naming import further_repositories, repository_of
from r2d_action.reference import InvalidReference, Reference, Repository, Tag
from r2d_action.registry.rights import Rights, rights
from r2d_action.retag import retag as retagged
from r2d_action.stages.clients import keychain_of, nobody
from r2d_action.stages.site import Site


@cli.command()
@click.argument("image")
@click.argument("tags", metavar="TAG...", nargs=-1, required=True)
def retag(image: str, tags: tuple[str, ...]) -> None:
    """Give IMAGE, which its registry has already, further tags. Nothing is built or pulled.

    The account is that of R2D_DOCKER_USERNAME and R2D_DOCKER_PASSWORD, or whatever else
    `login --check` finds for the registry.
    """
    try:
        reference, names = Reference.parse(image), tuple(Tag(tag) for tag in tags)
    except InvalidReference as reason:
        raise InputError(
            f"{reason}; write for example `r2d-action retag quay.io/org/image:0123456789ab v1`."
        ) from reason
    registry = reference.repository.registry
    with site_of({}) as site:
        client = keychain_of(registry, site).client(registry)
        click.echo(to_json(retagged(reference, names, client)))


@cli.command()
@click.option("--check", is_flag=True, required=True, help="The only thing that it does.")
@input_options
def login(check: bool, **options: str | None) -> None:  # noqa: ARG001
    """Say what `run` would log in with, and what that may do. No login is kept.

    The repositories are those of IMAGE_NAME and PUSH_TO. Ends with 6 unless all may be pushed to.
    """
    with site_of(options) as site:
        notes: list[str] = []
        first = repository_of(site.inputs, site.event, pushing=True, notes=notes)
        repositories = (first, *further_repositories(site.inputs, first, notes))
        found = tuple(_told(repositories, site))
        click.echo(site.runner.redact(to_json(found)))
        refused = [str(one.repository) for one in found if not one.push.granted]
    if refused:
        raise LoginFailed(f"A run could not push to {', '.join(refused)}; the reasons are above.")


def _told(repositories: tuple[Repository, ...], site: Site) -> Iterator[Rights]:
    keychain = keychain_of(repositories[0].registry, site)
    for repository in repositories:
        found = rights(repository, keychain, nobody(repository.registry, site))
        for line in found.lines():
            site.runner.say(line)
        yield found


def tell_rights(image: str) -> None:
    """The screen of `r2d-action doctor --registry`."""
    try:
        repository = Reference.parse(image).repository
    except InvalidReference as reason:
        raise InputError(
            f"--registry: {reason}; write for example `--registry quay.io/org/image`."
        ) from reason
    with site_of({}) as site:
        found = tuple(_told((repository,), site))
        click.echo(site.runner.redact(to_json(found)))
