"""The command that brings a new image into a hub's configuration."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from r2d_action.cli.group import FOLDER, cli
from r2d_action.cli.site import site_of
from r2d_action.cli.talk import runner_of, tell
from r2d_action.errors import HubFailed, InputError
from r2d_action.hub.edit import accepted, edit
from r2d_action.hub.files import look_at
from r2d_action.hub.selector import InvalidSelector, Selector, parse_selector
from r2d_action.hub.values import Candidate, Edited, NewImage
from r2d_action.images.records import read_handed_over
from r2d_action.json_text import to_json
from r2d_action.outcome import Outcome
from r2d_action.reference import Digest, InvalidReference, Repository, Tag
from r2d_action.runner import Runner
from r2d_action.stages.hub import ROAD, ProposedImage, new_image, propose_image, proposed
from r2d_action.stages.site import Site
from r2d_action.walk import walk


@dataclass(frozen=True, slots=True)
class ChangeRecord:
    file: str
    place: str
    old: str
    new: str
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CandidateRecord:
    """``place`` is the selector to paste."""

    file: str
    place: str
    old: str


@dataclass(frozen=True, slots=True)
class RefusalRecord:
    reason: str
    candidates: tuple[CandidateRecord, ...]


@dataclass(frozen=True, slots=True)
class NoteRecord:
    file: str
    note: str


@dataclass(frozen=True, slots=True)
class UpdateRecord:
    """What is printed on standard output."""

    image: str
    tag: str
    changes: tuple[ChangeRecord, ...]
    refusals: tuple[RefusalRecord, ...]
    notes: tuple[NoteRecord, ...]


@cli.command("update-hub")
@click.option(
    "--directory",
    type=FOLDER,
    help="A checkout of the hub's repository. [a pull request in R2D_HUB_REPO]",
)
@click.option(
    "--records",
    type=click.Path(file_okay=False, path_type=Path),
    help="In place of --image and --tag: what the jobs of build-image.yml have left.",
)
@click.option("--image", default="", help="The image's name, without a tag.")
@click.option("--tag", default="", help="The tag that the hub is to run.")
@click.option("--digest", default="", help="Its digest, for places that pin one.")
@click.option(
    "--files", "globs", multiple=True, metavar="GLOB", help="Files to look at. [all YAML]"
)
@click.option("--select", "selectors", multiple=True, metavar="SELECTOR", help="Places to change.")
def update_hub(
    directory: Path | None,
    records: Path | None,
    image: str,
    tag: str,
    digest: str,
    globs: tuple[str, ...],
    selectors: tuple[str, ...],
) -> None:
    """Put a new tag into the files of a hub's configuration, and change nothing else in them.

    With --directory the files there are edited; nothing is written when anything is refused.
    Without, the change is proposed as a pull request in R2D_HUB_REPO, to which R2D_HUB_TOKEN (or
    R2D_HUB_APP_ID and R2D_HUB_APP_PRIVATE_KEY) is the way in; the other R2D_HUB_* variables hold
    as in a workflow. What was changed or proposed, or the refusals with the places to choose
    from, is printed as JSON.

    With --records the same happens for each image that was published in this run of the workflow.
    """
    if records is not None:
        if directory or image or tag or digest or globs or selectors:
            raise InputError("--records says which images there are; leave out what else says so.")
        _propose_all(records)
        return
    new = _new_image(image, tag, digest)
    chosen = tuple(map(_selector, selectors))
    if directory is None:
        _propose(new, globs, selectors)
    else:
        _edit(directory, new, globs, chosen)


def _propose_all(records: Path) -> None:
    """An image that is refused does not hold up the others."""
    with site_of({}) as site:
        done = {
            name: walk((proposed,), site, outcome)
            for name, outcome in read_handed_over(records).items()
        }
        if not done:
            site.runner.say("no image is new to the hub")
        click.echo(site.runner.redact(to_json(_proposals(done, site))))
        site.runner.set_outputs({"PROPOSALS": json.dumps(_statuses(done))})
        failures = [outcome.failure for outcome in done.values() if outcome.failure]
        for failure in failures:
            tell(failure, site.runner)
    if failures:
        sys.exit(failures[0].exit_code)


def _proposals(done: Mapping[str, Outcome], site: Site) -> dict[str, dict[str, ProposedImage]]:
    """By the names of the images, what `rollback-hub` takes for each."""
    return {
        name: {
            ROAD: ProposedImage.of(
                new_image(outcome.plan, outcome.published), site.inputs, outcome.proposal
            )
        }
        for name, outcome in done.items()
        if outcome.plan and outcome.published and outcome.proposal
    }


def _statuses(done: Mapping[str, Outcome]) -> dict[str, dict[str, str]]:
    """For the page on which all images are."""
    return {
        name: {"status": outcome.proposal.status, "url": outcome.proposal.url}
        if outcome.proposal
        else {"status": "failed", "url": ""}
        for name, outcome in done.items()
    }


def _propose(new: NewImage, globs: tuple[str, ...], selectors: tuple[str, ...]) -> None:
    with site_of({}) as site:
        inputs = replace(
            site.inputs,
            hub_files=globs or site.inputs.hub_files,
            hub_select=selectors or site.inputs.hub_select,
        )
        if not inputs.hub_repo:
            raise InputError(
                "There is nothing to update; name a checkout with `--directory`, or the hub's "
                "repository in the variable R2D_HUB_REPO."
            )
        proposal = propose_image(inputs, new, site)
        click.echo(site.runner.redact(to_json({ROAD: ProposedImage.of(new, inputs, proposal)})))
        for line in (proposal.note, *proposal.notes):
            site.runner.say(line)


def _edit(
    directory: Path, new: NewImage, globs: tuple[str, ...], chosen: tuple[Selector, ...]
) -> None:
    paths = _paths(directory, globs)
    before = {path: Path(directory, path).read_bytes() for path in paths}
    edited = edit(before, new, chosen, files_were_named=bool(globs))
    for file in edited.changed:
        Path(directory, file.path).write_bytes(file.after)
    click.echo(to_json(_record(new, edited)))
    _tell(accepted(edited), new, runner_of(os.environ))


def _new_image(image: str, tag: str, digest: str) -> NewImage:
    if not image or not tag:
        raise InputError(
            "There is no image; write for example `--image quay.io/org/image --tag 0123456789ab`."
        )
    try:
        return NewImage(Repository.parse(image), Tag(tag), Digest(digest) if digest else None)
    except InvalidReference as reason:
        raise InputError(
            f"{reason}; write for example `--image quay.io/org/image --tag 0123456789ab`."
        ) from reason


def _selector(text: str) -> Selector:
    try:
        return parse_selector(text)
    except InvalidSelector as reason:
        raise InputError(f"--select {reason}.") from reason


def _paths(directory: Path, globs: Sequence[str]) -> tuple[str, ...]:
    looked = look_at(_files_below(directory), globs)
    if looked.unmatched:
        raise HubFailed(f"--files: no file in {directory} is named by {looked.unmatched[0]!r}.")
    return looked.paths


def _files_below(directory: Path) -> Iterator[str]:
    """Links are left alone: they may lead out of the checkout."""
    for folder, folders, names in os.walk(directory):
        folders[:] = [name for name in folders if name not in (".git", "node_modules")]
        for name in names:
            path = Path(folder, name)
            if path.is_file() and not path.is_symlink():
                yield path.relative_to(directory).as_posix()


def _record(new: NewImage, edited: Edited) -> UpdateRecord:
    return UpdateRecord(
        image=new.repository.name,
        tag=new.tag.name,
        changes=tuple(
            ChangeRecord(one.path, one.selector, one.old, one.new, one.aliases)
            for file in edited.files
            for one in file.changes
        ),
        refusals=tuple(
            RefusalRecord(refusal.what, tuple(map(_candidate, refusal.candidates)))
            for refusal in edited.refusals
        ),
        notes=tuple(NoteRecord(file.path, note) for file in edited.files for note in file.notes),
    )


def _candidate(one: Candidate) -> CandidateRecord:
    return CandidateRecord(one.path, one.selector, one.old)


def _tell(edited: Edited, new: NewImage, runner: Runner) -> None:
    for file in edited.files:
        for note in file.notes:
            runner.say(f"{file.path}, {note}")
    if not edited.names_image:
        runner.warning(
            f"No file that was looked at names {new.repository}; put it into the hub's "
            "configuration once by hand.",
            title="The hub does not name the image",
        )
    elif not edited.changed:
        runner.say(f"Nothing to do: the hub has {new.repository}:{new.tag} already.")
