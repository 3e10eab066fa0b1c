"""Which Python, and whether repo2docker has it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from r2d_action.doctor.finding import Trouble
from r2d_action.doctor.repository import Repository
from r2d_action.doctor.toml import tomllib
from r2d_action.errors import Place
from r2d_action.report.diagnose.sources import SourceFile
from r2d_action.report.diagnose.words import block, code

DEFAULT_PYTHON = "3.10"
# The environments that repo2docker 2026.4 carries.
# https://github.com/jupyterhub/repo2docker/tree/main/repo2docker/buildpacks/conda
SUPPORTED = ("2.7", "3.5", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
# https://devguide.python.org/versions/
END_OF_LIFE = {
    "2.7": date(2020, 1, 1),
    "3.5": date(2020, 9, 30),
    "3.6": date(2021, 12, 23),
    "3.7": date(2023, 6, 27),
    "3.8": date(2024, 10, 7),
    "3.9": date(2025, 10, 31),
    "3.10": date(2026, 10, 31),
    "3.11": date(2027, 10, 31),
    "3.12": date(2028, 10, 31),
    "3.13": date(2029, 10, 31),
    "3.14": date(2030, 10, 31),
}
_CONDA_PIN = re.compile(r"python\s*=+\s*([\d.]*)")
_CONDA_RANGE = re.compile(r"python\s*(?:[<>!~]|\d)")


@dataclass(frozen=True, slots=True)
class Asked:
    """The version of Python that a file asks for, as it is written there."""

    version: str
    place: Place
    example: str

    @property
    def minor(self) -> str:
        parts = self.version.strip(".").split(".")
        return (
            ".".join(parts[:2])
            if len(parts) > 1
            else {"2": "2.7", "3": DEFAULT_PYTHON}.get(parts[0], parts[0])
        )


def asked(repository: Repository) -> Asked | None:
    """What decides the Python here, if anything in the repository does."""
    environment = repository.environment
    for entry in environment.packages:
        match = _CONDA_PIN.match(entry.text)
        if match and match[1]:
            return Asked(match[1], entry.place, "- python=3.12")
    runtime, file = repository.decision.runtime, repository.config("runtime.txt")
    if not environment.file.path and file and runtime and runtime.language == "python":
        return Asked(runtime.version, file.at(1), "python-3.12")
    return _pipfile(repository)


def _pipfile(repository: Repository) -> Asked | None:
    for name, read in (("Pipfile.lock", _lock_requires), ("Pipfile", _pipfile_requires)):
        file = repository.config(name)
        requires = read(file.text) if file else {}
        version = requires.get("python_full_version") or requires.get("python_version")
        if file and isinstance(version, str) and re.match(r"\d", version):
            line = file.line_naming("python_version") or file.line_naming("python_full_version")
            return Asked(version, file.at(line), 'python_version = "3.12"')
    return None


def _lock_requires(text: str) -> Any:
    try:
        return json.loads(text).get("_meta", {}).get("requires", {})
    except (ValueError, AttributeError):
        return {}


def _pipfile_requires(text: str) -> Any:
    try:
        return tomllib.loads(text).get("requires", {})
    except tomllib.TOMLDecodeError:
        return {}


def unsupported(repository: Repository) -> Iterator[Trouble]:
    python = asked(repository)
    if python and python.minor not in SUPPORTED:
        yield Trouble(
            python.place,
            f"repo2docker has no Python {python.minor}: it is too old, too new or misspelled.",
            f"Ask for one from {SUPPORTED[4]} to {SUPPORTED[-1]}, for example:"
            + block(python.example),
        )


def three_numbers(repository: Repository) -> Iterator[Trouble]:
    """repo2docker refuses them in runtime.txt, and drops the third elsewhere."""
    python, file = asked(repository), repository.config("runtime.txt")
    if python and file and python.place.path == file.path and python.version.count(".") > 1:
        yield Trouble(
            python.place,
            f"repo2docker refuses a Python version of three numbers ({code(python.version)}).",
            f"Write the first two:{block(f'python-{python.minor}')}",
        )


def end_of_life(repository: Repository) -> Iterator[Trouble]:
    python = asked(repository)
    end = END_OF_LIFE.get(python.minor) if python else None
    if python and end and end < repository.settings.today:
        yield Trouble(
            python.place,
            f"Python {python.minor} gets no more security fixes since {end:%B %Y}, and new "
            "versions of packages are no longer made for it.",
            f"Move to a newer one when you can, for example:{block(python.example)}",
        )


def ranges(repository: Repository) -> Iterator[Trouble]:
    for entry in repository.environment.packages:
        if _CONDA_RANGE.match(entry.text):
            yield Trouble(
                entry.place,
                f"repo2docker does not understand {code(entry.text)}: it sets up Python "
                f"{DEFAULT_PYTHON} first, and conda then exchanges it, which takes longer and may "
                "fail.",
                f"Name one version:{block('- python=3.12')}",
            )


def unnamed(repository: Repository) -> Iterator[Trouble]:
    environment = repository.environment
    if repository.decision.buildpack.name != "conda":
        return
    if environment.packages and all(entry.name != "python" for entry in environment.packages):
        yield Trouble(
            environment.file.at(_line(environment.file, "dependencies")),
            f"No version of Python is named, so it is {DEFAULT_PYTHON} now and another one after "
            "some update of repo2docker.",
            f"Name one in the list:{block('- python=3.12')}",
        )


def _line(file: SourceFile, word: str) -> int:
    return file.line_naming(word) or 1


def pyproject_range(repository: Repository) -> Iterator[Trouble]:
    file, chosen = repository.config("pyproject.toml"), asked(repository)
    wanted = _requires_python(file.text) if file else None
    if file is None or wanted is None or repository.decision.buildpack.name == "r":
        return
    # Without a version of the user's, repo2docker takes the newest inside the range.
    candidates = [chosen.minor] if chosen else list(SUPPORTED[4:])
    if any(wanted.filter(candidates)):
        return
    yield Trouble(
        file.at(_line(file, "requires-python")),
        f"`requires-python` is {code(str(wanted))}, and "
        + (f"that excludes Python {chosen.minor}." if chosen else "repo2docker has none of these."),
        "Name a version inside the range in `runtime.txt`, for example `python-3.12`, or widen "
        "`requires-python`.",
    )


def _requires_python(text: str) -> SpecifierSet | None:
    try:
        wanted = tomllib.loads(text).get("project", {}).get("requires-python")
        return SpecifierSet(wanted) if isinstance(wanted, str) else None
    except (tomllib.TOMLDecodeError, InvalidSpecifier, AttributeError):
        return None
