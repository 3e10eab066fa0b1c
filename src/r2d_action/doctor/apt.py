"""apt.txt: names of packages, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator

from r2d_action.doctor.finding import Trouble
from r2d_action.doctor.repository import Repository
from r2d_action.errors import Place
from r2d_action.report.diagnose.words import block, code

# What repo2docker asks of the beginning of each line.
_NAME = re.compile(r"[a-z0-9.+-]+")
_COMMAND = re.compile(r"^(?:sudo|apt(?:-get)?|ppa:|deb|add-apt-repository)\b|\s-|^-|&&")


def _entries(repository: Repository) -> Iterator[tuple[Place, str]]:
    for place, line in repository.lines("apt.txt"):
        if text := line.partition("#")[0].strip():
            yield place, text


def commands(repository: Repository) -> Iterator[Trouble]:
    for place, text in _entries(repository):
        if _COMMAND.search(text):
            words = re.sub(r"^(?:sudo\s+)?apt(?:-get)?\s+(?:-\S+\s+)*install\b|\s-\S+", "", text)
            names = [word for word in words.split() if _NAME.fullmatch(word)]
            yield Trouble(
                place,
                f"{code(text)} is a command, and `apt.txt` holds names of packages alone.",
                "Write one name on each line:" + block("\n".join(names) or "graphviz"),
            )


def wrong_names(repository: Repository) -> Iterator[Trouble]:
    for place, text in _entries(repository):
        if not _COMMAND.search(text) and not _NAME.match(text):
            yield Trouble(
                place,
                f"{code(text)} is not the name of a package, and repo2docker refuses it.",
                "Write one package name on each line, in lower case, without version or options.",
            )


def versions(repository: Repository) -> Iterator[Trouble]:
    for place, text in _entries(repository):
        name, _, version = text.partition("=")
        if version and _NAME.match(text) and not _COMMAND.search(text):
            yield Trouble(
                place,
                f"{code(text)} asks for one version, and Debian and Ubuntu keep only the newest "
                "build of a package.",
                f"Leave the version out:{block(name.strip())}",
            )
