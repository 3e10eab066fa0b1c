"""Registries, spoken to as whom the inputs and the runner say."""

from __future__ import annotations

from dataclasses import replace

from r2d_action.engine import docker_config
from r2d_action.environments import provide_extra
from r2d_action.event import PULL_REQUESTS, Event
from r2d_action.git import BRANCHES
from r2d_action.git_settings import user_and_token
from r2d_action.order import Order
from r2d_action.plan import Plan
from r2d_action.plan.repo2docker import CREATED
from r2d_action.reference import Registry
from r2d_action.registry.client import Client
from r2d_action.registry.keychain import Keychain
from r2d_action.registry.login import Login
from r2d_action.registry.providers.provider import Means
from r2d_action.retry import Retry
from r2d_action.stages.site import Site


def keychain_of(own: Registry, site: Site) -> Keychain:
    """``own`` is the registry that user and password of the inputs are for."""
    return site.keychains.setdefault(own, _keychain(own, site))


def hasty_client_for(registry: Registry, plan: Plan, site: Site) -> Client:
    """For what a run can do without: worth a second try, and neither a long wait nor a login."""
    retry = Retry(site.sleep, site.runner.say, tries=2)
    return keychain_of(plan.repository.registry, site).reader(registry, retry)


def nobody(registry: Registry, site: Site) -> Client:
    return Client(site.session, registry, Login.of(None), site.retry)


def order_of(plan: Plan, client: Client, site: Site) -> Order:
    event, token = site.event, site.inputs.github_token
    # Asked in passing; a remote that is slow to answer must not hold up a finished image.
    git = replace(site.git, timeout=30)
    if token:
        site.runner.mask(user_and_token(token))
    # A step may have checked out another branch or commit, or have made one.
    is_other = not event.git_tag and plan.commit != event.sha
    branch = git.branch if is_other else ""
    return Order(
        git=git,
        refs=_newest(event, branch),
        commit=plan.commit,
        client=client,
        repository=plan.repository,
        created=dict(plan.build.labels)[CREATED],
        was_tip=not (is_other or event.git_tag),
        is_stray=is_other and not branch,
        logged_in=git.logged_in(event.server_url, token) if token else None,
    )


def _newest(event: Event, checked_out: str) -> tuple[str, ...]:
    """Where git has what may be newer than what this run builds, which may be of another branch
    that a step has ``checked_out``."""
    if event.is_pull_request:
        # Which of them is built is up to the workflow.
        pull = f"{PULL_REQUESTS}{event.pull_request}"
        return (f"{pull}/merge", f"{pull}/head")
    # An old commit may get a git tag: what is on the default branch is newer.
    branch = event.default_branch if event.git_tag else event.branch
    return (f"{BRANCHES}{checked_out or branch}",) if branch else ()


def _keychain(own: Registry, site: Site) -> Keychain:
    means = Means(
        inputs=site.inputs,
        env=site.env,
        session=site.session,
        mask=site.runner.mask,
        say=site.runner.say,
        retry=site.retry,
        extra=lambda name: provide_extra(name, site.env, site.runner.say),
    )
    return Keychain(own, means, docker_config(site.env, site.event.workspace))
