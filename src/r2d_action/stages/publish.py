"""Fourth stage: the checked image goes to the registry."""

from __future__ import annotations

from dataclasses import replace

import requests

from r2d_action.engine import connect
from r2d_action.errors import PublishFailed
from r2d_action.outcome import Failure, Outcome
from r2d_action.plan import Plan
from r2d_action.publish import publish, require_public
from r2d_action.reference import Registry
from r2d_action.registry.auth import Credential
from r2d_action.registry.client import Client
from r2d_action.registry.keychain import credential_for
from r2d_action.stages.site import Site


def published(outcome: Outcome, site: Site) -> Outcome:
    plan = outcome.plan
    if plan is None or not plan.push:
        return outcome
    engine = connect(site.env, site.event.workspace)
    registry = plan.repository.registry
    # Looked up only now: some credentials live for minutes, and a build for longer.
    credential = credential_for(registry, site.inputs, engine.config)
    site.runner.say(f"login   {credential.source if credential else 'none'}")
    with site.runner.group(f"Publish {plan.commit_reference}"):
        result = publish(
            plan,
            engine=engine,
            client=_client(registry, credential, site),
            retry=site.retry,
            say=site.runner.say,
        )
    error = _not_public(plan, site)
    return replace(outcome, published=result, failure=Failure.of(error) if error else None)


def _not_public(plan: Plan, site: Site) -> PublishFailed | None:
    if not plan.public_check:
        return None
    nobody = _client(plan.repository.registry, None, site)
    try:
        require_public(plan.repository, plan.tags[0].tag, nobody)
    except PublishFailed as error:
        return error
    return None


def _client(registry: Registry, credential: Credential | None, site: Site) -> Client:
    return Client(requests.Session(), registry, credential, site.retry)
