"""Fifth stage: the registry's image gets its tags, or the checked one goes to the registry."""

from __future__ import annotations

from dataclasses import replace

from r2d_action.engine import connect
from r2d_action.errors import PublishFailed
from r2d_action.order import Order
from r2d_action.outcome import Failure, Outcome
from r2d_action.plan import Plan
from r2d_action.plan.repo2docker import CREATED
from r2d_action.publish import Publisher, require_public
from r2d_action.stages.clients import client_for, nobody
from r2d_action.stages.site import Site


def published(outcome: Outcome, site: Site) -> Outcome:
    plan = outcome.plan
    if plan is None or not plan.push:
        return outcome
    publisher = _publisher(plan, outcome, site)
    with site.runner.group(f"Publish {plan.commit_reference}"):
        if outcome.reused:
            result = publisher.reused(outcome.reused.manifest)
        else:
            result = publisher.built(connect(site.env, site.event.workspace))
    error = _not_public(plan, site)
    return replace(outcome, published=result, failure=Failure.of(error) if error else None)


def _publisher(plan: Plan, outcome: Outcome, site: Site) -> Publisher:
    # Looked up only now: some credentials live for minutes, and a build for longer.
    client = client_for(plan.repository.registry, plan, site)
    site.runner.say(f"login   {client.credential.source if client.credential else 'none'}")
    order = Order(
        # Asked in passing; a remote that is slow to answer must not hold up a finished image.
        git=replace(site.git, timeout=30),
        branch=site.event.branch,
        commit=plan.commit,
        client=client,
        repository=plan.repository,
        created=dict(plan.build.labels)[CREATED],
    )
    key = outcome.key.value if outcome.key and not outcome.reused else ""
    return Publisher(plan=plan, client=client, order=order, key=key, say=site.runner.say)


def _not_public(plan: Plan, site: Site) -> PublishFailed | None:
    if not plan.public_check:
        return None
    try:
        require_public(plan.repository, plan.tags[0].tag, nobody(plan.repository.registry, site))
    except PublishFailed as error:
        return error
    return None
