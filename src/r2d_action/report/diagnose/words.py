"""How names and advice are put into words, alike in every family."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from r2d_action.errors import Place
from r2d_action.report.diagnose.diagnosis import Diagnosis
from r2d_action.report.diagnose.sources import SourceFile, Sources

LONGEST_NAME = 160
MOST_NAMES = 6


def code(text: str) -> str:
    """A name or a line as it is set apart in a sentence."""
    short = text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"
    return f"`{short.replace('`', chr(39))}`"


def unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))


def listed(names: Iterable[str]) -> str:
    """``a``, ``b`` and ``c``, as code; a long list is cut short."""
    known = unique(names)
    shown = [code(name) for name in known[:MOST_NAMES]]
    if len(known) > MOST_NAMES:
        shown.append(f"{len(known) - MOST_NAMES} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def block(text: str) -> str:
    """Lines to paste, below a sentence."""
    return "\n" + "\n".join(f"    {line}" for line in text.splitlines())


def written_in(place: Place | None, default: str) -> str:
    """Where to change something: “`apt.txt`, line 3”."""
    return code(default) if place is None else _place(place)


def _place(place: Place) -> str:
    return code(place.path) if place.line is None else f"{code(place.path)}, line {place.line}"


def install_with_apt(sources: Sources, *packages: str) -> str:
    """How to get Debian or Ubuntu packages into this repository's image."""
    if sources.dockerfile is None:
        file = code(sources.configuration("apt.txt"))
        lines = "\n".join(packages)
        return f"Add to {file}, or make that file with this in it:{block(lines)}"
    command = (
        "USER root\n"
        f"RUN apt-get update && apt-get install --yes {' '.join(packages)} "
        "&& rm -rf /var/lib/apt/lists/*\n"
        "USER ${NB_USER}"
    )
    file = code(sources.dockerfile.path)
    return (
        f"Add to {file}, above the step that failed (the last line goes back to the image's own "
        f"user, under the name it has there):{block(command)}"
    )


def windows_line_ends(file: SourceFile | None, place: Place | None = None) -> Diagnosis:
    """The same mistake for every program that reads ``file``."""
    return Diagnosis(
        what=f"{code(file.path) if file else 'A script'} has the line ends of Windows, which Linux "
        "does not understand.",
        why="It was written on Windows, and every line ends in a character that Linux takes for a "
        "part of what is on the line.",
        remedy="Save it with the line ends LF, and keep it so with this line in `.gitattributes`:"
        + block(f"{posixpath.basename(file.path) if file else '*.sh'} text eol=lf"),
        place=file.at(1) if file else place,
    )
