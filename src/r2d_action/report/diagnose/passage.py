"""Where in the user's files a failed step was written down."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from r2d_action.dockerfile import steps_in
from r2d_action.errors import Place
from r2d_action.report.diagnose.sources import SourceFile, Sources
from r2d_action.report.diagnose.stream import Excerpt, Stream
from r2d_action.report.diagnose.words import code


@dataclass(frozen=True, slots=True)
class Passage:
    """Lines ``first`` to ``last`` of a file, or all of it when there is no ``first``."""

    file: SourceFile
    first: int | None = None
    last: int | None = None

    @property
    def place(self) -> Place:
        return self.file.at(self.first)

    @property
    def lines(self) -> list[str]:
        return self.file.lines[(self.first or 1) - 1 : self.last]

    def at(self, number: int) -> Place:
        """The place of one of :attr:`lines`, counted from 1."""
        return self.file.at((self.first or 1) - 1 + number)

    def naming(self, word: str) -> Place | None:
        line = self.file.line_naming(word, self.first or 1, self.last)
        return self.file.at(line) if line else None


# repo2docker's own steps that do not name the user's file they come from.
_STEPS = (
    (re.compile(r"\bpipenv install\b"), ("Pipfile", "Pipfile.lock")),
    (re.compile(r"/bin/pip install --no-cache-dir \.(?:\s|$)"), ("pyproject.toml", "setup.py")),
    (re.compile(r"apt-get install --yes --no-install-recommends (?!.*/dev/null)"), ("apt.txt",)),
    (re.compile(r"\bPkg\.instantiate\b"), ("JuliaProject.toml", "Project.toml")),
    (re.compile(r"remotes::install_local"), ("DESCRIPTION",)),
    (re.compile(r"\br-irkernel\b"), ("environment.yml", "environment.yaml")),
)


def passages(stream: Stream, sources: Sources) -> tuple[Passage, ...]:
    """The places that the failed step may come from, the most telling one first."""
    written = _written(stream, sources)
    instruction = "\n".join([stream.instruction, *(stream.excerpt.lines if stream.excerpt else ())])
    mentioned = [Passage(file) for file in sources.mentioned_in(instruction)]
    implied = [] if sources.dockerfile else _implied(instruction, sources)
    return (*mentioned, *implied, *([written] if written else []))


def locate(found: Sequence[Passage], *words: str) -> Place | None:
    """The line that names the first of ``words`` that is named at all, else where to look: at
    the failed line itself rather than at a file that it mentions. An empty word names nothing."""
    for word in words:
        for passage in found:
            if place := passage.naming(word):
                return place
    with_line = (passage for passage in found if passage.first is not None)
    where = next(with_line, next(iter(found), None))
    return where.place if where else None


def locate_named(found: Sequence[Passage], word: str) -> Place | None:
    """The line that names ``word``, and nothing when there is none."""
    return next((place for passage in found if (place := passage.naming(word))), None)


def step_place(stream: Stream, sources: Sources, *words: str) -> Place | None:
    """As :func:`locate`, in all places that the failed step may come from."""
    return locate(passages(stream, sources), *words)


def instruction_place(stream: Stream, sources: Sources) -> Place | None:
    """The line of the failed instruction itself, whatever files it names."""
    found = passages(stream, sources)
    return found[-1].place if found else None


def step_name(stream: Stream, sources: Sources) -> str:
    """What failed, in a reader's terms: repo2docker's own commands mean nothing to its users."""
    found = passages(stream, sources)
    if found and found[0].first is None and sources.dockerfile is None:
        return f"The step that takes in {code(found[0].file.path)}"
    return f"The step {code(stream.instruction)}"


def _implied(instruction: str, sources: Sources) -> list[Passage]:
    names = [name for pattern, names in _STEPS if pattern.search(instruction) for name in names]
    files = [file for name in names if (file := sources.find(name))]
    return [Passage(file) for file in files]


def _written(stream: Stream, sources: Sources) -> Passage | None:
    """The instruction in the user's own Dockerfile or in the appendix at its end.

    Lines of the Dockerfile that repo2docker generates are nobody's, its appendix apart.
    """
    dockerfile, excerpt = sources.dockerfile, stream.excerpt
    if excerpt is None:
        return _worded_alike(stream.instruction, dockerfile) if dockerfile else None
    if dockerfile and excerpt.first <= dockerfile.line_count:
        return Passage(dockerfile, excerpt.first, excerpt.last)
    return _in_appendix(excerpt, sources)


def _worded_alike(instruction: str, file: SourceFile) -> Passage:
    """Builders that show no lines of the Dockerfile repeat the instruction."""
    steps = list(steps_in(file.text))
    ends = [*(step.line - 1 for step in steps[1:]), file.line_count]
    for step, end in zip(steps, ends, strict=False):
        if instruction and f"{step.keyword} {step.value}".split() == instruction.split():
            return Passage(file, step.line, end)
    return Passage(file)


def _in_appendix(excerpt: Excerpt, sources: Sources) -> Passage | None:
    appendix = sources.appendix
    if appendix is None:
        return None
    # In a user's Dockerfile it follows the last line; in a generated one only its text tells.
    above = sources.dockerfile.line_count if sources.dockerfile else 0
    first = excerpt.first - above if above else appendix.line_with(excerpt.lines[0])
    if first is None:
        return None
    return Passage(appendix, first, first + len(excerpt.lines) - 1)
