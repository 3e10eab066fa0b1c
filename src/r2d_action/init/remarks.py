"""What is different with r2d-action for a step that worked with repo2docker-action, where its
user has to know. docs/migrating.md has all of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from r2d_action import HOME, __version__
from r2d_action.errors import InputError
from r2d_action.hub.yaml_tree import Scalar, own_entries, value_of
from r2d_action.init.workflow import Job, Step, Workflow
from r2d_action.inputs import ENV_PREFIX, nearest_input, read_inputs, unknown_inputs
from r2d_action.plan.repo2docker import extra_args_of
from r2d_action.reference import InvalidReference, Repository

OURS = f"{HOME}@v{__version__}"
_FLAGS = ("LATEST_TAG_OFF", "BINDER_CACHE", "NO_GIT_PUSH", "PUBLIC_REGISTRY_CHECK")
_LOOKS = re.compile(r"\bdocker\s+(?:run|tag|push|images?|inspect|save|create)\b")
_PUSHES = re.compile(r"\bdocker\s+push\b")


@dataclass(frozen=True, slots=True)
class Remark:
    """``at`` is the place in the text."""

    at: int
    text: str


def remarks(workflow: Workflow) -> Iterator[Remark]:
    for step in workflow.steps:
        if step.uses_a_copy and step.uses:
            yield Remark(
                step.uses.start,
                "somebody's own copy of repo2docker-action is used here, which may do more than "
                "the original; it was left as it is.",
            )
        if step.ref is not None:
            yield from _of_step(step)
    for place in workflow.others:
        yield Remark(place.start, _of_another_place(place))
    for job in workflow.jobs:
        yield from _of_later_steps(job, called=workflow.is_reusable)
    yield from _of_variables(workflow)


def _of_another_place(place: Scalar) -> str:
    if place.key and place.key.value == "run":
        return "this script names repo2docker-action, and scripts are left as they are."
    return (
        f"`{place.value.strip()}` was left as it is: the way it stands here, GitHub does not take "
        f"it for the action of a step. Write `{OURS}` in its place."
    )


def _of_step(step: Step) -> Iterator[Remark]:
    for name in unknown_inputs(step.inputs):
        near = nearest_input(name)
        meant = f" Did you mean {near}?" if near else ""
        key, _ = step.inputs[name]
        yield Remark(
            key.start, f"{key.value} is not an input of this action, and never was.{meant}"
        )
    for name, (key, value) in step.inputs.items():
        text = _of_input(name, value)
        if text:
            yield Remark(key.start, text)


def _of_input(name: str, value: Scalar) -> str:
    """Of what is written plainly; of an expression nobody knows the value here."""
    if "${{" in value.value or not value.value.strip():
        return ""
    try:
        inputs = read_inputs({ENV_PREFIX + name: value.value})
        extra_args_of(inputs)
        if inputs.image_name:
            Repository.parse(inputs.image_name.lower())
    except InputError as error:
        return error.what
    except InvalidReference as reason:
        return f"IMAGE_NAME: {reason}. The run is refused until it is corrected."
    if name in _FLAGS and not getattr(inputs, name.lower()):
        return f"`{name}: {value.value}` now means what it says; any value counted as true before."
    return ""


def _of_later_steps(job: Job, *, called: bool) -> Iterator[Remark]:
    """Of scripts after ours that expect the image, or the login, on the runner. A run sees by
    itself that the image is expected, but not in a workflow that is ``called`` by another."""
    before: list[Step] = []
    for step in job.steps:
        if step.run:
            texts = _expectations(step, before, called=called)
            yield from (Remark(step.run.start, text) for text in texts)
        if step.ref is not None:
            before.append(step)


def _expectations(step: Step, before: Sequence[Step], *, called: bool) -> Iterator[str]:
    pushing = [one for one in before if not one.is_yes("NO_PUSH")]
    looks = called and _LOOKS.search(step.script)
    if looks and any(not one.text("REUSE") for one in pushing):
        yield (
            "this step may need the image in the runner's Docker. A run that builds nothing does "
            "not see that in a workflow that others call, and leaves the image in the registry. "
            "Add `REUSE: false` under `with:` of the step that builds."
        )
    if _PUSHES.search(step.script) and any(one.text("DOCKER_PASSWORD") for one in before):
        yield (
            "Docker is no longer logged in after the step that builds; log in before this step, "
            "for example with docker/login-action."
        )


def _of_variables(workflow: Workflow) -> Iterator[Remark]:
    for mapping in workflow.tree.mappings:
        entry = own_entries(mapping).get("DOCKER_CONFIG")
        value = value_of(entry[1]) if entry else None
        if entry and isinstance(value, Scalar) and re.match(r"\$\{?HOME|~", value.value):
            yield Remark(
                entry[0].start,
                f"GitHub does not expand `{value.value}`, and a login ends up in the checkout. It "
                "is kept out of the image; remove `DOCKER_CONFIG` nevertheless.",
            )
