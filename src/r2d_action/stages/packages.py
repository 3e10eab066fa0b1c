"""What is installed in the image: listed and compared before its tags move, kept with it after.

Nobody's image fails for this: a list that cannot be had is said, and missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from r2d_action.errors import UserError
from r2d_action.outcome import Outcome
from r2d_action.packages.asked import asked_for
from r2d_action.packages.attached import attach, packages_of
from r2d_action.packages.before import compared
from r2d_action.packages.image import read_packages
from r2d_action.packages.values import Compared, PackageList
from r2d_action.plan import Plan
from r2d_action.plan.tagging import cache_tag
from r2d_action.reference import Tag
from r2d_action.registry.client import RegistryError
from r2d_action.retry import Temporary
from r2d_action.stages.clients import hasty_client_for
from r2d_action.stages.site import Site


def listed(outcome: Outcome, site: Site) -> Outcome:
    plan = outcome.plan
    # The list of an image that is reused is kept already; it is asked for only to be told of.
    if plan is None or not plan.packages or not (outcome.built or plan.hub.repository):
        return outcome
    try:
        installed = _installed(plan, outcome, site)
        changes = _compared(installed, plan, site) if installed else None
    except (UserError, RegistryError, Temporary) as trouble:
        site.runner.say(f"the packages of the image are not listed: {trouble}")
        return outcome
    return replace(outcome, installed=installed, compared=changes)


def kept(outcome: Outcome, site: Site) -> Outcome:
    """With every copy of the image that there is now."""
    plan, installed = outcome.plan, outcome.installed
    if plan is None or installed is None or outcome.reused:
        return outcome
    everywhere = (outcome.published, *(copy.published for copy in outcome.copies))
    for published in filter(None, everywhere):
        repository = published.reference.repository
        client = hasty_client_for(repository.registry, plan, site)
        try:
            attach(client, repository, published.digest, installed, site.now)
        except (UserError, RegistryError, Temporary) as trouble:
            site.runner.say(f"{repository} does not keep the list of packages: {trouble}")
    return outcome


def _installed(plan: Plan, outcome: Outcome, site: Site) -> PackageList | None:
    if outcome.reused is None:
        return read_packages(site.engine.client, plan.commit_reference.tagged_name)
    client = hasty_client_for(plan.repository.registry, plan, site)
    return packages_of(client, plan.repository, outcome.reused.manifest.digest)


def _compared(installed: PackageList, plan: Plan, site: Site) -> Compared | None:
    client = hasty_client_for(plan.repository.registry, plan, site)
    found = compared(installed, client, plan.repository, _tags(plan))
    return replace(found, named=tuple(sorted(asked_for(site.build_root)))) if found else None


def _tags(plan: Plan) -> Iterator[Tag]:
    yield from map(cache_tag, plan.cache_branches)
    yield from (planned.tag for planned in plan.tags if planned.moving)
