"""The hub's configuration is to name the new image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from r2d_action.environments import provide_extra
from r2d_action.errors import HubFailed
from r2d_action.hub.description import Facts
from r2d_action.hub.target import Source
from r2d_action.hub.values import NewImage, Proposal
from r2d_action.inputs import Inputs
from r2d_action.json_text import to_json
from r2d_action.order import Unknown
from r2d_action.outcome import Outcome
from r2d_action.packages.words import told_of
from r2d_action.plan import Plan
from r2d_action.plan.repo2docker import CREATED
from r2d_action.publish import Published
from r2d_action.reference import Reference
from r2d_action.report.checks import passed_checks
from r2d_action.stages.clients import nobody, order_of
from r2d_action.stages.site import Site

# The workflow build-image.yml names a file by this variable: what would be proposed is written
# there, and a later job proposes it. So the jobs that build need no way into the hub's repository.
HANDED_OVER = "BUILD_IMAGE_HUB_RECORD"
# The key of a record that `update-hub` prints and `rollback-hub` takes.
ROAD = "pull_request"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedImage:
    """``files`` and ``select`` are HUB_FILES and HUB_SELECT, by which the target is known again."""

    image: NewImage
    files: tuple[str, ...]
    select: tuple[str, ...]
    proposal: Proposal

    @classmethod
    def of(cls, image: NewImage, inputs: Inputs, proposal: Proposal) -> ProposedImage:
        return cls(image=image, files=inputs.hub_files, select=inputs.hub_select, proposal=proposal)


def require_way_in(site: Site) -> None:
    """Before any work. Raises :class:`InputError`."""
    if HANDED_OVER in site.env:
        return
    provide_extra("hub", site.env, site.runner.say)
    # Not at the top: PyGithub is there since the line above, and only for who needs it.
    from r2d_action.hub.update import key_of, selectors_of  # noqa: PLC0415

    key_of(site.inputs)
    selectors_of(site.inputs)


def proposed(outcome: Outcome, site: Site) -> Outcome:
    """Raises :class:`HubFailed`; the image is published then all the same."""
    plan, published = outcome.plan, outcome.published
    if plan is None or published is None or not plan.hub.repository:
        return outcome
    if site.event.name == "schedule" and outcome.compared and not outcome.compared.difference:
        site.runner.say(f"no package has changed, so {plan.hub.repository} stays as it is")
        return outcome
    if HANDED_OVER in site.env:
        _hand_over(outcome, Path(site.env[HANDED_OVER]), site)
        return outcome
    with site.runner.group(f"Bring {published.reference.tagged_name} to {plan.hub.repository}"):
        proposal = _proposal(plan, published, outcome, site)
        site.runner.say(proposal.note)
        for note in proposal.notes:
            site.runner.say(note)
    return replace(outcome, proposal=proposal)


def _hand_over(outcome: Outcome, file: Path, site: Site) -> None:
    """The part of the record that :func:`proposed` reads."""
    part = Outcome(
        plan=outcome.plan,
        reused=outcome.reused,
        checked=outcome.checked,
        compared=outcome.compared,
        published=outcome.published,
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(site.runner.redact(to_json(part)), encoding="utf-8")
    site.runner.say("a later job brings the image to the hub's repository")


def propose_image(
    inputs: Inputs,
    image: NewImage,
    site: Site,
    source: Source | None = None,
    facts: Facts | None = None,
    *,
    going_back: bool = False,
) -> Proposal:
    """Raises :class:`InputError` and :class:`HubFailed`."""
    provide_extra("hub", site.env, site.runner.say)
    from r2d_action.hub.access import Surroundings  # noqa: PLC0415
    from r2d_action.hub.update import update_hub_repository  # noqa: PLC0415

    return update_hub_repository(
        inputs,
        image,
        source or Source(),
        facts or Facts(),
        Surroundings.of(site.runner, site.env),
        going_back=going_back,
    )


def go_back(done: ProposedImage, site: Site) -> tuple[ProposedImage, ...]:
    """Propose what each place had before: one image for all, or as many as there were. Raises
    as :func:`propose_image`."""
    olds = tuple(dict.fromkeys(change.old for change in done.proposal.changes))
    return tuple(_back_to(old, done, site, alone=len(olds) == 1) for old in olds)


def _back_to(old: str, done: ProposedImage, site: Site, *, alone: bool) -> ProposedImage:
    reference = Reference.parse(f"{done.image.repository}{'' if old[0] == '@' else ':'}{old}")
    if reference.tag is None:
        raise HubFailed(
            f"The hub had {reference}, which has no tag to go back to; put it back by hand."
        )
    image = NewImage(reference.repository, reference.tag, reference.digest)
    places = [change for change in done.proposal.changes if change.old == old]
    files, select = done.files, done.select
    if not alone:
        files = tuple(dict.fromkeys(one.path for one in places))
        select = tuple(dict.fromkeys(one.selector for one in places))
    inputs = replace(site.inputs, hub_files=files, hub_select=select)
    return ProposedImage.of(image, inputs, propose_image(inputs, image, site, going_back=True))


def _proposal(plan: Plan, published: Published, outcome: Outcome, site: Site) -> Proposal:
    event = site.event
    return propose_image(
        site.inputs,
        new_image(plan, published),
        site,
        Source(
            commit=plan.commit,
            url=event.repository_url if event.repository else "",
            created=outcome.reused.created if outcome.reused else dict(plan.build.labels)[CREATED],
            run_url=event.run_url,
            newer=_newer_commits(plan, site),
        ),
        Facts(
            checks=tuple(passed_checks(outcome)),
            size=published.compressed_size,
            size_before=published.previous_size,
            packages=told_of(outcome.compared) if outcome.compared else "",
        ),
    )


def new_image(plan: Plan, published: Published) -> NewImage:
    reference = published.reference
    return NewImage(reference.repository, reference.tag or plan.tags[0].tag, published.digest)


def _newer_commits(plan: Plan, site: Site) -> tuple[str, ...] | None:
    # Only git is asked: whoever proposes need not be let into the registry.
    client = nobody(plan.repository.registry, site)
    try:
        return order_of(plan, client, site).commits_after_ours()
    except Unknown:
        return None
