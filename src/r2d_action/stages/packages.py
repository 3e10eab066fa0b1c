"""What is installed in the image: what was, asked before its tags move; listed while its layers go
to the registry; kept with it there.

Nobody's image fails for this: a list that cannot be had is said, and missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from r2d_action.errors import UserError
from r2d_action.outcome import Outcome
from r2d_action.packages.asked import asked_for
from r2d_action.packages.attached import attach, packages_of
from r2d_action.packages.before import find_before
from r2d_action.packages.difference import difference
from r2d_action.packages.image import read_packages
from r2d_action.packages.sizes import sizes_until
from r2d_action.packages.values import Before, Compared, PackageList
from r2d_action.plan import Plan
from r2d_action.plan.tagging import cache_tag
from r2d_action.reference import Tag
from r2d_action.registry.client import RegistryError
from r2d_action.retry import Temporary
from r2d_action.stages.clients import hasty_client_for
from r2d_action.stages.site import Site

_TROUBLE = (UserError, RegistryError, Temporary)


def recalled(outcome: Outcome, site: Site) -> Outcome:
    """What the registry keeps: the list of the image that has the tags until now, and that of an
    image that is used again."""
    plan = outcome.plan
    # The list of an image that is reused is kept already; it is asked for only to be told of.
    if plan is None or not plan.packages or not (outcome.built or plan.hub.repository):
        return outcome
    repository = plan.repository
    client = hasty_client_for(repository.registry, plan, site)
    try:
        before = find_before(client, repository, _tags(plan))
        if outcome.reused:
            digest = outcome.reused.manifest.digest
            outcome = replace(outcome, installed=packages_of(client, repository, digest))
    except _TROUBLE as trouble:
        site.runner.say(f"the packages are not compared: {trouble}")
        return outcome
    return replace(outcome, before=before)


def listed(outcome: Outcome, site: Site) -> Outcome:
    plan = outcome.plan
    if plan is None or not plan.packages:
        return outcome
    installed = outcome.installed
    if outcome.built:
        try:
            installed = read_packages(site.engine.client, plan.commit_reference.tagged_name)
        except UserError as trouble:
            site.runner.say(f"the packages of the image are not listed: {trouble}")
    compared = _compared(outcome.before, installed, site) if outcome.before and installed else None
    return replace(outcome, installed=installed, compared=compared)


def kept(outcome: Outcome, site: Site) -> Outcome:
    """With every copy of the image that there is now."""
    plan, installed = outcome.plan, outcome.installed
    if plan is None or installed is None or outcome.reused:
        return outcome
    sizes = sizes_until(outcome)
    everywhere = (outcome.published, *(copy.published for copy in outcome.copies))
    for published in filter(None, everywhere):
        repository = published.reference.repository
        client = hasty_client_for(repository.registry, plan, site)
        try:
            attach(client, repository, published.digest, installed, site.now, sizes)
        except _TROUBLE as trouble:
            site.runner.say(f"{repository} does not keep the list of packages: {trouble}")
    return outcome


def _compared(before: Before, installed: PackageList, site: Site) -> Compared:
    return Compared(
        since=before.since,
        difference=difference(before.packages, installed),
        named=tuple(sorted(asked_for(site.build_root))),
    )


def _tags(plan: Plan) -> Iterator[Tag]:
    yield from map(cache_tag, plan.cache_branches)
    yield from (planned.tag for planned in plan.tags if planned.moving)
