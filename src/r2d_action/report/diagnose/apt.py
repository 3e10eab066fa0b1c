"""apt cannot install a Debian or Ubuntu package."""

from __future__ import annotations

import re

from r2d_action.report.diagnose.diagnosis import Diagnosis
from r2d_action.report.diagnose.passage import locate_named, passages, step_place
from r2d_action.report.diagnose.sources import Sources
from r2d_action.report.diagnose.stream import Stream
from r2d_action.report.diagnose.words import (
    block,
    code,
    listed,
    unique,
    windows_line_ends,
    written_in,
)

_UNKNOWN = re.compile(
    r"E: Unable to locate package (\S+)|E: Couldn't find any package by (?:glob|regex) '([^']+)'"
)
_NO_CANDIDATE = re.compile(r"E: Package '?(\S+?)'? has no installation candidate")
_REPLACED = re.compile(r"However the following packages? replaces? it:")
_VERSION = re.compile(r"E: Version '([^']+)' for '([^']+)' was not found")
_NOT_ROOT = re.compile(
    r"^E: .*(?:Permission denied|are you root)|Unable to acquire the dpkg frontend lock.*root"
)
_ASKS = re.compile(r"Do you want to continue\? \[Y/n\] Abort")
_STALE = re.compile(r"E: Failed to fetch \S+ +404|maybe run apt-get update")
_RELEASE = re.compile(r"E: The repository '([^']+)' (?:does not have|no longer has|is not)")
_UNMET = re.compile(
    r"^E: (?:Unable to correct problems|Unmet dependencies|Error, pkgProblemResolver)"
)
_CLASH = re.compile(r"^ ?(\S+) : (?:Depends|Conflicts|Breaks|PreDepends): (\S+)")


def unknown_package(stream: Stream, sources: Sources) -> Diagnosis | None:
    names = unique(match[1] or match[2] for match in stream.find_all(_UNKNOWN))
    if not names:
        return None
    place = step_place(stream, sources, *names)
    if sources.dockerfile and not re.search(r"\bapt(?:-get)? .*update\b", stream.instruction):
        return Diagnosis(
            what=f"apt cannot find {listed(names)}.",
            why="The image holds no list of packages until a step asks for it.",
            remedy="Ask for the list in the same step:"
            + block(f"RUN apt-get update && apt-get install --yes {' '.join(names)}"),
            place=place,
        )
    return Diagnosis(
        what=f"apt cannot find {listed(names)}.",
        why="The name is misspelled, or this version of Debian or Ubuntu calls the package "
        "something else or does not have it.",
        remedy=f"Look up the package's name, and correct it in {written_in(place, 'apt.txt')}.",
        place=place,
    )


def windows_list(stream: Stream, sources: Sources) -> Diagnosis | None:
    """apt shows nothing of a carriage return at the end of a name."""
    names = unique(match[1] for match in stream.find_all(_UNKNOWN) if match[1])
    files = [found.file for found in passages(stream, sources)]
    file = next((one for one in files if any(f"{name}\r" in one.text for name in names)), None)
    return windows_line_ends(file) if file else None


def no_candidate(stream: Stream, sources: Sources) -> Diagnosis | None:
    match = stream.find(_NO_CANDIDATE)
    if not match:
        return None
    place = step_place(stream, sources, match[1])
    successors = _successors(stream)
    remedy = (
        f"Write {listed(successors)} instead, in {written_in(place, 'apt.txt')}."
        if successors
        else f"Look up what replaced it, and correct {written_in(place, 'apt.txt')}."
    )
    return Diagnosis(
        what=f"apt knows {code(match[1])} by name only and cannot install it.",
        why="This version of Debian or Ubuntu has dropped the package or has it under a new name.",
        remedy=remedy,
        place=place,
    )


def _successors(stream: Stream) -> tuple[str, ...]:
    """apt's own proposal: indented lines below a heading."""
    names: list[str] = []
    for line in stream.follow(_REPLACED):
        if not line.startswith(" "):
            break
        names += line.split()
    return unique(names)


def unknown_version(stream: Stream, sources: Sources) -> Diagnosis | None:
    match = stream.find(_VERSION)
    if not match:
        return None
    return Diagnosis(
        what=f"apt has {code(match[2])}, but not in version {code(match[1])}.",
        why="Debian and Ubuntu keep only the newest build of a package.",
        remedy=f"Leave the version out: write {code(match[2])} alone.",
        place=step_place(stream, sources, match[2]),
    )


def not_root(stream: Stream, sources: Sources) -> Diagnosis | None:
    if not stream.find(_NOT_ROOT):
        return None
    return Diagnosis(
        what="apt may not install packages here.",
        why="The step runs as the image's ordinary user, and apt needs the administrator (root).",
        remedy="Change the user for this step, and back after it:"
        + block("USER root\nRUN apt-get update && apt-get install --yes …\nUSER ${NB_USER}")
        if sources.dockerfile
        else "Move the packages to `apt.txt`: that file is installed as root.",
        place=step_place(stream, sources, "apt-get", "apt"),
    )


def asks(stream: Stream, sources: Sources) -> Diagnosis | None:
    if not stream.find(_ASKS):
        return None
    return Diagnosis(
        what="apt asks whether it should go on, and nobody can answer in a build.",
        why="It asks unless it is told beforehand that the answer is yes.",
        remedy="Write `apt-get install --yes` instead of `apt-get install`.",
        place=step_place(stream, sources, "apt-get", "apt"),
    )


def no_release(stream: Stream, sources: Sources) -> Diagnosis | None:
    match = stream.find(_RELEASE)
    if not match:
        return None
    address = match[1].removesuffix(" Release").strip()
    return Diagnosis(
        what=f"apt does not get packages from {code(address)}.",
        why="The version of Debian or Ubuntu in the image has reached its end, or the extra source "
        "of packages was added for another version or without its key.",
        remedy="Start from a newer image, or correct the line that adds the source.",
        place=step_place(stream, sources, *address.split()[:2]),
    )


def stale_list(stream: Stream, sources: Sources) -> Diagnosis | None:
    if not stream.find(_STALE):
        return None
    return Diagnosis(
        what="apt asks for files that are no longer on the server.",
        why="Its list of packages comes from an earlier step, and grew old in the build cache.",
        remedy="Fetch the list and install in one step:"
        + block("RUN apt-get update && apt-get install --yes …"),
        place=step_place(stream, sources, "apt-get", "apt"),
    )


def clash(stream: Stream, sources: Sources) -> Diagnosis | None:
    if not stream.find(_UNMET):
        return None
    pairs = [(match[1], match[2]) for match in stream.find_all(_CLASH)]
    names = unique(name for pair in pairs for name in pair)
    found = passages(stream, sources)
    ours = [name for name in names if locate_named(found, name)] or list(names)
    subject = listed(ours) if ours else "these packages"
    return Diagnosis(
        what=f"apt cannot install {subject} together.",
        why="One of them needs another version of the other, or excludes it.",
        remedy="Leave one of them out, and leave out versions that are asked for by number.",
        place=step_place(stream, sources, *ours),
    )
