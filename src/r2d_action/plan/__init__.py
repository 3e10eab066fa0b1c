"""What will happen, and why: a pure value made from the inputs, the event and the context.

Everything that can be refused is refused here, before any work is done.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from r2d_action.context import Context
from r2d_action.errors import InputError
from r2d_action.event import Event
from r2d_action.inputs import Inputs
from r2d_action.key import digits_of
from r2d_action.plan.binderhub import binderhub_reference, departures, require_binderhub_build
from r2d_action.plan.hub_options import read_options
from r2d_action.plan.naming import further_repositories, repository_of
from r2d_action.plan.repo2docker import (
    ASKED,
    extra_args_of,
    extra_packages_of,
    labels_of,
    repo_dir_of,
    requirement_of,
    subdir_of,
    user_name_of,
)
from r2d_action.plan.tagging import cache_branches, is_before_merge, kind, planned_tags
from r2d_action.plan.values import (
    BinderPlan,
    BuildPlan,
    CheckPlan,
    HubPlan,
    Origin,
    Plan,
    PlannedTag,
)

__all__ = ["BinderPlan", "BuildPlan", "CheckPlan", "Plan", "PlannedTag", "make_plan"]


def make_plan(
    inputs: Inputs,
    event: Event,
    context: Context,
    *,
    appendix: str,
    commit: str,
    now: datetime,
    publishing: bool,
) -> Plan:
    """``appendix`` is the text of APPENDIX_FILE; ``commit`` is what is checked out, 40
    digits, or empty outside of git. ``publishing`` is false where a later command may do so.

    Raises :class:`InputError`.
    """
    notes: list[str] = []
    why_no_push = _why_no_push(inputs, event)
    skip = _why_skip(inputs, event, context)
    _require_no_contradiction(inputs)
    pushing = publishing and not why_no_push and not skip
    repository = repository_of(inputs, event, pushing=pushing, notes=notes)
    copies = tuple(further_repositories(inputs, repository, notes))
    return Plan(
        skip=skip,
        repository=repository,
        commit=commit,
        time=now,
        tags=tuple(planned_tags(inputs, event, commit=commit, now=now, notes=notes)),
        copies=copies,
        why_no_push=why_no_push,
        reuse=_may_reuse(inputs, event),
        key_tags=inputs.reuse != "false",
        cache_branches=cache_branches(event) if inputs.cache else (),
        public_check=inputs.public_registry_check,
        origin=_origin(event, commit),
        hub=HubPlan(
            repository=_hub_repository(inputs, event, pushing=pushing, notes=notes),
            url=inputs.hub_url,
            options=tuple(read_options(inputs.hub_verify_options).items()),
        ),
        build=_build_plan(inputs, event, appendix=appendix, commit=commit, now=now),
        packages=inputs.packages,
        check=CheckPlan(hub_start=inputs.hub_start_check, timeout=inputs.check_timeout),
        binder=_binder_plan(inputs, event, commit=commit, pushing=pushing, notes=notes),
        notes=tuple(notes),
    )


def _build_plan(
    inputs: Inputs, event: Event, *, appendix: str, commit: str, now: datetime
) -> BuildPlan:
    user_name = user_name_of(inputs)
    plan = BuildPlan(
        user_name=user_name,
        repo_dir=repo_dir_of(inputs, user_name),
        appendix=appendix,
        appendix_file=inputs.appendix_file,
        extra_args=extra_args_of(inputs),
        requirement=requirement_of(inputs),
        extra_packages=extra_packages_of(inputs),
        labels=tuple(labels_of(event, commit=commit, now=now)),
        builder=inputs.builder,
        fresh=_refreshes(inputs, event),
    )
    return replace(plan, labels=(*plan.labels, (ASKED, _asked(plan, inputs))))


def _asked(plan: BuildPlan, inputs: Inputs) -> str:
    """A digest of all that the inputs say of the build: equal where two runs of one commit ask for
    the same image, whatever is in its base images by then."""
    said = (
        *(subdir_of(inputs), plan.user_name, plan.repo_dir, plan.appendix),
        *(plan.extra_args, plan.requirement, plan.extra_packages, inputs.base_images),
    )
    return digits_of(said)


def _origin(event: Event, commit: str) -> Origin:
    at_home = bool(event.repository and commit)
    return Origin(
        repository=event.repository if event.is_at_github else "",
        commit_url=f"{event.repository_url}/commit/{commit}" if at_home else "",
        run_url=event.run_url,
    )


def _hub_repository(inputs: Inputs, event: Event, *, pushing: bool, notes: list[str]) -> str:
    if not inputs.hub_repo or not pushing:
        return ""
    if is_before_merge(event):
        notes.append(
            f"{inputs.hub_repo} stays as it is: this is {kind(event)}. Its image is pushed, to be "
            "tried; the hub's configuration gets it when the change is merged."
        )
        return ""
    return inputs.hub_repo


def _binder_plan(
    inputs: Inputs, event: Event, *, commit: str, pushing: bool, notes: list[str]
) -> BinderPlan:
    name = None
    if inputs.binderhub_image_prefix and pushing:
        require_binderhub_build(inputs)
        notes.extend(departures(inputs))
        name = binderhub_reference(inputs.binderhub_image_prefix, event.repository, commit)
    return BinderPlan(
        hub_url=inputs.binderhub_url,
        name=name,
        cache=inputs.binder_cache,
        message=inputs.commit_msg,
        no_git_push=inputs.no_git_push,
        mybinder_ref=inputs.mybinderorg_tag,
    )


def _require_no_contradiction(inputs: Inputs) -> None:
    if inputs.binder_cache and inputs.no_push:
        raise InputError(
            "BINDER_CACHE: Binder can only pull an image that was pushed, and NO_PUSH is true; "
            "remove `NO_PUSH` or remove `BINDER_CACHE`."
        )


# Runs that exist to get new packages: by hand, and by the clock.
_REFRESHING = frozenset({"workflow_dispatch", "schedule"})


def _may_reuse(inputs: Inputs, event: Event) -> bool:
    return inputs.reuse == "true" or (inputs.reuse == "auto" and not _refreshes(inputs, event))


def _refreshes(inputs: Inputs, event: Event) -> bool:
    return inputs.reuse != "true" and event.name in _REFRESHING


def _why_skip(inputs: Inputs, event: Event, context: Context) -> str:
    if not context.is_empty:
        return ""
    if (inputs.mybinderorg_tag or inputs.binderhub_url) and not inputs.binder_cache:
        return (
            "The workspace is empty (the job has no actions/checkout step), so there is nothing "
            "to build here; Binder is asked to build by itself."
        )
    if not event.name:
        raise InputError(f"There are no files to build in {context.root}; name another folder.")
    # An input that is empty is one that nobody wrote: which it is, the workflow alone knows.
    if inputs.no_push:
        raise InputError(
            "There are no files to build in the workspace, and MYBINDERORG_TAG is empty in this "
            f"run, whose event is `{event.name}`; if Binder alone is to be asked, write for "
            "example `MYBINDERORG_TAG: ${{ github.ref_name }}`, and otherwise add the step "
            "`uses: actions/checkout@v7` before this one."
        )
    raise InputError(
        "There are no files to build in the workspace; add the step `uses: actions/checkout@v7` "
        "before this one, and check SUBDIR if you use it."
    )


def _why_no_push(inputs: Inputs, event: Event) -> str:
    if inputs.no_push:
        return "NO_PUSH is true."
    if event.is_fork_pull_request:
        # Even where a password is at hand: GITHUB_TOKEN cannot write here, and a real one must
        # not publish what nobody has reviewed.
        return (
            "This pull request comes from a fork, and nothing is published from there. The image "
            "is built and tested here; it is pushed by the run for the branch that the pull "
            "request is merged into."
        )
    if event.is_dependabot and not inputs.docker_password:
        return (
            "Dependabot started this run, and GitHub gives it no secrets. The image is built and "
            "tested here; it is pushed once the change is merged."
        )
    return ""
