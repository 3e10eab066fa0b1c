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
            # A link may lead to a device, which has no end.
            text = file.read_text(encoding="utf-8") if file.is_file() else ""
            root = yaml.compose(text, yaml.SafeLoader)
        except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError):
            continue
        path = file.relative_to(workspace).as_posix()
        for step in _mappings(root):
            yield from _unknown_in_step(step, path)


def _unknown_in_step(step: yaml.MappingNode, path: str) -> Iterator[UnknownInput]:
    parts = dict(_by_name(step))
    uses, given = parts.get("uses"), parts.get("with")
    if not isinstance(uses, yaml.ScalarNode) or not _OUR_ACTION.fullmatch(uses.value):
        return
    if not isinstance(given, yaml.MappingNode):
        return
    keys = {key.value: key for key, _ in given.value if isinstance(key, yaml.ScalarNode)}
    for name in unknown_inputs(keys):
        yield UnknownInput(name, Place(path, keys[name].start_mark.line + 1))


def _by_name(mapping: yaml.MappingNode) -> Iterator[tuple[str, yaml.Node]]:
    # `{{ … }}` of a template is a mapping that is a key.
    return ((key.value, value) for key, value in mapping.value if isinstance(key, yaml.ScalarNode))


def _mappings(root: yaml.Node | None) -> Iterator[yaml.MappingNode]:
    """Each once: an alias may lead to what it is in."""
    waiting, seen = [root], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            yield node
            waiting += reversed([value for _, value in node.value])
        elif isinstance(node, yaml.SequenceNode):
            waiting += reversed(node.value)
