"""The output of a failed build, taken apart into what its readers ask for.

Lines look like ``#12 34.5 text``: step 12 of the build said ``text`` after 34.5
seconds. The form is BuildKit's plain progress,
https://docs.docker.com/reference/cli/docker/buildx/build/#progress
Repo2docker before 2024 asks Docker's former builder, and podman has a builder of its own:
there, a line ``Step 3/5 : RUN …`` stands above all that the step says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from r2d_action.shown import as_shown

# Tools quote in the manner of the locale: one kind of quotation mark is enough for us.
# And what str.splitlines() takes for a line's end must not end one in the middle of ours.
_PLAIN = str.maketrans({"\u2018": "'", "\u2019": "'", "\u2028": " ", "\u2029": " "})

# An error is in the last lines of a step that fails, and no line of use is longer than this.
MOST_LINES = 5_000
LONGEST_LINE = 4_000

_VERTEX = re.compile(r"#(\d+) (.+)")
_TIMED = re.compile(r"\d+\.\d+(?: (.*))?")
_NUMBERED = re.compile(r"(?:\[\d+/\d+\] )?(?:Step|STEP) \d+(?:/\d+)? ?: (\S.*)")
_FORMER_NOTE = re.compile(r" ?-+> .*|Removing intermediate container .*")
_EXIT_CODE = re.compile(r"(?:exit code:|non-zero code:|exit status) (\d+)")
_EXCERPT_HEAD = re.compile(r"(\S.*):(\d+)")
_EXCERPT_RULE = re.compile(r"-{5,}")
_EXCERPT_LINE = re.compile(r"\s*(\d+) \|(?: (>>>)?\s?(.*))?")
_FINAL = re.compile(r"(?:ERROR|Error|error): (failed to (?:build|solve|receive|read)\b.*)")
_REFUSAL = re.compile(r"docker\.errors\.APIError: .*/build\?.* \(\"(.*)\"\)")
_TRACEBACK = "Traceback (most recent call last):"
_WRAPPER = re.compile(r"subprocess\.CalledProcessError: .*'buildx', 'build'")


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the build: ``name`` holds its instruction, ``error`` what the engine says."""

    name: str
    lines: tuple[str, ...] = ()
    error: str = ""

    @property
    def exit_code(self) -> int | None:
        match = _EXIT_CODE.search(self.error)
        return int(match[1][:9]) if match else None

    @property
    def instruction(self) -> str:
        """The name without its ``[stage 3/7]``."""
        return " ".join(re.sub(r"^\[[^\]]*\]", "", self.name).split())


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The lines of the built Dockerfile that the engine points at; ``first`` counts from 1."""

    first: int
    lines: tuple[str, ...]

    @property
    def last(self) -> int:
        return self.first + len(self.lines) - 1


@dataclass(frozen=True, slots=True)
class Stream:
    """``final`` is the engine's closing error; ``exception`` and ``trace`` are of repo2docker's
    own failure, empty when it only passes on that the build failed."""

    lines: tuple[str, ...]
    failed: Step | None = None
    excerpt: Excerpt | None = None
    final: str = ""
    exception: str = ""
    trace: tuple[str, ...] = ()

    @classmethod
    def parse(cls, raw: Iterable[str]) -> Stream:
        lines = tuple(_cleaned(line) for line in raw)
        start = _traceback_start(lines)
        before, trace = lines[:start], lines[start:]
        return cls(
            lines=before,
            failed=_failed_step(before),
            excerpt=_excerpt(before),
            final=_final_error(before) or _refusal(trace),
            exception="" if _refusal(trace) else _exception(trace),
            trace=trace,
        )

    @property
    def evidence(self) -> tuple[str, ...]:
        """What the failed step said, or everything when no step is known to have failed."""
        if self.failed:
            return (*self.failed.lines, self.failed.error)
        if self.final:
            return (self.final,)
        return (*self.lines[-MOST_LINES:], *self.exception.splitlines())

    @property
    def verdict(self) -> str:
        """What the engine itself says about the end of the build."""
        error = self.failed.error if self.failed else ""
        return "\n".join(part for part in (error, self.final) if part)

    @property
    def instruction(self) -> str:
        return self.failed.instruction if self.failed else ""

    def find(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """The first line of the evidence with ``pattern``."""
        return next(iter(self.find_all(pattern)), None)

    def find_all(self, pattern: re.Pattern[str]) -> list[re.Match[str]]:
        return [match for line in self.evidence if (match := pattern.search(line))]

    def follow(self, pattern: re.Pattern[str]) -> tuple[str, ...]:
        """The evidence after the first line with ``pattern``."""
        for number, line in enumerate(self.evidence, start=1):
            if pattern.search(line):
                return self.evidence[number:]
        return ()


def _cleaned(line: str) -> str:
    return as_shown(line)[:LONGEST_LINE].translate(_PLAIN).rstrip()


@dataclass(slots=True)
class _Vertex:
    name: str = ""
    error: str = ""
    lines: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        if timed := _TIMED.fullmatch(text):
            self.lines.append(timed[1] or "")
        elif text.startswith("ERROR: "):
            self.error = text.removeprefix("ERROR: ")
        else:
            self.name = self.name or text


def _failed_step(lines: Sequence[str]) -> Step | None:
    vertices: dict[str, _Vertex] = {}
    for line in lines:
        if match := _VERTEX.fullmatch(line):
            vertices.setdefault(match[1], _Vertex()).add(match[2])
    for vertex in reversed(vertices.values()):
        if vertex.error:
            return Step(vertex.name, tuple(vertex.lines[-MOST_LINES:]), vertex.error)
    return None if vertices else _last_numbered_step(lines)


def _last_numbered_step(lines: Sequence[str]) -> Step | None:
    """These builders end with the step that fails, and their last line says how."""
    for number in range(len(lines) - 1, -1, -1):
        if match := _NUMBERED.fullmatch(lines[number]):
            said = [one for one in lines[number + 1 :] if one and not _FORMER_NOTE.fullmatch(one)]
            return Step(match[1], tuple(said[:-1][-MOST_LINES:]), said[-1]) if said else None
    return None


def _excerpt(lines: Sequence[str]) -> Excerpt | None:
    for number in range(len(lines) - 2, -1, -1):
        if _EXCERPT_HEAD.fullmatch(lines[number]) and _EXCERPT_RULE.fullmatch(lines[number + 1]):
            return _read_excerpt(lines[number + 2 :])
    return None


def _read_excerpt(lines: Sequence[str]) -> Excerpt | None:
    marked: list[tuple[int, str]] = []
    for line in lines:
        match = _EXCERPT_LINE.fullmatch(line)
        if not match:
            break
        if match[2]:
            marked.append((int(match[1][:9]), match[3]))
    return Excerpt(marked[0][0], tuple(text for _, text in marked)) if marked else None


def _final_error(lines: Sequence[str]) -> str:
    for number in range(len(lines) - 1, -1, -1):
        if match := _FINAL.match(lines[number]):
            return "\n".join([match[1], *(line for line in lines[number + 1 :] if line)])
    return ""


def _refusal(trace: Sequence[str]) -> str:
    """What the former builder answers when it cannot read the Dockerfile at all."""
    matches = (_REFUSAL.fullmatch(line) for line in reversed(trace))
    return next((match[1] for match in matches if match), "")


def _traceback_start(lines: Sequence[str]) -> int:
    """Where repo2docker's own traceback begins, at times on the same line as its last words.

    A traceback of a step has the step's number before it.
    """
    starts = (n for n, line in enumerate(lines) if line.endswith(_TRACEBACK))
    return next((n for n in starts if not re.match(r"#?\d", lines[n])), len(lines))


def _exception(trace: Sequence[str]) -> str:
    """The exception at the end of ``trace``, unless it only says that the build failed."""
    starts = [number for number, line in enumerate(trace) if line.endswith(_TRACEBACK)]
    last = trace[starts[-1] + 1 :] if starts else ()
    for number, line in enumerate(last):
        if line and not line.startswith(" "):
            text = "\n".join(last[number:]).strip()
            return "" if _WRAPPER.match(text) else text
    return ""
