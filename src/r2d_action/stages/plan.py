"""First stage: read the checkout, decide everything, refuse what cannot work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from r2d_action.binder.destination import Destination, find_destination, require_push
from r2d_action.binder.folder import require_usable
from r2d_action.context import Context, LeftOut, build_root, read_appendix, read_context
from r2d_action.engine import docker_config
from r2d_action.outcome import Outcome
from r2d_action.plan import Plan, make_plan
from r2d_action.plan.repo2docker import subdir_of
from r2d_action.stages.site import Site
from r2d_action.workflow_files import unknown_inputs_in


def planned(outcome: Outcome, site: Site, *, publishing: bool = True) -> Outcome:
    """``publishing`` is false where this run ends before the image is pushed."""
    context = context_of(site)
    plan = make_plan(
        site.inputs,
        site.event,
        context,
        appendix=read_appendix(site.event.workspace, site.inputs.appendix_file),
        commit=site.git.head,
        now=site.now,
        publishing=publishing,
    )
    if plan.binder.cache:
        _require_binder_cache_possible(site)
    _say_what_happens(plan, context, site, publishing=publishing)
    return replace(outcome, plan=plan)


def _require_binder_cache_possible(site: Site) -> None:
    if warning := require_usable(site.git):
        site.runner.warning(warning)
    require_push(site.git, destination_of(site))


def destination_of(site: Site) -> Destination:
    return find_destination(site.git, site.event, no_git_push=site.inputs.no_git_push)


def build_root_of(site: Site) -> Path:
    return build_root(site.event.workspace, subdir_of(site.inputs))


def context_of(site: Site) -> Context:
    inputs = site.inputs
    return read_context(
        build_root_of(site),
        keep_git=inputs.keep_git,
        private=private_paths(site.env, site.event.workspace),
        # Left by an earlier run, it would make this build a copy of the image that it names.
        without=("binder",) if inputs.binder_cache else (),
    )


# Variables that name a file with a credential in it, and what that is.
_CREDENTIAL_VARIABLES = {
    "GOOGLE_APPLICATION_CREDENTIALS": "a login to Google Cloud",
    "GOOGLE_GHA_CREDS_PATH": "a login to Google Cloud",
    "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE": "a login to Google Cloud",
    "AWS_SHARED_CREDENTIALS_FILE": "access keys of Amazon",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "a token for Amazon",
    "AZURE_CONFIG_DIR": "a login to Azure",
    "KUBECONFIG": "a login to a cluster",
    "NETRC": "passwords",
    "REGISTRY_AUTH_FILE": "logins to registries",
    "RUNNER_TEMP": "files of the runner itself",
}


def private_paths(env: Mapping[str, str], workspace: Path) -> dict[Path, str]:
    """Absolute paths that must not enter an image, and what each holds."""
    named = {
        workspace / env[name]: holds
        for name, holds in _CREDENTIAL_VARIABLES.items()
        if env.get(name)
    }
    config = docker_config(env, workspace)
    docker_files = {config / "config.json": "the login of docker"}
    # The folder as well, with docker's state, unless it is the checkout itself.
    if not workspace.is_relative_to(config):
        docker_files[config] = "the login of docker"
    return {**named, **docker_files}


def _advice(left_out: LeftOut) -> str:
    if "$HOME" in left_out.path.split("/"):
        return (
            "The job's `env` sets a variable to a path with `$HOME`, which GitHub does not expand; "
            "remove DOCKER_CONFIG there."
        )
    return "Keep credentials in a folder outside the workspace."


def _say_what_happens(plan: Plan, context: Context, site: Site, *, publishing: bool) -> None:
    runner = site.runner
    for unknown in unknown_inputs_in(site.event.workspace):
        runner.warning(unknown.advice, place=unknown.place)
    for note in plan.notes:
        runner.notice(note)
    for left_out in context.left_out:
        runner.warning(
            f"{left_out.path} holds {left_out.holds}; it is left out of the image. "
            f"{_advice(left_out)}"
        )
    if plan.skip:
        runner.notice(plan.skip)
        return
    runner.say(f"image   {plan.commit_reference}")
    runner.say(f"tags    {', '.join(str(one.tag) for one in plan.tags)}")
    pushes = "yes" if publishing else "not by this command"
    runner.say(f"push    {plan.why_no_push or pushes}")
    runner.say(f"from    {', '.join(context.environment_files) or 'no environment files'}")
    if not context.environment_files:
        runner.warning(
            "No environment file was found, so repo2docker builds its default Python environment "
            "with these files in it; add an environment.yml, requirements.txt or Dockerfile."
        )
