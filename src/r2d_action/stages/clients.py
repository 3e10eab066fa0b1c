"""Registries, spoken to as whom the inputs and the runner say."""

from __future__ import annotations

from dataclasses import replace

import requests

from r2d_action.engine import docker_config
from r2d_action.inputs import Inputs
from r2d_action.plan import Plan
from r2d_action.reference import Registry
from r2d_action.registry.auth import Credential
from r2d_action.registry.client import Client
from r2d_action.registry.keychain import credential_for
from r2d_action.retry import Retry
from r2d_action.stages.site import Site


def client_for(registry: Registry, plan: Plan, site: Site) -> Client:
    return Client(requests.Session(), registry, credential(registry, plan, site), site.retry)


def hasty_client_for(registry: Registry, plan: Plan, site: Site) -> Client:
    """For what a run can do without: worth a second try, and not a long wait."""
    return replace(
        client_for(registry, plan, site), retry=Retry(site.sleep, site.runner.say, tries=2)
    )


def nobody(registry: Registry, site: Site) -> Client:
    return Client(requests.Session(), registry, None, site.retry)


def credential(registry: Registry, plan: Plan, site: Site) -> Credential | None:
    # The password of the inputs is for the registry that the image goes to, and no other.
    inputs = site.inputs if registry == plan.repository.registry else Inputs()
    return credential_for(registry, inputs, docker_config(site.env, site.event.workspace))
