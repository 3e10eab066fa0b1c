"""The registry's image gets its tags, or the checked one goes to the registry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from r2d_action.binder.binderhub_publish import publish_for_binderhub
from r2d_action.errors import Failure, PublishFailed
from r2d_action.order import Made, Order
from r2d_action.outcome import Outcome
from r2d_action.plan import Plan
from r2d_action.publish import Copied, Publisher, Source
from r2d_action.publish.public import require_public
from r2d_action.publish.tags import LOST, Tags
from r2d_action.reference import Reference
from r2d_action.registry.client import Client, RegistryError
from r2d_action.registry.keychain import Keychain
from r2d_action.retry import Temporary
from r2d_action.stages.clients import keychain_of, nobody, order_of
from r2d_action.stages.site import Site


def adopted(outcome: Outcome, site: Site) -> Outcome:
    """The image that was found gets the commit's tag before anybody relies on it: a registry that
    has lost a part of it says so here, and it is built then."""
    plan, reused = outcome.plan, outcome.reused
    if plan is None or reused is None or not plan.push:
        return outcome
    try:
        tags = _tags(plan, keychain_of(plan.repository.registry, site), outcome, site)
        reference = tags.adopt(plan.commit_reference, reused.manifest)
    except (RegistryError, Temporary, PublishFailed) as trouble:
        if not (isinstance(trouble, RegistryError) and trouble.code in LOST):
            return outcome  # publishing meets it again, and tells of it
        site.runner.say(
            f"{plan.repository.registry} has lost a part of {reused.manifest.digest}, so the image "
            f"is built: {trouble}"
        )
        return replace(outcome, reused=None)
    return replace(outcome, adopted=reference)


def published(outcome: Outcome, site: Site) -> Outcome:
    plan = outcome.plan
    if plan is None or not plan.push:
        return outcome
    first, *copies = _everywhere(plan, outcome, site)
    outcome = replace(outcome, published=first.published, copies=tuple(copies))
    failure = _not_everywhere(first, copies) or _not_public(plan, site)
    return replace(outcome, failure=failure)


def _everywhere(plan: Plan, outcome: Outcome, site: Site) -> Iterator[Copied]:
    """The plan's own repository first. One that fails does not hold up the others, and the
    layers leave the engine once, for the first registry that takes them."""
    keychain = keychain_of(plan.repository.registry, site)
    source = _found(plan, outcome, keychain)
    for one in (plan, *map(plan.for_copy, plan.copies)):
        with site.runner.group(f"Publish {one.commit_reference}"):
            try:
                publisher = Publisher(_tags(one, keychain, outcome, site))
                login = publisher.tags.client.credential
                site.runner.say(f"login   {login.source if login else 'none'}")
                if source:
                    result = publisher.reused(source, outcome.adopted if one is plan else None)
                else:
                    # What was adopted and is built all the same could not be used, and is there.
                    reuse = plan.reuse and not outcome.adopted
                    name = plan.commit_reference.tagged_name
                    result = publisher.built(site.engine, name, reuse=reuse)
                    source = publisher.source(result) if len(plan.repositories) > 1 else None
                yield Copied(
                    repository=one.repository, published=result, reference=result.reference
                )
            except PublishFailed as error:
                site.runner.say(str(error))
                yield Copied(repository=one.repository, error=Failure.of(error))
    if source and plan.binder.name:
        yield _named_for_binderhub(source, plan.binder.name, keychain, site)


def _named_for_binderhub(source: Source, name: Reference, keychain: Keychain, site: Site) -> Copied:
    repository = name.repository
    with site.runner.group(f"Publish {name}"):
        try:
            client = keychain.client(repository.registry)
            reference = publish_for_binderhub(source, client, name, say=site.runner.say)
        except PublishFailed as error:
            return Copied(repository=repository, error=Failure.of(error))
    return Copied(repository=repository, reference=reference)


def _found(plan: Plan, outcome: Outcome, keychain: Keychain) -> Source | None:
    if outcome.reused is None:
        return None
    client = keychain.client(plan.repository.registry)
    reference = outcome.adopted or plan.commit_reference
    return Source(client, reference, outcome.reused.manifest)


def _tags(plan: Plan, keychain: Keychain, outcome: Outcome, site: Site) -> Tags:
    client = keychain.client(plan.repository.registry)
    image = _image(plan, outcome)
    return Tags(
        plan=plan,
        client=client,
        order=_order(plan, image, client, site),
        image=image,
        key=outcome.key.value if outcome.key and plan.key_tags and not outcome.reused else "",
        say=site.runner.say,
    )


def _image(plan: Plan, outcome: Outcome) -> Made:
    image, reused = Made.of(dict(plan.build.labels)), outcome.reused
    return replace(image, commit=reused.commit, created=reused.created) if reused else image


def _order(plan: Plan, image: Made, client: Client, site: Site) -> Order:
    order = order_of(plan, client, site)
    # An old commit may get a git tag, and its image is as old: what is on the branch is newer.
    return replace(order, created=image.created) if site.event.git_tag else order


def _not_everywhere(first: Copied, copies: list[Copied]) -> Failure | None:
    failures = [one.error for one in (first, *copies) if one.error]
    if not copies or not failures:
        return first.error
    arrived = ", ".join(str(one.reference) for one in (first, *copies) if one.reference)
    missing = ", ".join(str(one.repository) for one in (first, *copies) if one.error)
    return replace(
        failures[0],
        what=f"{missing} did not get the image; {arrived or 'no other repository'} has it. Run the "
        "job again when this is mended: it sends only what is missing.",
        remedy="\n".join(failure.what for failure in failures),
    )


def _not_public(plan: Plan, site: Site) -> Failure | None:
    if not plan.public_check:
        return None
    try:
        require_public(plan.repository, plan.tags[0].tag, nobody(plan.repository.registry, site))
    except PublishFailed as error:
        return Failure.of(error)
    return None
