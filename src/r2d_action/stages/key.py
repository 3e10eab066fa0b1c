"""What decides the image, and whether the registry has that image already."""

from __future__ import annotations

import tokenize
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from r2d_action.environments import locked_repo2docker
from r2d_action.images.pins import read_pins, stand_in
from r2d_action.key import ImageKey, NoKey, key_of
from r2d_action.key.material import has_passed, material_of
from r2d_action.outcome import Keyed, Outcome, Reused
from r2d_action.plan import Plan
from r2d_action.plan.repo2docker import ASKED, CHECKS, CREATED, FILES, REVISION
from r2d_action.plan.tagging import key_tag
from r2d_action.reference import InvalidReference, Reference, Tag
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
    if by_commit and (tried := _found(plan, plan.tags[0].tag, site, by_commit=True)):
        return replace(outcome, reused=tried)
    try:
        key = _key(plan, site)
    except NoKey as reason:
        site.runner.say(f"key     none, so the image is built: {reason}")
        return replace(outcome, key=Keyed(value="", why_none=str(reason)))
    site.runner.say(f"key     {key.value}")
    return replace(
        outcome,
        key=Keyed(value=key.value, material=key.material),
        reused=_found(plan, key_tag(key.value), site) if plan.reuse and look else None,
    )


def _key(plan: Plan, site: Site) -> ImageKey:
    if site.env.get("DOCKER_DEFAULT_PLATFORM"):
        raise NoKey("DOCKER_DEFAULT_PLATFORM asks for an image for another kind of processor")
    return key_of(
        material_of(
            plan.build,
            site.context,
            files=site.files,
            repo2docker=locked_repo2docker(),
            config=_config(site.event.workspace / REPO2DOCKER_CONFIG),
            resolve=lambda name: _resolved(name, plan, site),
            checks=dict(plan.build.labels)[CHECKS],
        )
    )


def _config(file: Path) -> str:
    """repo2docker takes the settings of a file of the same name that ends in .json, too."""
    if file.with_suffix(".json").is_file():
        raise NoKey(f"the settings in {file.stem}.json may bring in what is not known here")
    if not file.is_file():
        return ""
    try:
        with tokenize.open(file) as text:
            return text.read()
    except (SyntaxError, UnicodeDecodeError):
        raise NoKey(f"{file.name} is not text that Python can read") from None


def _resolved(name: str, plan: Plan, site: Site) -> str:
    pins = read_pins(site.inputs.base_images)
    try:
        reference = stand_in(name, pins) or Reference.parse(name)
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


def _found(plan: Plan, tag: Tag, site: Site, *, by_commit: bool = False) -> Reused | None:
    """A key stands for all that was asked of the image; a commit does not."""
    client = hasty_client_for(plan.repository.registry, plan, site)
    try:
        manifest = client.manifest(plan.repository, str(tag))
        labels = client.labels(plan.repository, manifest) if manifest else None
    except (RegistryError, Temporary, ValueError, LookupError, TypeError) as trouble:
        site.runner.say(f"{plan.repository}:{tag} cannot be used, so the image is built: {trouble}")
        return None
    if manifest is None or labels is None:
        return None
    if by_commit and (difference := _difference(labels, dict(plan.build.labels))):
        site.runner.say(
            f"{plan.repository}:{tag} {difference}; so it is looked for by its key, or built"
        )
        return None
    return Reused(
        manifest=manifest,
        commit=labels.get(REVISION, ""),
        created=labels.get(CREATED, ""),
    )


def _difference(labels: Mapping[str, str], wanted: Mapping[str, str]) -> str:
    """An earlier step of the job may have written into the checkout, and else at a git tag."""
    if labels.get(ASKED) != wanted[ASKED]:
        return "does not say that it was built with the same inputs"
    if labels.get(FILES) != wanted.get(FILES):
        return "does not say that it was made of the same files"
    if not has_passed(str(labels.get(CHECKS)), wanted[CHECKS]):
        return "does not say that it has passed the same checks"
    return ""
