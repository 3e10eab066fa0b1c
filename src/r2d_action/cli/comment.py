"""The command that ends a run of the reusable workflow: one page for all images."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import click
import requests

from r2d_action.cli.group import cli
from r2d_action.cli.site import site_of
from r2d_action.comment import NotAllowed, PullRequest
from r2d_action.errors import InputError
from r2d_action.event import api_url
from r2d_action.images.levels import MOST_LEVELS
from r2d_action.images.records import Record, read_records
from r2d_action.report.comment import AtTheHub, page
from r2d_action.retry import Temporary
from r2d_action.stages.site import Site


@cli.command()
@click.argument("records", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--found", envvar="R2D_FOUND", required=True, help="The outputs of `images`, as JSON."
)
@click.option(
    "--hub", envvar="R2D_HUB", default="", help="The output of `update-hub --records`, as JSON."
)
def comment(records: Path, found: str, hub: str) -> None:
    """Put together what became of all images: for the summary, and as a comment.

    The comment is made in a pull request of this repository, and kept current by later runs.
    R2D_GITHUB_TOKEN has to have the permission `pull-requests: write` for it.
    """
    with site_of({}) as site:
        key, names = _read(found)
        left = read_records(records)
        text = page(names, left, site.event.run_url, _at_the_hub(hub))
        click.echo(text)
        site.runner.summarize(text)
        site.runner.set_outputs(_outputs(left))
        if site.event.pull_request and not site.event.is_fork_pull_request:
            _comment(site, text, key, anew=bool(names))


def _read(outputs: str) -> tuple[str, tuple[str, ...]]:
    """The key of the comment, and the names of the images."""
    try:
        found: Mapping[str, str] = json.loads(outputs)
        entries = [json.loads(found[f"LEVEL_{number}"]) for number in range(MOST_LEVELS)]
        return found["CALL"], tuple(entry["name"] for level in entries for entry in level)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError("--found is not what `r2d-action images` puts out.") from error


def _at_the_hub(proposals: str) -> dict[str, AtTheHub]:
    """Of a job that was left out, there is nothing."""
    try:
        found: Mapping[str, Mapping[str, str]] = json.loads(proposals or "{}")
        return {name: AtTheHub(one["status"], one["url"]) for name, one in found.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError("--hub is not what `r2d-action update-hub` puts out.") from error


def _outputs(records: Mapping[str, Record]) -> dict[str, str]:
    """What later jobs bring to a hub: the images that were published."""
    published = {
        name: record.outputs["IMAGE_REFERENCE"]
        for name, record in records.items()
        if record.result == "success" and record.digest
    }
    only = next(iter(published.values())) if len(published) == 1 else ""
    return {"IMAGES": json.dumps(published), "IMAGE_REFERENCE": only}


def _comment(site: Site, text: str, key: str, *, anew: bool) -> None:
    if not site.inputs.github_token:
        return
    event = site.event
    pull_request = PullRequest(
        address=f"{api_url(site.env)}/repos/{event.repository}",
        number=event.pull_request or 0,
        token=site.inputs.github_token,
        session=site.session,
        retry=site.retry,
    )
    try:
        address = pull_request.tell(text, key, anew=anew)
        site.runner.say(f"comment {address or 'none'}")
    except NotAllowed:
        site.runner.notice(
            "There is no comment in the pull request: the job may not write one. The same is on "
            "this page; for a comment, the job that calls the workflow needs "
            "`permissions: pull-requests: write`."
        )
    except (Temporary, requests.RequestException) as trouble:
        # Images are there or not whether anybody is told of it here.
        site.runner.warning(f"The comment in the pull request is as it was: {trouble}.")
