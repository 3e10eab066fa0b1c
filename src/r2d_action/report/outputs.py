"""The table of outputs: action.yml and the reference in docs/ are generated from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from r2d_action.outcome import Outcome
from r2d_action.plan import Plan
from r2d_action.reference import Reference
from r2d_action.report.comment import report


@dataclass(frozen=True, slots=True)
class Output:
    name: str
    summary: str
    value: Callable[[Plan, Outcome], str]


OUTPUTS = (
    Output(
        "IMAGE_SHA_NAME",
        "The image with the tag of its commit, `name:tag`.",
        lambda plan, outcome: _reference(plan, outcome).tagged_name,
    ),
    Output(
        "IMAGE_SHA_TAG",
        "That tag alone: the first 12 digits of the commit, and the time when a commit that had an "
        "image already was built again.",
        lambda plan, outcome: str(_reference(plan, outcome).tag),
    ),
    Output(
        "PUSH_STATUS",
        "`true` when the image was pushed, else `false`.",
        lambda _, outcome: "true" if outcome.published else "false",
    ),
    Output(
        "IMAGE_NAME",
        "The image without a tag, with its registry.",
        lambda plan, _: plan.repository.name,
    ),
    Output(
        "IMAGE_TAGS",
        "All tags that the image got, separated by spaces: in the registry, or in the runner's "
        "engine when it was not pushed.",
        lambda plan, outcome: " ".join(_tags(plan, outcome)),
    ),
    Output(
        "IMAGE_DIGEST",
        "Digest of the pushed image, `sha256:…`; empty when it was not pushed.",
        lambda _, outcome: str(outcome.published.digest) if outcome.published else "",
    ),
    Output(
        "IMAGE_REFERENCE",
        "What a hub needs to run exactly this image: `name:tag@digest`, without the digest when "
        "it was not pushed.",
        lambda plan, outcome: str(_reference(plan, outcome)),
    ),
    Output(
        "BUILD_STATUS",
        "`built`; `reused` when the registry had an image of the same files; `skipped` when there "
        "was nothing to build; `failed` when the run failed.",
        lambda _, outcome: outcome.status,
    ),
    Output(
        "IMAGE_KEY",
        "Digest of all that decides the image's content; empty when something of it cannot be "
        "named, with `REUSE: false`, and for a git tag that took its commit's image.",
        lambda _, outcome: outcome.key.value if outcome.key else "",
    ),
    Output(
        "HUB_PULL_REQUEST",
        "Address of the pull request in HUB_REPO; empty without one.",
        lambda _, outcome: outcome.proposal.url if outcome.proposal else "",
    ),
    Output(
        "REPORT",
        "What there is to say of the image in a pull request, as Markdown.",
        lambda _, outcome: report(outcome),
    ),
)


def outputs(plan: Plan, outcome: Outcome) -> dict[str, str]:
    return {output.name: output.value(plan, outcome) for output in OUTPUTS}


def _reference(plan: Plan, outcome: Outcome) -> Reference:
    return outcome.published.reference if outcome.published else plan.commit_reference


def _tags(plan: Plan, outcome: Outcome) -> tuple[str, ...]:
    if outcome.published:
        return tuple(str(tag) for tag in outcome.published.tags)
    has_image = outcome.built or outcome.reused
    return tuple(str(planned.tag) for planned in plan.tags) if has_image else ()
