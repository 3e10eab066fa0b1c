"""The command that asks a BinderHub for a build."""

from __future__ import annotations

import re

import click

from r2d_action.binder.binderhub import (
    BinderHub,
    BinderSource,
    PrebuildFailed,
    TriggerOutcome,
)
from r2d_action.cli.group import cli
from r2d_action.cli.site import site_of
from r2d_action.errors import InputError
from r2d_action.event import Event
from r2d_action.json_text import to_json
from r2d_action.stages.binder import ask_to_build

DEFAULT_BRANCH = "HEAD"


@cli.command()
@click.argument("repository", default="")
@click.option("--ref", default="", help="Branch, tag or commit; the default branch if left out.")
def prebuild(repository: str, ref: str) -> None:
    """Have the BinderHub at R2D_BINDERHUB_URL build REPOSITORY (owner/name at GitHub) now.

    Without REPOSITORY, the repository and the commit are those of the workflow's run.
    R2D_BINDERHUB_TOKEN is a token of the JupyterHub that the BinderHub belongs to, if it wants
    one. Ends with 0 when the image is there.
    """
    with site_of({}) as site:
        hub = BinderHub.at(site.inputs.binderhub_url, site.inputs.binderhub_token)
        source = _source(repository, ref, site.event)
        title = f"Ask {hub.name} to build {source.repository} at {source.short_ref}"
        with site.runner.group(title):
            result = ask_to_build(hub, source, site)
        click.echo(site.runner.redact(to_json(result)))
        if result.outcome is not TriggerOutcome.BUILT:
            raise PrebuildFailed(result.note)
        site.runner.say(result.note)


def _source(repository: str, ref: str, event: Event) -> BinderSource:
    if not repository and event.is_at_github:
        repository, ref = event.repository, ref or event.sha
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository, re.ASCII):
        raise InputError(
            f"{repository or 'nothing'!r} is not a repository at GitHub; write for example "
            "`r2d-action prebuild octo/course --ref main`."
        )
    return BinderSource(repository, ref or DEFAULT_BRANCH)
