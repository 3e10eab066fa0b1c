"""What is different with r2d-action for a step that worked with repo2docker-action, where its
user has to know. docs/migrating.md has all of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
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
        yield from _of_container(job)
        yield from _of_later_steps(job)
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


def _of_container(job: Job) -> Iterator[Remark]:
    entry = own_entries(job.node).get("container")
    if entry and any(step.ref is not None for step in job.steps):
        yield Remark(
            entry[0].start,
            "repo2docker-action ran beside this container, and r2d-action runs in it: it has to "
            "have bash, Python 3.10 or newer, and Docker with buildx. Remove `container` if the "
            "other steps of the job do without.",
        )


def _of_later_steps(job: Job) -> Iterator[Remark]:
    """Of scripts after ours that expect a login on the runner. That they expect the image, a run
    sees by itself."""
    logged_in = False
    for step in job.steps:
        if logged_in and step.run and _PUSHES.search(step.script):
            yield Remark(
                step.run.start,
                "Docker is no longer logged in after the step that builds; log in before this "
                "step, for example with docker/login-action.",
            )
        logged_in |= step.ref is not None and bool(step.text("DOCKER_PASSWORD"))


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
