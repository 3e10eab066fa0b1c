"""Last stage: Binder learns of the image."""

from __future__ import annotations

import time
from dataclasses import replace

import requests

from r2d_action.binder.cache import CacheCommit, CacheOutcome, CacheResult, commit_cache
from r2d_action.binder.mybinder import BinderSource, Triggered, TriggerOutcome, trigger
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
        outcome = replace(outcome, mybinder=_triggered(plan, site))
    return outcome


def _cached(plan: Plan, site: Site) -> CacheResult:
    wanted = CacheCommit(plan.commit_reference, plan.binder.message, destination_of(site))
    with site.runner.group("Update binder/Dockerfile"):
        result = commit_cache(site.git, wanted, retry=site.retry)
        tell = site.runner.warning if result.outcome is CacheOutcome.OVERTAKEN else site.runner.say
        tell(result.note)
    return result


def _triggered(plan: Plan, site: Site) -> Triggered:
    source = BinderSource(site.event.repository, plan.binder.mybinder_ref)
    with (
        site.runner.group(f"Ask mybinder.org to build {source.ref}"),
        requests.Session() as session,
    ):
        triggered = trigger(
            session,
            source,
            say=site.runner.say,
            sleep=site.sleep,
            clock=time.monotonic,
        )
    if triggered.outcome in {TriggerOutcome.FAILED, TriggerOutcome.UNREACHABLE}:
        # Somebody else's service: it must not turn this run red.
        site.runner.warning(triggered.note, title="mybinder.org")
    return triggered
