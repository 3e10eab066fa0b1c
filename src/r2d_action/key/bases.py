"""The images that a Dockerfile starts from or copies from, by their names.

https://docs.docker.com/reference/dockerfile/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from r2d_action.dockerfile import steps_in
from r2d_action.key import NoKey

SCRATCH = "scratch"


def images_in(text: str, arguments: Mapping[str, str]) -> tuple[str, ...]:
    """Every image that ``text`` names, in its order; ``arguments`` are the build arguments.

    Raises :class:`NoKey` where a name depends on what is not known here.
    """
    walk = _Walk(arguments)
    for step in steps_in(text):
        walk.take(step.keyword, step.value)
    return tuple(dict.fromkeys((*_syntax(text), *walk.images)))


def _syntax(text: str) -> Iterator[str]:
    """The image of the Dockerfile's own language, named in its first comments."""
    for line in text.splitlines():
        match = re.fullmatch(r"\s*#\s*(\w+)\s*=\s*(\S+)\s*", line)
        if not match:
            return
        if match[1].lower() == "syntax":
            yield match[2]


class _Walk:
    """Down a Dockerfile: its stages, its arguments so far, and the images met."""

    def __init__(self, arguments: Mapping[str, str]) -> None:
        self.given = arguments
        self.known: dict[str, str] = {}
        self.stages: set[str] = set()
        self.images: list[str] = []

    def take(self, instruction: str, value: str) -> None:
        if instruction == "ARG" and not self.stages:
            self._declare(value)
        elif instruction == "FROM":
            self._start_stage(value)
        elif instruction in {"COPY", "ADD", "RUN", "ONBUILD"}:
            for name in re.findall(r"--from=(\S+)|--mount=\S*?\bfrom=([^,\s]+)", value):
                self._use(name[0] or name[1])

    def _declare(self, value: str) -> None:
        for word in value.split():
            name, has_default, default = word.partition("=")
            if name in self.given:
                self.known[name] = self.given[name]
            elif has_default:
                self.known[name] = self._expanded(default.strip("\"'"))

    def _start_stage(self, value: str) -> None:
        words = [word for word in value.split() if not word.startswith("--")]
        self._use(words[0] if words else "")
        if len(words) == 3 and words[1].upper() == "AS":
            self.stages.add(words[2].lower())
        self.stages.add(str(sum(stage.isdigit() for stage in self.stages)))

    def _use(self, name: str) -> None:
        image = self._expanded(name.strip("\"'"))
        if image.lower() not in self.stages and image != SCRATCH:
            self.images.append(image)

    def _expanded(self, text: str) -> str:
        return _VARIABLE.sub(self._value, text)

    def _value(self, match: re.Match[str]) -> str:
        name = match["plain"] or match["name"]
        value = self.known.get(name, "")
        if match["default"] is not None:
            return value or self._expanded(match["default"])
        if not value:
            raise NoKey(f"the Dockerfile names an image by ${{{name}}}, which has no value here")
        return value


_VARIABLE = re.compile(r"\$(?:(?P<plain>\w+)|\{(?P<name>\w+)(?::-(?P<default>[^}]*))?\})")
