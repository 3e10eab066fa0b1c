"""A workflow as a conversion sees it: jobs and steps that know where they stand in the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from r2d_action.hub.yaml_tree import Mapping, Node, Scalar, Sequence, Tree, own_entries, value_of

# The second is where the project began, and GitHub still leads from there to the first.
_REPO2DOCKER_ACTION = re.compile(
    r"(?:jupyterhub|machine-learning-apps)/repo2docker-action@(?P<ref>\S+)", re.IGNORECASE
)
_COPY = re.compile(r"[^/\s]+/repo2docker-action@\S+", re.IGNORECASE)
_NAME = re.compile(r"\brepo2docker-action\b", re.IGNORECASE)
_YES = re.compile(r"true|yes|on|1", re.IGNORECASE)
_NO = re.compile(r"false|no|off|0|", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Step:
    """``inputs`` are what stands under ``with``, by their names in upper case, which GitHub
    does not tell from lower."""

    uses: Scalar | None
    run: Scalar | None
    inputs: dict[str, tuple[Scalar, Scalar]]

    @property
    def script(self) -> str:
        return self.run.value if self.run else ""

    @property
    def action(self) -> str:
        """What it uses without the version, in lower case; empty for a script."""
        return self.uses.value.partition("@")[0].lower() if self.uses else ""

    @property
    def ref(self) -> str | None:
        """The version of repo2docker-action that it uses; None for another step."""
        match = _REPO2DOCKER_ACTION.fullmatch(self.uses.value) if self.uses else None
        return match["ref"] if match else None

    @property
    def uses_a_copy(self) -> bool:
        return self.ref is None and bool(self.uses and _COPY.fullmatch(self.uses.value))

    def text(self, name: str) -> str:
        """The input's value, empty when it is not given."""
        found = self.inputs.get(name.upper())
        return found[1].value.strip() if found else ""

    def is_yes(self, name: str) -> bool:
        """Whether it is said plainly, and not by an expression."""
        return bool(_YES.fullmatch(self.text(name)))

    def may_be_yes(self, name: str) -> bool:
        return not _NO.fullmatch(self.text(name))


@dataclass(frozen=True, slots=True)
class Job:
    key: Scalar
    node: Mapping
    steps_key: Scalar
    steps: tuple[Step, ...]

    @property
    def has_permissions(self) -> bool:
        return "permissions" in own_entries(self.node)


@dataclass(frozen=True, slots=True)
class Workflow:
    tree: Tree
    root: Mapping

    @property
    def has_permissions(self) -> bool:
        return "permissions" in own_entries(self.root)

    @property
    def is_reusable(self) -> bool:
        return "workflow_call" in {one.value for one in _names(self.root, "on")}

    @property
    def steps(self) -> tuple[Step, ...]:
        """All that use an action, those of a composite action too; each once."""
        return tuple(step for step in map(_step, self.tree.mappings) if step.uses)

    @property
    def others(self) -> Iterator[Scalar]:
        """Where repo2docker-action is named in a way that is none of a step's."""
        known = {id(step.uses) for step in self.steps if step.ref or step.uses_a_copy}
        for scalar in self.tree.scalars:
            key = scalar.key.value if scalar.key else ""
            if key in ("uses", "run") and _NAME.search(scalar.value) and id(scalar) not in known:
                yield scalar

    @property
    def jobs(self) -> Iterator[Job]:
        jobs = _value(self.root, "jobs")
        for name, node in own_entries(jobs).values() if isinstance(jobs, Mapping) else ():
            job = value_of(node)
            if isinstance(job, Mapping) and "steps" in own_entries(job):
                key, steps = own_entries(job)["steps"]
                yield Job(name, job, key, tuple(_steps(value_of(steps))))


def names_it(text: str) -> bool:
    """Whether a text of which nothing is known names repo2docker-action, but in comments."""
    return any(_NAME.search(line.partition("#")[0]) for line in text.splitlines())


def workflow_of(tree: Tree) -> Workflow | None:
    """None where the text is no mapping."""
    first = tree.documents.items[0] if tree.documents.items else None
    return Workflow(tree, first) if isinstance(first, Mapping) else None


def scalars_below(node: Node) -> Iterator[Scalar]:
    """Values, through aliases."""
    found = value_of(node)
    if isinstance(found, Scalar):
        yield found
    elif isinstance(found, Mapping):
        for _, value in found.entries:
            yield from scalars_below(value)
    elif isinstance(found, Sequence):
        for item in found.items:
            yield from scalars_below(item)


def _steps(node: Node) -> Iterator[Step]:
    for item in node.items if isinstance(node, Sequence) else ():
        step = value_of(item)
        if isinstance(step, Mapping):
            yield _step(step)


def _step(node: Mapping) -> Step:
    uses, run, given = (_value(node, name) for name in ("uses", "run", "with"))
    inputs = own_entries(given) if isinstance(given, Mapping) else {}
    return Step(
        uses if isinstance(uses, Scalar) else None,
        run if isinstance(run, Scalar) else None,
        {
            name.upper(): (key, value)
            for name, (key, node) in inputs.items()
            if isinstance(value := value_of(node), Scalar)
        },
    )


def _value(mapping: Mapping, name: str) -> Node | None:
    entry = own_entries(mapping).get(name)
    return value_of(entry[1]) if entry else None


def _names(mapping: Mapping, name: str) -> Iterator[Scalar]:
    """What a key lists, as one word, as a list or as the keys of a mapping."""
    value = _value(mapping, name)
    if isinstance(value, Mapping):
        yield from (key for key, _ in own_entries(value).values())
    elif value is not None:
        yield from scalars_below(value)
