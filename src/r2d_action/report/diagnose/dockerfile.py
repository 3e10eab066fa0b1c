"""The user's Dockerfile cannot be read, or asks for what is not there."""

from __future__ import annotations

import difflib
import posixpath
import re

from r2d_action.dockerfile import steps_in
from r2d_action.errors import Place
from r2d_action.report.diagnose.diagnosis import Diagnosis
from r2d_action.report.diagnose.ignoring import line_leaving_out
from r2d_action.report.diagnose.passage import instruction_place, step_place
from r2d_action.report.diagnose.sources import SourceFile, Sources
from r2d_action.report.diagnose.stream import Stream
from r2d_action.report.diagnose.words import block, code

LINK = "https://docs.docker.com/reference/dockerfile/"

EXAMPLE_FROM = "FROM quay.io/jupyter/base-notebook:latest"
EXAMPLE_ARG = "ARG BASE=quay.io/jupyter/base-notebook:latest\nFROM ${BASE}"

_PARSE = re.compile(r"dockerfile parse error on line (\d+): (.*)")
_UNKNOWN_WORD = re.compile(
    r"unknown (?P<kind>instruction|flag): (?P<word>\S+)(?: \(did you mean (?P<meant>[^)]+)\?\))?"
)
_EMPTY = re.compile(r"file with no instructions|Dockerfile\b.* cannot be empty")
_BLANK_BASE = re.compile(r"base name \((.*?)\) should not be blank")
_BAD_REFERENCE = re.compile(r'failed to parse stage name "(.*?)": invalid reference format')
_QUOTE = re.compile(r"looking for matching (\S+)")
_HEREDOC = re.compile(r"unterminated heredoc")
_NO_STAGE = re.compile(r"no build stage in current context")
_NOT_FOUND = re.compile(
    r'"/?([^"]*)": not found'
    r"|failed to walk \S+/buildkit-mount\d+/(\S+?): lstat"
    r"|COPY failed: .*\bstat (?:\S+/docker-builder\d+/)?(\S+?): "
)
_NO_SOURCE = re.compile(r"no source files were specified")
_TAKEN = re.compile(
    r"\b(?P<kind>user|group)add: (?:[UG]ID '?(?P<number>\d+)'?|(?:user|group) '(?P<name>[^']+)')"
    r" (?:is not unique|already exists)"
)
_NO_USER = re.compile(r"unable to find user (\S+): no matching entries in passwd file")


def parse_error(stream: Stream, sources: Sources) -> Diagnosis | None:
    match = _PARSE.search(stream.final)
    if not match:
        return None
    what, remedy = _parse_problem(match[2])
    return Diagnosis(
        what=what,
        why="Each line of a Dockerfile begins with an instruction such as `FROM`, `RUN` or `COPY`, "
        "unless the line before it ends in a backslash.",
        remedy=remedy,
        place=instruction_place(stream, sources)
        if stream.excerpt
        else _numbered(int(match[1][:9]), sources),
        link=LINK,
    )


def _numbered(line: int, sources: Sources) -> Place | None:
    return sources.dockerfile.at(line) if sources.dockerfile else None


def _parse_problem(text: str) -> tuple[str, str]:
    match = _UNKNOWN_WORD.search(text)
    if not match:
        return (
            f"A line of the Dockerfile is not complete: {text.rstrip('.')}.",
            "Complete the line, and check that lines which belong together are joined by `\\`.",
        )
    dashes = "--" if match["kind"] == "flag" else ""
    kind = "option" if dashes else "instruction"
    remedy = (
        f"Write {code(dashes + match['meant'])} instead."
        if match["meant"]
        else "Correct its spelling, or end the line before it with `\\` if both belong together."
    )
    return f"{code(dashes + match['word'])} is no {kind} of a Dockerfile.", remedy


# What the engine says, what that means, why it is so, and what to do.
_MISTAKES = (
    (
        _EMPTY,
        "The Dockerfile has no instructions.",
        "Its lines are empty or comments, all of them.",
        f"Begin it with the image to start from:{block(EXAMPLE_FROM)}",
    ),
    (
        _BLANK_BASE,
        "The `FROM` line names no image: {} has no value.",
        "An `ARG` line without `=` has no value of its own, and nothing gives it one here.",
        f"Give the argument a value, above `FROM`:{block(EXAMPLE_ARG)}",
    ),
    (
        _BAD_REFERENCE,
        "{} in the `FROM` line is not the name of an image.",
        "Names of images have lower-case letters, digits and `/ . _ -`, and a tag after a colon.",
        "Write it in lower-case letters without blanks, as `registry/name:tag`.",
    ),
    (
        _QUOTE,
        "A quotation mark is opened and never closed ({}).",
        "A text in quotation marks goes on until the next mark of the same kind.",
        "Close it on the same line, or write a backslash before one that is meant as it is.",
    ),
    (
        _HEREDOC,
        "The end of a block that begins with `<<` is missing.",
        "Such a block goes on until the word after `<<` stands alone on a line.",
        "End the block with a line that holds nothing but the word after `<<`.",
    ),
    (
        _NO_STAGE,
        "An instruction comes before the first `FROM`.",
        "All others work on an image, and `FROM` names the one to begin with.",
        "Move `FROM` to the top; only `ARG` may come before it.",
    ),
)


def unreadable(stream: Stream, sources: Sources) -> Diagnosis | None:
    """The other ways in which the text of a Dockerfile is wrong as it stands."""
    for pattern, what, why, remedy in _MISTAKES:
        if match := pattern.search(stream.verdict):
            return Diagnosis(
                what=what.format(*(code(group) for group in match.groups())),
                why=why,
                remedy=remedy,
                place=_argument_line(match[0], sources) or instruction_place(stream, sources),
                link=LINK,
            )
    return None


def _argument_line(problem: str, sources: Sources) -> Place | None:
    """Where the argument is declared whose value ``FROM`` misses."""
    file = sources.dockerfile
    if file is None or not _BLANK_BASE.search(problem):
        return None
    names = re.findall(r"\$\{?(\w+)", problem)
    steps = (step for step in steps_in(file.text) if step.keyword == "ARG" and step.value in names)
    return next((file.at(step.line) for step in steps), None)


def missing_user(stream: Stream, sources: Sources) -> Diagnosis | None:
    match = _NO_USER.search(stream.verdict)
    if not match:
        return None
    return Diagnosis(
        what=f"The image has no user {code(match[1])}.",
        why="`USER` names a user that the image to start from, or an earlier step, must have made.",
        remedy="Use the name that the image has, or make the user first:"
        + block(f"RUN useradd --create-home --uid 1000 {match[1]}"),
        place=_user_line(match[1], sources) or instruction_place(stream, sources),
    )


def _user_line(user: str, sources: Sources) -> Place | None:
    file = sources.dockerfile
    pattern = re.compile(rf"\s*USER\s+{re.escape(user)}\b", re.IGNORECASE)
    lines = enumerate(file.lines, start=1) if file else ()
    found = next((number for number, line in lines if pattern.match(line)), None)
    return file.at(found) if file and found else None


def user_taken(stream: Stream, sources: Sources) -> Diagnosis | None:
    match = stream.find(_TAKEN)
    if not match:
        return None
    kind, number, name = match["kind"], match["number"], match["name"]
    there = f"with the number {number}" if number else code(name)
    new = 'RUN usermod --login NAME --move-home --home /home/NAME "$(id -nu 1000)"'
    return Diagnosis(
        what=f"The image has a {kind} {there} already.",
        why="Many images bring a user for notebooks, and those of Ubuntu 24.04 one called "
        "`ubuntu`; no two can have one number or name.",
        remedy="Remove this command, and use the one that is there, whose name you can change:"
        + block(f"{new}\nUSER 1000"),
        place=step_place(stream, sources, f"{kind}add"),
    )


def missing_source(stream: Stream, sources: Sources) -> Diagnosis | None:
    """``COPY`` or ``ADD`` of something that did not come along into the build."""
    match = _NOT_FOUND.search(stream.verdict)
    copies = stream.instruction.upper().startswith(("COPY", "ADD"))
    if not copies or not (match or _NO_SOURCE.search(stream.verdict)):
        return None
    generated = sources.dockerfile is None
    sought = next((group for group in match.groups() if group), "") if match else ""
    path = _source_in(stream.instruction, sought)
    path = path.removeprefix("src/") if generated else path
    taken = "--from=" not in stream.instruction and left_out(path, stream, sources)
    return taken or _not_there(path, stream, sources)


def _source_in(instruction: str, sought: str) -> str:
    """What the user wrote: the engine may name no more than the folder that is not there."""
    words = [word for word in instruction.split()[1:-1] if not word.startswith("--")]
    sources = [posixpath.normpath(word).lstrip("/") for word in words]
    below = (one for one in sources if sought and one.startswith(f"{sought}/"))
    return next(below, sought or next(iter(sources), instruction))


def left_out(path: str, stream: Stream, sources: Sources) -> Diagnosis | None:
    """Whether ``path`` is in the repository and an ignore file keeps it from the build."""
    found = _ignoring_rule(path, sources)
    if found is None:
        return None
    file, line = found
    rule = code(file.lines[line - 1].strip())
    return Diagnosis(
        what=f"{code(path)} is needed and does not take part in the build.",
        why=f"Line {line} of {code(file.path)} ({rule}) leaves it out.",
        remedy=f"Remove that line, or add this one at the end of {code(file.path)}:"
        + block(f"!{path}"),
        place=file.at(line) if sources.dockerfile is None else instruction_place(stream, sources),
    )


def _not_there(path: str, stream: Stream, sources: Sources) -> Diagnosis:
    if part := re.search(r"--from=(\S+)", stream.instruction):
        return Diagnosis(
            what=f"There is no {code(f'/{path}')} in {code(part[1])}.",
            why="The file is taken from another image, or from an earlier part of the Dockerfile, "
            "which does not have it there.",
            remedy="Correct the path, or look at what the step that makes the file calls it.",
            place=instruction_place(stream, sources),
        )
    if re.search(r"\s\.\./", stream.instruction):
        return Diagnosis(
            what=f"{code(path)} lies outside of the folder that is built.",
            why="A build sees the files of its own folder alone, so `../` leads nowhere.",
            remedy="Move the file into the folder that is built, or build the top of the "
            "repository instead of a SUBDIR.",
            place=instruction_place(stream, sources),
        )
    near = _nearest(path, sources)
    hint = f"Did you mean {code(near)}? " if near else ""
    return Diagnosis(
        what=f"There is no {code(path)} in the repository.",
        why="The name is looked up from the top of the folder that is built, with the case of its "
        "letters, and among committed files.",
        remedy=f"{hint}Correct the name in the Dockerfile, or commit the file (check that "
        "`.gitignore` does not keep it out).",
        place=instruction_place(stream, sources),
    )


def _nearest(path: str, sources: Sources) -> str | None:
    """A file of the same name elsewhere, or of a name much like it."""
    name = posixpath.basename(path).lower()
    same = [one for one in sorted(sources.listing) if posixpath.basename(one).lower() == name]
    close = difflib.get_close_matches(path, sorted(sources.listing), n=1, cutoff=0.7)
    return next(iter(same or close), None)


def _ignoring_rule(path: str, sources: Sources) -> tuple[SourceFile, int] | None:
    """The line of the ignore file that decides that ``path``, which exists, stays out."""
    file = sources.ignore_file
    exists = any(one == path or one.startswith(f"{path}/") for one in sources.listing)
    if file is None or not exists:
        return None
    line = line_leaving_out(path, file.text, has_dockerfile=sources.dockerfile is not None)
    return (file, line) if line else None
