"""The commands that tell what is installed in an image."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from r2d_action.cli.group import FOLDER, cli, read_reference
from r2d_action.cli.site import site_of
from r2d_action.environments import provide_extra
from r2d_action.json_text import to_json
from r2d_action.packages.asked import asked_for
from r2d_action.packages.difference import difference
from r2d_action.packages.hashes import Hashes
from r2d_action.packages.lookup import Lookup
from r2d_action.packages.words import in_a_line, told
from r2d_action.packages.writing import write_locks
from r2d_action.reference import Registry
from r2d_action.stages.clients import keychain_of
from r2d_action.stages.site import Site


@cli.command()
@click.argument("image")
def packages(image: str) -> None:
    """List what conda, pip, R and apt installed in IMAGE.

    It may be in the engine of this machine or in a registry. An image that was published with
    its list is not pulled.
    """
    reference = read_reference(image)
    with _lookup(reference.repository.registry) as (lookup, _):
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
    before, after = read_reference(old), read_reference(new)
    with _lookup(after.repository.registry) as (lookup, site):
        found = difference(lookup(before), lookup(after))
        click.echo(to_json(found))
        site.runner.say(in_a_line(found))
        site.runner.summarize(told(found, asked_for(path), since=str(before)))


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
    reference = read_reference(image)
    with _lookup(reference.repository.registry) as (lookup, site):
        installed = lookup(reference)
        digests = _hashes(site) if hashes else None
        click.echo(to_json([str(path) for path in write_locks(installed, output, digests)]))


def _hashes(site: Site) -> Hashes:
    provide_extra("lock", site.env, site.runner.say)
    from uv import find_uv_bin  # noqa: PLC0415 - a plain install has none

    return Hashes((find_uv_bin(),), site.env)


@contextmanager
def _lookup(own: Registry) -> Iterator[tuple[Lookup, Site]]:
    """``own`` is the registry that the password of the inputs is for."""
    with site_of({}) as site:
        client = keychain_of(own, site).client
        yield Lookup(lambda: site.engine, client, site.runner.say), site
