"""The images that a Dockerfile starts from or copies from, by their names.

https://docs.docker.com/reference/dockerfile/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from r2d_action.dockerfile import Step, directives_in, steps_in
from r2d_action.key import NoKey
from r2d_action.reference import InvalidReference, Reference

SCRATCH = "scratch"
# https://docs.docker.com/build/buildkit/frontend/
SYNTAX_ARGUMENT = "BUILDKIT_SYNTAX"


def images_in(text: str, arguments: Mapping[str, str]) -> tuple[str, ...]:
    """Every image that ``text`` names, in its order; ``arguments`` are the build arguments.

    Raises :class:`NoKey` where a name depends on what is not known here, and where something
    else than an image comes from outside and may be another one tomorrow.
    """
    walk = _Walk(arguments)
    for step in steps_in(text):
        walk.take(step)
    if not walk.stages:
        raise NoKey("the Dockerfile has no FROM")
    syntax = arguments.get(SYNTAX_ARGUMENT) or directives_in(text).get("syntax")
    return tuple(dict.fromkeys((*([syntax] if syntax else []), *walk.images)))


def place_of(name: str) -> object:
    """Equal for names that the builder takes for the same image, however they are spelled."""
    try:
        reference = Reference.parse(name)
    except InvalidReference:
        return name
    return (*reference.repository.identity, str(reference.tag or "latest"), reference.digest)


class _Walk:
    """Down a Dockerfile: its stages, its arguments so far, and the images met."""

    def __init__(self, arguments: Mapping[str, str]) -> None:
        self.given = arguments
        self.known: dict[str, str] = {}
        self.stages: set[str] = set()
        self.images: list[str] = []

    def take(self, step: Step) -> None:
        if step.keyword == "ARG" and not self.stages:
            self._declare(step)
        elif step.keyword == "FROM":
            self._start_stage(step)
        else:
            for name in _sources(step):
                self._use(name)
        if step.keyword == "ADD":
            _require_fixed(step)

    def _declare(self, step: Step) -> None:
        for word in step.arguments:
            name, has_default, default = word.partition("=")
            if name in self.given:
                self.known[name] = self.given[name]
            elif has_default:
                self.known[name] = self._expanded(default)

    def _start_stage(self, step: Step) -> None:
        words = step.arguments
        self._use(words[0] if words else "")
        if len(words) == 3 and words[1].upper() == "AS":
            self.stages.add(words[2].lower())
        self.stages.add(str(sum(stage.isdigit() for stage in self.stages)))

    def _use(self, name: str) -> None:
        image = self._expanded(name)
        if image.lower() not in self.stages and image != SCRATCH:
            self.images.append(image)

    def _expanded(self, text: str) -> str:
        return _VARIABLE.sub(self._value, text)

    def _value(self, match: re.Match[str]) -> str:
        name = match["plain"] or match["name"]
        value = self.known.get(name, "")
        if match["default"] is not None and name not in _OF_THE_BUILDER:
            return value or self._expanded(match["default"])
        if not value:
            raise NoKey(f"the Dockerfile names an image by ${{{name}}}, which has no value here")
        return value


# Variables that the builder gives a value.
# https://docs.docker.com/reference/dockerfile/#automatic-platform-args-in-the-global-scope
_OF_THE_BUILDER = frozenset(
    f"{side}{part}"
    for side in ("BUILD", "TARGET")
    for part in ("PLATFORM", "OS", "OSVERSION", "ARCH", "VARIANT")
)
_VARIABLE = re.compile(r"\$(?:(?P<plain>\w+)|\{(?P<name>\w+)(?::-(?P<default>[^}]*))?\})")


def _sources(step: Step) -> Iterator[str]:
    """The stages and images that an instruction takes files of."""
    for flag in step.flags:
        option, _, value = flag.partition("=")
        if step.keyword == "COPY" and option == "--from":
            yield value
        elif step.keyword == "RUN" and option == "--mount":
            fields = (field.partition("=") for field in value.split(","))
            yield from (source for name, _, source in fields if name.strip().lower() == "from")


# A variable may hold an address; what else begins like this is a file of the repository.
_REMOTE = re.compile(r"(?:\$|(?:https?|git|ssh)://|[\w.-]+@[\w.-]+:)", re.IGNORECASE)
_COMMIT = re.compile(r"(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f])")


def _require_fixed(step: Step) -> None:
    if any(flag.startswith("--checksum=") for flag in step.flags):
        return
    for source in step.arguments[:-1]:
        if _REMOTE.match(source) and not _COMMIT.search(source):
            raise NoKey(
                f"the Dockerfile adds {source}, which may be another file tomorrow; "
                "`ADD --checksum=sha256:…` names one"
            )
