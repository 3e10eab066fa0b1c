"""Binder learns of the image."""

from __future__ import annotations

import time
from dataclasses import replace

from r2d_action.binder.agreement import why_not_found
from r2d_action.binder.binderhub import (
    BinderHub,
    BinderSource,
    Prebuild,
    Triggered,
    TriggerOutcome,
)
from r2d_action.binder.cache import CacheCommit, CacheOutcome, CacheResult, commit_cache
from r2d_action.binder.mybinder import MYBINDER
from r2d_action.outcome import Outcome
from r2d_action.plan import Plan
from r2d_action.stages.plan import destination_of
from r2d_action.stages.site import Site


def bindered(outcome: Outcome, site: Site) -> Outcome:
    plan = outcome.plan
    if plan is None:
        return outcome
    if plan.binder.cache and outcome.published:
        outcome = replace(outcome, binder_cache=_cached(plan, site))
    if plan.binder.mybinder_ref and site.event.is_at_github:
        source = BinderSource(site.event.repository, plan.binder.mybinder_ref)
        outcome = replace(outcome, mybinder=_triggered(MYBINDER, source, site))
    if plan.binder.hub_url and site.event.is_at_github and (outcome.published or plan.skip):
        outcome = replace(outcome, prebuilt=_prebuilt(plan, site))
    return outcome


def _prebuilt(plan: Plan, site: Site) -> Triggered:
    hub = BinderHub.at(plan.binder.hub_url, site.inputs.binderhub_token)
    source = BinderSource(site.event.repository, plan.commit or site.event.sha)
    triggered = _triggered(hub, source, site)
    name = plan.binder.name
    if name and (why := why_not_found(triggered, name)):
        site.runner.warning(why, title=hub.name)
    return triggered


def _cached(plan: Plan, site: Site) -> CacheResult:
    wanted = CacheCommit(plan.commit_reference, plan.binder.message, destination_of(site))
    with site.runner.group("Update binder/Dockerfile"):
        result = commit_cache(site.git, wanted, retry=site.retry)
        tell = site.runner.warning if result.outcome is CacheOutcome.OVERTAKEN else site.runner.say
        tell(result.note)
    return result


def _triggered(hub: BinderHub, source: BinderSource, site: Site) -> Triggered:
    with site.runner.group(f"Ask {hub.name} to build {source.ref}"):
        triggered = ask_to_build(hub, source, site)
    if triggered.outcome in {TriggerOutcome.FAILED, TriggerOutcome.UNREACHABLE}:
        # Somebody else's service: it must not turn this run red.
        site.runner.warning(triggered.note, title=hub.name)
    return triggered


def ask_to_build(hub: BinderHub, source: BinderSource, site: Site) -> Triggered:
    return Prebuild(
        hub=hub,
        source=source,
        session=site.session,
        say=site.runner.say,
        sleep=site.sleep,
        clock=time.monotonic,
    )()
