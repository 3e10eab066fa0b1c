"""The workflows that call this action, read for what a step is not told.

One is the names of its inputs: the runner warns of an unknown one, but not of what was meant by
it, and we never see it, since a composite action gets the inputs that it declares. Another is
what the steps after it want.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import dropwhile
from pathlib import Path

import yaml

from r2d_action.errors import Place
from r2d_action.inputs import nearest_input, unknown_inputs

# Not the reusable workflows: GitHub refuses an input that they do not have.
_OUR_ACTION = re.compile(r"[^/\s]+/(repo2docker-action|r2d-action)@.+|\./?")
_LOCAL_ACTION = re.compile(r"\./.+")
# All commands but those that concern no image, the engine may be podman; and what else takes images
# from it: `docker-compose up`, `kind load docker-image`, `skopeo copy docker-daemon:`.
_DOCKER_COMMAND = re.compile(
    r"(?<![\w-])(?:docker|podman)"
    r"(?:[ \t]+(?!(?:login|logout|version|info|system|builder)\b)|-(?:compose|image|daemon)\b)"
    r"|\bk3d[ \t]+image[ \t]+import\b"
)
# By name, since nothing else tells: docker/build-push-action, redhat-actions/push-to-registry.
_DOCKER_ACTION = re.compile(r"docker|container|image|scan|trivy|sbom|push-to-registry")
_ACTION_WITHOUT_IMAGE = re.compile(r"login|setup|metadata|description")


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
        path = file.relative_to(workspace).as_posix()
        for step in _mappings(_composed(file)):
            yield from _unknown_in_step(step, path)


def docker_is_used_later(file: Path, job: str) -> bool:
    """Whether a step of ``job`` that follows on our first one uses the engine's images, as far as
    ``file`` shows it: not in what a script or another workflow does."""
    steps = _under(_under(_under(_composed(file), "jobs"), job), "steps")
    found = steps.value if isinstance(steps, yaml.SequenceNode) else []
    # An action of the repository itself may have ours inside.
    from_ours = _from_first(_OUR_ACTION, found) or _from_first(_LOCAL_ACTION, found)
    return any(_uses_docker(step) for step in from_ours[1:])


def _from_first(action: re.Pattern[str], steps: Iterable[yaml.Node]) -> list[yaml.Node]:
    return [*dropwhile(lambda step: not action.fullmatch(_text(step, "uses")), steps)]


def _uses_docker(step: yaml.Node) -> bool:
    action = _text(step, "uses").partition("@")[0].lower()
    if not action:
        return bool(_DOCKER_COMMAND.search(_text(step, "run")))
    ours, other = _OUR_ACTION.fullmatch(_text(step, "uses")), _ACTION_WITHOUT_IMAGE.search(action)
    return bool(_DOCKER_ACTION.search(action)) and not ours and not other


def _composed(file: Path) -> yaml.Node | None:
    try:
        # A link may lead to a device, which has no end.
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
        return yaml.compose(text, yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError):
        return None


def _under(node: yaml.Node | None, name: str) -> yaml.Node | None:
    return dict(_by_name(node)).get(name) if isinstance(node, yaml.MappingNode) else None


def _text(step: yaml.Node, name: str) -> str:
    found = _under(step, name)
    return found.value if isinstance(found, yaml.ScalarNode) else ""


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
