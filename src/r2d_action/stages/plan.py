"""Read the checkout, decide everything, refuse what cannot work."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from r2d_action.binder.binderhub import BinderHub
from r2d_action.binder.destination import Destination, find_destination, require_push
from r2d_action.binder.folder import require_usable
from r2d_action.binder.whole_checkout import require_whole_checkout
from r2d_action.context import Context, read_appendix
from r2d_action.key import NoKey
from r2d_action.key.material import checks_of
from r2d_action.outcome import Outcome
from r2d_action.plan import Plan, make_plan
from r2d_action.plan.repo2docker import CHECKS, FILES
from r2d_action.stages.hub import require_way_in
from r2d_action.stages.site import Site
from r2d_action.workflow_files import unknown_inputs_in


def planned(outcome: Outcome, site: Site, *, publishing: bool = True) -> Outcome:
    """``publishing`` is false where this run ends before the image is pushed."""
    context = site.context
    plan = make_plan(
        site.inputs,
        site.event,
        context,
        appendix=read_appendix(site.event.workspace, site.inputs.appendix_file),
        commit=site.git.head,
        now=site.now,
        publishing=publishing,
    )
    plan = plan if plan.skip else _with_content(plan, context, site)
    if plan.binder.cache and plan.push:
        _require_binder_cache_possible(site)
    if plan.hub.repository:
        require_way_in(site)
    if plan.binder.hub_url:
        BinderHub.at(plan.binder.hub_url, site.inputs.binderhub_token)
    if plan.binder.name and (note := require_whole_checkout(site.git, context.files)):
        plan = replace(plan, notes=(*plan.notes, note))
    _say_what_happens(plan, context, site, publishing=publishing)
    return replace(outcome, plan=plan)


def _with_content(plan: Plan, context: Context, site: Site) -> Plan:
    """The image says what it was made of, and what it has passed: it is pushed after that, or not
    at all."""
    labels = [(CHECKS, checks_of(plan.check, context, site.event.workspace))]
    with suppress(NoKey):
        labels.append((FILES, site.files))
    return replace(plan, build=replace(plan.build, labels=(*plan.build.labels, *labels)))


def _require_binder_cache_possible(site: Site) -> None:
    if warning := require_usable(site.git):
        site.runner.warning(warning)
    require_push(site.git, destination_of(site))


def destination_of(site: Site) -> Destination:
    return find_destination(site.git, site.event, no_git_push=site.inputs.no_git_push)


def _say_what_happens(plan: Plan, context: Context, site: Site, *, publishing: bool) -> None:
    runner = site.runner
    for unknown in unknown_inputs_in(site.event.workspace):
        runner.warning(unknown.advice, place=unknown.place)
    for note in plan.notes:
        runner.notice(note)
    for left_out in context.left_out:
        runner.warning(
            f"{left_out.path} holds {left_out.holds}; it is left out of the image. "
            f"{left_out.advice}"
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
