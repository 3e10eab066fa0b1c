"""Sixth stage: the hub's configuration is to name the new image."""

from __future__ import annotations

from dataclasses import replace

from r2d_action.environments import provide_extra
from r2d_action.hub.values import NewImage, Proposal
from r2d_action.order import Unknown
from r2d_action.outcome import Outcome
from r2d_action.plan import Plan
from r2d_action.plan.repo2docker import CREATED
from r2d_action.publish import Published
from r2d_action.report.phrases import phrases
from r2d_action.stages.clients import keychain_of, order_of
from r2d_action.stages.site import Site


def require_way_in(site: Site) -> None:
    """Before any work. Raises :class:`InputError`."""
    provide_extra("hub", site.env, site.runner.say)
    # Not at the top: PyGithub is there since the line above, and only for who needs it.
    from r2d_action.hub.update import key_of, selectors_of  # noqa: PLC0415

    key_of(site.inputs)
    selectors_of(site.inputs)


def proposed(outcome: Outcome, site: Site) -> Outcome:
    """Raises :class:`HubFailed`; the image is published then all the same."""
    plan, published = outcome.plan, outcome.published
    if plan is None or published is None or not plan.hub_repository:
        return outcome
    with site.runner.group(f"Bring the image to {plan.hub_repository}"):
        proposal = _proposal(plan, published, outcome, site)
        site.runner.say(proposal.note)
        for note in proposal.notes:
            site.runner.say(note)
    return replace(outcome, proposal=proposal)


def _proposal(plan: Plan, published: Published, outcome: Outcome, site: Site) -> Proposal:
    from r2d_action.hub.access import Surroundings  # noqa: PLC0415
    from r2d_action.hub.description import Facts  # noqa: PLC0415
    from r2d_action.hub.target import Source  # noqa: PLC0415
    from r2d_action.hub.update import update_hub_repository  # noqa: PLC0415

    reference = published.reference
    event = site.event
    return update_hub_repository(
        site.inputs,
        NewImage(reference.repository, reference.tag or plan.tags[0].tag, published.digest),
        Source(
            commit=plan.commit,
            url=event.repository_url if event.repository else "",
            created=outcome.reused.created if outcome.reused else dict(plan.build.labels)[CREATED],
            run_url=event.run_url,
            newer=_newer_commits(plan, site),
        ),
        Facts(
            checks=tuple(phrases(outcome)),
            size=published.compressed_size,
            size_before=published.previous_size,
        ),
        Surroundings.of(site.runner, site.env),
    )


def _newer_commits(plan: Plan, site: Site) -> tuple[str, ...] | None:
    client = keychain_of(plan.repository.registry, site).client(plan.repository.registry)
    try:
        return order_of(plan, client, site).commits_after_ours()
    except Unknown:
        return None
