"""What the rules ask of a Dockerfile."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from r2d_action.dockerfile import Step, in_json_list, steps_in
from r2d_action.errors import Place
from r2d_action.key import NoKey
from r2d_action.key.bases import SCRATCH, images_in
from r2d_action.report.diagnose.sources import NO_FILE, SourceFile

ROOT = frozenset({"root", "0"})


@dataclass(frozen=True, slots=True)
class Instruction(Step):
    @property
    def words(self) -> tuple[str, ...]:
        """What follows the options, also of the form of a JSON list."""
        words = _json_words(self.value) or tuple(self.value.split())
        return tuple(word for word in words if not word.startswith("--"))

    @property
    def takes_from_elsewhere(self) -> bool:
        """Out of another stage or image, and not out of the repository."""
        return any(flag.startswith("--from") for flag in self.flags)

    @property
    def is_list(self) -> bool:
        return bool(_json_words(self.value)) or self.value.strip() == "[]"


def _json_words(value: str) -> tuple[str, ...]:
    """Also of a list that has options or another keyword before it: `CMD` in `HEALTHCHECK`."""
    _, bracket, rest = value.partition("[")
    return in_json_list(bracket + rest)


@dataclass(frozen=True, slots=True)
class Base:
    """The image that a stage begins with; ``image`` is empty where a build argument that
    has no value here decides."""

    image: str
    line: int

    @property
    def name(self) -> str:
        """Without tag and digest, and without Docker Hub's own names in front."""
        name = re.sub(r"(?:@|:(?!.*/)).*", "", self.image)
        return re.sub(r"^(?:docker\.io/)?(?:library/)?", "", name)

    @property
    def tag(self) -> str:
        match = re.search(r":([^/:@]+)(?:@|$)", self.image)
        return match[1] if match else ""

    @property
    def is_pinned(self) -> bool:
        return "@" in self.image or self.tag not in {"", "latest"}


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """Without a file, there are no instructions."""

    file: SourceFile = NO_FILE
    instructions: tuple[Instruction, ...] = ()

    @classmethod
    def parse(cls, file: SourceFile) -> Dockerfile:
        steps = steps_in(file.text)
        return cls(file, tuple(Instruction(one.keyword, one.value, one.line) for one in steps))

    def at(self, line: int | None) -> Place:
        return self.file.at(line)

    def all(self, *keywords: str) -> Iterator[Instruction]:
        return (one for one in self.instructions if one.keyword in keywords)

    @property
    def steps(self) -> str:
        """One instruction a line, and all there is where a script is part of one."""
        lines = (f"{one.keyword} {one.value}" for one in self.instructions)
        return "\n".join([*lines, self.file.text if "<<" in self.file.text else ""])

    @property
    def final(self) -> tuple[Instruction, ...]:
        """The instructions of the last stage: what the image is made of."""
        starts = [n for n, one in enumerate(self.instructions) if one.keyword == "FROM"]
        return self.instructions[starts[-1] :] if starts else ()

    def last(self, keyword: str) -> Instruction | None:
        return next((one for one in reversed(self.final) if one.keyword == keyword), None)

    def bases(self) -> Iterator[Base]:
        """The images from outside, one for each stage that begins with one."""
        stages: set[str] = set()
        arguments: list[str] = []
        for one in self.instructions:
            if one.keyword == "ARG" and not stages:
                arguments.append(f"ARG {one.value}")
            elif one.keyword == "FROM" and one.words:
                image = _expanded(one.words[0], arguments)
                if image.lower() not in stages and image != SCRATCH:
                    yield Base(image, one.line)
                stages.update({one.words[-1].lower(), "a stage"})

    @property
    def base(self) -> Base | None:
        """What the last stage builds on, where that comes from outside."""
        start = self.final[0] if self.final else None
        return next((base for base in self.bases() if start and base.line == start.line), None)


def _expanded(word: str, arguments: list[str]) -> str:
    try:
        return next(iter(images_in("\n".join([*arguments, f"FROM {word}"]), {})), "")
    except NoKey:
        return ""
