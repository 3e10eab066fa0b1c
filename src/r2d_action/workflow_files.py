"""The workflows that call this action, read for the names of their inputs.

The runner warns of an unknown input, but not of what was meant by it, and we
never see it: a composite action gets the inputs that it declares.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from r2d_action.errors import Place
from r2d_action.inputs import nearest_input, unknown_inputs

# Not the reusable workflows: GitHub refuses an input that they do not have.
_OUR_ACTION = re.compile(r"[^/\s]+/(repo2docker-action|r2d-action)@.+|\./?")


@dataclass(frozen=True, slots=True)
class UnknownInput:
    name: str
    place: Place

    @property
    def advice(self) -> str:
        near = nearest_input(self.name)
        meant = f" Did you mean {near}?" if near else ""
        return f"{self.name} is not an input of this action and is ignored.{meant}"


def unknown_inputs_in(workspace: Path) -> Iterator[UnknownInput]:
    """Every input that a step of ours passes in vain; files that are not YAML hold none."""
    for file in sorted((workspace / ".github" / "workflows").glob("*.y*ml")):
        try:
            root = yaml.compose(file.read_text(encoding="utf-8"), yaml.SafeLoader)
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            continue
        path = file.relative_to(workspace).as_posix()
        for step in _mappings(root):
            yield from _unknown_in_step(step, path)


def _unknown_in_step(step: yaml.MappingNode, path: str) -> Iterator[UnknownInput]:
    parts = {key.value: value for key, value in step.value}
    uses, given = parts.get("uses"), parts.get("with")
    if not isinstance(uses, yaml.ScalarNode) or not _OUR_ACTION.fullmatch(uses.value):
        return
    if not isinstance(given, yaml.MappingNode):
        return
    keys = {key.value: key for key, _ in given.value}
    for name in unknown_inputs(keys):
        yield UnknownInput(name, Place(path, keys[name].start_mark.line + 1))


def _mappings(node: yaml.Node | None) -> Iterator[yaml.MappingNode]:
    if isinstance(node, yaml.MappingNode):
        yield node
        for _, value in node.value:
            yield from _mappings(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _mappings(item)
