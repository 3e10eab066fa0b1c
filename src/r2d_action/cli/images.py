"""The commands for several images in one repository, which the reusable workflow calls."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click

from r2d_action.cli.group import FOLDER, cli
from r2d_action.cli.site import site_of
from r2d_action.errors import InputError
from r2d_action.images.changes import changed_paths
from r2d_action.images.folders import folders_in
from r2d_action.images.levels import MOST_LEVELS, levels, touched, with_children
from r2d_action.images.names import images_of, only_image
from r2d_action.images.pins import pins_from
from r2d_action.images.records import read_records
from r2d_action.images.values import Image
from r2d_action.inputs import Inputs
from r2d_action.json_text import to_json
from r2d_action.plan.naming import repository_of
from r2d_action.reference import Repository
from r2d_action.stages.build import REPO2DOCKER_CONFIG
from r2d_action.stages.site import Site

WORKFLOWS = ".github/workflows/"


@dataclass(frozen=True, slots=True)
class Job:
    """One job of the matrix; ``parents`` are pairs, ``NAME_IN_DOCKERFILE=IMAGE``."""

    name: str
    subdir: str
    image_name: str
    parents: str


@cli.command()
@click.option(
    "--images",
    "globs",
    envvar="R2D_IMAGES",
    default="",
    help="Their folders, as globs. [those in images/ that have environment files]",
)
@click.option(
    "--only", envvar="R2D_ONLY_IMAGE", default="", help="One of them, and those built on it."
)
def images(globs: str, only: str) -> None:
    """List the images of this repository that are to be built now, in steps.

    Images of one step do not wait for one another. After a push and in a pull request, those
    are left out that have not changed. A repository without such folders is one image.
    """
    with site_of({}) as site:
        every = _images(globs.replace(",", " ").split(), site)
        levels(every)  # refuses a circle, whatever is built now
        found = [
            [_job(image) for image in level]
            for level in levels(_by_themselves(_chosen(every, only, site)))
        ]
        click.echo(to_json(found))
        _tell(found, site)
        site.runner.set_outputs({"CALL": _call(globs, site), **_levels(found)})


@cli.command("base-images")
@click.argument("records", type=FOLDER)
@click.option("--parents", envvar="R2D_PARENTS", required=True, help="Pairs, as `images` has them.")
def base_images(records: Path, parents: str) -> None:
    """Say which images just built stand in for those that a Dockerfile names (BASE_IMAGES)."""
    with site_of({}) as site:
        pairs = dict(pair.split("=", 1) for pair in parents.split())
        pins = tuple(pins_from(pairs, read_records(records)))
        for pin in pins:
            site.runner.say(pin)
        click.echo(to_json(pins))
        site.runner.set_outputs({"BASE_IMAGES": " ".join(pins)})


def _images(globs: Sequence[str], site: Site) -> tuple[Image, ...]:
    inputs = site.inputs
    # A SUBDIR has chosen already.
    folders = () if inputs.subdir and not globs else folders_in(site.event.workspace, globs)
    if not folders:
        return (only_image(inputs.subdir, inputs.image_name, _repository(inputs, site)),)
    return images_of(
        folders,
        inputs.image_name,
        lambda name: _repository(replace(inputs, image_name=name), site),
    )


def _repository(inputs: Inputs, site: Site) -> Repository:
    return repository_of(inputs, site.event, pushing=False, notes=[])


def _chosen(every: Sequence[Image], only: str, site: Site) -> tuple[Image, ...]:
    names = tuple(image.name for image in every)
    if only:
        if only not in names:
            raise InputError(
                f"ONLY_IMAGE: there is no image {only!r}; there are {', '.join(names)}."
            )
        return with_children([only], every)
    paths = changed_paths(site.event, site.git) if len(every) > 1 else None
    if paths is None:
        return tuple(every)
    shared = (REPO2DOCKER_CONFIG, WORKFLOWS, site.inputs.appendix_file)
    return with_children(touched(every, paths, [place for place in shared if place]), every)


def _by_themselves(chosen: Sequence[Image]) -> tuple[Image, ...]:
    """A parent that is not built now is waited for by nobody."""
    names = {image.name for image in chosen}
    return tuple(
        replace(
            image,
            parents={said: name for said, name in image.parents.items() if name in names},
        )
        for image in chosen
    )


def _job(image: Image) -> Job:
    parents = " ".join(f"{said}={name}" for said, name in image.parents.items())
    return Job(image.name, image.path, image.image_name, parents)


def _tell(found: Sequence[Sequence[Job]], site: Site) -> None:
    for number, level in enumerate(found, 1):
        site.runner.say(f"step {number}  {', '.join(job.name for job in level)}")
    if not found:
        site.runner.notice("Nothing was built: no image has changed.")


def _levels(found: Sequence[Sequence[Job]]) -> dict[str, str]:
    return {
        f"LEVEL_{number}": _matrix(found[number] if number < len(found) else ())
        for number in range(MOST_LEVELS)
    }


def _call(globs: str, site: Site) -> str:
    """A repository may call the workflow more than once, in one run as well."""
    workflow = site.env.get("GITHUB_WORKFLOW_REF", "").partition("@")[0]
    parts = (workflow, globs, site.inputs.image_name, site.inputs.subdir)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def _matrix(jobs: Sequence[Job]) -> str:
    return json.dumps([asdict(job) for job in jobs])
