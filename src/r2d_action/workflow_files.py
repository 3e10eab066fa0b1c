"""The workflows that call this action, read for what a step is not told.

One is the names of its inputs: the runner warns of an unknown one, but not of what was meant by
it, and we never see it, since a composite action gets the inputs that it declares. Another is
what the steps after it want.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import dropwhile
from pathlib import Path

import yaml

from r2d_action.errors import Place
from r2d_action.inputs import nearest_input, unknown_inputs

# Not the reusable workflows: GitHub refuses an input that they do not have.
_OUR_ACTION = re.compile(r"[^/\s]+/(repo2docker-action|r2d-action)@.+|\./?")
# In them, nothing looks for the image once it is published.
_OUR_WORKFLOW = re.compile(r"[^/\s]+/r2d-action/\.github/workflows/\S+@.+")
# Actions in one another: GitHub goes no deeper.
_DEPTH = 10
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
# What actions call the commands that they run (nick-fields/retry, actions/github-script).
_COMMAND_INPUTS = ("run", "command", "commands", "script")


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
    files show it: not in what a script does. ``file`` is the workflow that was started, in the
    checkout.

    True as well where they do not show our step, and so nobody knows what follows on it: the
    checkout is at another path or has some folders only, or the step is in an action or a workflow
    of another repository.
    """
    if not job:
        return False  # it is no job, and nothing follows
    after = [*_after_our_step(file, job)]
    return not after or any(_uses_docker(step) for steps in after for step in steps)


def _after_our_step(file: Path, job: str) -> Iterator[list[yaml.Node]]:
    """The steps that follow on our first one, in each workflow that may be the job's: the run is
    named after the one that was started, and the job after what stands in the one that it called.
    """
    workspace = file.parent.parent.parent
    waiting, seen = [file], set[Path]()
    while waiting:
        seen.add(one := waiting.pop())
        jobs = dict(_by_name(_under(_composed(one), "jobs")))
        steps = _steps(jobs.get(job), workspace, _DEPTH)
        if from_ours := [*dropwhile(lambda step: not _is_ours(step), steps)]:
            yield from_ours[1:]
        called = {_text(calling, "uses") for calling in jobs.values()}
        if any(map(_OUR_WORKFLOW.fullmatch, called)):
            yield []
        waiting += {workspace / name for name in called if name.startswith("./")} - seen


def _steps(parent: yaml.Node | None, workspace: Path, depth: int) -> Iterator[yaml.Node]:
    """Its steps, and in place of one that is an action of the repository itself, what that does."""
    steps = _under(parent, "steps")
    for step in steps.value if isinstance(steps, yaml.SequenceNode) else ():
        inside = []
        if depth and not _is_ours(step) and (folder := _text(step, "uses")).startswith("./"):
            files = (workspace / folder / name for name in ("action.yml", "action.yaml"))
            runs = [_under(_composed(file), "runs") for file in files]
            inside = [one for run in runs for one in _steps(run, workspace, depth - 1)]
        yield from inside or (step,)


def _is_ours(step: yaml.Node) -> bool:
    return bool(_OUR_ACTION.fullmatch(_text(step, "uses")))


def _uses_docker(step: yaml.Node) -> bool:
    action = _text(step, "uses").partition("@")[0].lower()
    if _is_ours(step) or _ACTION_WITHOUT_IMAGE.search(action):
        return False
    given = _under(step, "with")
    scripts = (_text(step, "run"), *(_text(given, name) for name in _COMMAND_INPUTS))
    return bool(_DOCKER_ACTION.search(action)) or any(map(_DOCKER_COMMAND.search, scripts))


def _composed(file: Path) -> yaml.Node | None:
    try:
        # A link may lead to a device, which has no end.
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
        return yaml.compose(text, yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError):
        return None


def _under(node: yaml.Node | None, name: str) -> yaml.Node | None:
    return dict(_by_name(node)).get(name)


def _text(node: yaml.Node | None, name: str) -> str:
    found = _under(node, name)
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


def _by_name(node: yaml.Node | None) -> Iterator[tuple[str, yaml.Node]]:
    """What a mapping holds; what is none holds nothing."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    # `{{ … }}` of a template is a mapping that is a key.
    return ((key.value, value) for key, value in pairs if isinstance(key, yaml.ScalarNode))


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
