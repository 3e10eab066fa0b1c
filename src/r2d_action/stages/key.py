"""Second stage: what decides the image, and whether the registry has that image already."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from r2d_action.environments import locked_repo2docker
from r2d_action.images.pins import read_pins
from r2d_action.key import ImageKey, NoKey, key_of
from r2d_action.key.bases import place_of
from r2d_action.key.files import known_to_git
from r2d_action.key.material import checks_of, material_of
from r2d_action.outcome import Keyed, Outcome, Reused
from r2d_action.plan import Plan
from r2d_action.plan.repo2docker import CREATED, REVISION
from r2d_action.plan.tagging import key_tag
from r2d_action.reference import InvalidReference, Reference
from r2d_action.registry.client import RegistryError
from r2d_action.retry import Temporary
from r2d_action.stages.build import REPO2DOCKER_CONFIG
from r2d_action.stages.clients import hasty_client_for
from r2d_action.stages.site import Site


def keyed(outcome: Outcome, site: Site, *, look: bool = True) -> Outcome:
    """``look`` is false where it does not matter what the registry has."""
    plan = outcome.plan
    if plan is None or plan.skip or not plan.key_tags:
        return outcome
    # A git tag is a name for what was built and tried, whatever its bases are by now.
    by_commit = look and plan.reuse and site.event.git_tag
    if by_commit and (of_commit := _found(plan, str(plan.tags[0].tag), site)):
        return replace(outcome, reused=of_commit)
    try:
        key = _key(plan, site)
    except NoKey as reason:
        site.runner.say(f"key     none, so the image is built: {reason}")
        return replace(outcome, key=Keyed(value="", why_none=str(reason)))
    site.runner.say(f"key     {key.value}")
    return replace(
        outcome,
        key=Keyed(value=key.value, material=key.material),
        reused=_found(plan, str(key_tag(key.value)), site) if plan.reuse and look else None,
    )


def _key(plan: Plan, site: Site) -> ImageKey:
    if site.env.get("DOCKER_DEFAULT_PLATFORM"):
        raise NoKey("DOCKER_DEFAULT_PLATFORM asks for the image of another machine")
    config = site.event.workspace / REPO2DOCKER_CONFIG
    context = site.context
    return key_of(
        material_of(
            plan.build,
            context,
            known=partial(known_to_git, context, site.asked),
            repo2docker=locked_repo2docker(),
            config=config.read_text(encoding="utf-8") if config.is_file() else "",
            resolve=lambda name: _resolved(name, plan, site),
            checks=checks_of(plan.check, context, site.event.workspace),
        )
    )


def _resolved(name: str, plan: Plan, site: Site) -> str:
    pins = {place_of(one): image for one, image in read_pins(site.inputs.base_images).items()}
    try:
        reference = pins.get(place_of(name)) or Reference.parse(name)
    except InvalidReference as reason:
        raise NoKey(str(reason)) from reason
    if reference.digest:
        return str(reference.digest)
    repository = reference.repository
    client = hasty_client_for(repository.registry, plan, site)
    try:
        digest = client.digest(repository, str(reference.tag or "latest"))
    except (RegistryError, Temporary) as trouble:
        raise NoKey(f"the digest of {name} is not to be had: {trouble}") from trouble
    if digest is None:
        raise NoKey(f"{repository.registry} has no {name}")
    return str(digest)


def _found(plan: Plan, tag: str, site: Site) -> Reused | None:
    client = hasty_client_for(plan.repository.registry, plan, site)
    try:
        manifest = client.manifest(plan.repository, tag)
        labels = client.labels(plan.repository, manifest) if manifest else None
    except (RegistryError, Temporary, ValueError, LookupError, TypeError) as trouble:
        site.runner.say(f"{plan.repository}:{tag} cannot be used, so the image is built: {trouble}")
        return None
    if manifest is None or labels is None:
        return None
    return Reused(
        manifest=manifest,
        commit=labels.get(REVISION, ""),
        created=labels.get(CREATED, ""),
    )
