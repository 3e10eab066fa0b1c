"""requirements.txt, and what environment.yml leaves to pip."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from r2d_action.doctor.conda import is_for_windows
from r2d_action.doctor.finding import Trouble
from r2d_action.doctor.repository import Repository
from r2d_action.errors import Place
from r2d_action.report.diagnose.pip import PIP_NAMES
from r2d_action.report.diagnose.words import block, code

_SINGLE_EQUALS = re.compile(r"^(?P<name>[\w.-]+(?:\[[\w,\s-]+\])?)\s*=\s*(?P<version>[\w.*+!]+)$")
_FILE = re.compile(r"^(?:-r|--requirement|-c|--constraint)[=\s]\s*(?P<path>\S+)")
_EDITABLE = re.compile(r"^(?:-e|--editable)[=\s]\s*(?P<path>\S+)")
_ADDRESS = re.compile(r"^[\w+.-]+:(?://)?|@\s*[\w+.-]+://|@\s*file:")
_PER_LINE_OPTION = re.compile(r"\s+--[\w-]+[=\s].*$")
_PACKAGE_FILES = ("pyproject.toml", "setup.py", "setup.cfg")


@dataclass(frozen=True, slots=True)
class Line:
    """``folder`` is where relative paths of packages begin, ``files`` where those of other
    lists do, both seen from the build's top."""

    text: str
    place: Place
    folder: str = ""
    files: str = ""

    @property
    def requirement(self) -> Requirement | None:
        try:
            return Requirement(self.text)
        except InvalidRequirement:
            return None

    @property
    def local(self) -> str:
        """The path that pip is asked to install from; empty for all else."""
        match = _EDITABLE.match(self.text)
        path = match["path"] if match else self.text
        path = path.removeprefix("file://").partition("[")[0]
        is_path = path.startswith((".", "/")) or (match and not _ADDRESS.match(path))
        return path if is_path and "$" not in path else ""


def lines(repository: Repository) -> tuple[Line, ...]:
    found = list(_listed(repository, "requirements.txt"))
    found += _listed(repository, "requirements3.txt")
    folder = repository.decision.folder
    for entry in repository.environment.pip_packages:
        # conda's tools run pip in the folder of environment.yml.
        found.append(Line(entry.text, entry.place, folder, folder))
    for line in tuple(found):
        found += _included(repository, line)
    return tuple(line for line in found if line.text)


def _listed(repository: Repository, name: str) -> Iterator[Line]:
    file = repository.config(name)
    # pip understands UTF-16, as PowerShell writes it; here it is no text.
    if file and "\x00" not in file.text:
        yield from _in_list(repository, posixpath.join(repository.decision.folder, name))


def _in_list(repository: Repository, path: str, folder: str = "") -> Iterator[Line]:
    text = repository.text(path).removeprefix("\ufeff")
    whole, start = "", 1
    for number, line in enumerate(text.split("\n"), start=1):
        start = start if whole else number
        whole += re.sub(r"(?:^|\s)#.*", "", line.rstrip("\r"))
        if whole.endswith("\\"):
            whole = whole[:-1]
            continue
        stripped = _PER_LINE_OPTION.sub("", whole.strip()).strip()
        yield Line(stripped, repository.place(path, start), folder, posixpath.dirname(path))
        whole = ""


def _included(repository: Repository, line: Line) -> Iterator[Line]:
    path = _path_of_list(line)
    if path in repository.files and line.text.startswith(("-r", "--requirement")):
        yield from _in_list(repository, path, line.folder)


def _path_of_list(line: Line) -> str:
    match = _FILE.match(line.text)
    return posixpath.normpath(posixpath.join(line.files, match["path"])) if match else ""


def single_equals(repository: Repository) -> Iterator[Trouble]:
    for line in lines(repository):
        if match := _SINGLE_EQUALS.match(line.text):
            yield Trouble(
                line.place,
                f"pip does not understand {code(line.text)}: one equals sign is conda's language.",
                f"Write two:{block(match['name'] + '==' + match['version'])}",
            )


def invalid(repository: Repository) -> Iterator[Trouble]:
    for line in lines(repository):
        text = line.text
        known = text.startswith("-") or line.local or _ADDRESS.search(text) or "$" in text
        is_path = "/" in text or text.endswith((".whl", ".tar.gz", ".zip"))
        if known or is_path or _SINGLE_EQUALS.match(text) or line.requirement:
            continue
        yield Trouble(
            line.place,
            f"pip does not understand {code(text)}.",
            "Write one package on each line, versions after `==`, `>=` or `<`:"
            + block("numpy\npandas==2.2.3\nscipy>=1.11,<2"),
        )


def missing_lists(repository: Repository) -> Iterator[Trouble]:
    for line in lines(repository):
        path = _path_of_list(line)
        if path and "://" not in line.text and "$" not in path and path not in repository.files:
            yield Trouble(
                line.place,
                f"There is no file {code(path)} in the repository.",
                "Correct the name, or commit the file; the path begins at the folder of the file "
                "that names it.",
            )


def missing_local(repository: Repository) -> Iterator[Trouble]:
    for line in lines(repository):
        requirement = line.requirement
        address = requirement.url if requirement else None
        if address and address.startswith("file:"):
            yield Trouble(
                line.place,
                f"{code(line.text)} is a file of the machine where this list was made.",
                f"Write the package's name and version instead:{block(_pin(requirement))}",
            )
        elif line.local and not _is_there(repository, line):
            yield Trouble(
                line.place,
                f"There is nothing to install at {code(line.local)}: pip looks for "
                "`pyproject.toml` or `setup.py` there.",
                "Correct the path, or commit what it names; paths begin at "
                f"{code(line.folder) if line.folder else 'the top of the repository'}.",
            )


def _pin(requirement: Requirement | None) -> str:
    return f"{requirement.name}==…" if requirement else ""


def _is_there(repository: Repository, line: Line) -> bool:
    path = posixpath.normpath(posixpath.join(line.folder, line.local))
    if path in repository.files:
        return True
    folder = "" if path == "." else f"{path}/"
    return any(f"{folder}{name}" in repository.files for name in _PACKAGE_FILES)


def duplicates(repository: Repository) -> Iterator[Trouble]:
    known: dict[tuple[str, str], Line] = {}
    environment = repository.environment
    for line in lines(repository):
        requirement = line.requirement
        if requirement is None or requirement.marker:
            continue
        # Lists of environment.yml have a rule of their own.
        if line.place.path == environment.file.path:
            continue
        key = (canonicalize_name(requirement.name), line.place.path)
        if key in known:
            yield Trouble(
                line.place,
                f"{code(requirement.name)} is in this list already, on line "
                f"{known[key].place.line}.",
                "Keep one of the two lines.",
            )
        known.setdefault(key, line)


def other_names(repository: Repository) -> Iterator[Trouble]:
    for line in lines(repository):
        requirement = line.requirement
        name = requirement.name.lower() if requirement else ""
        if known := PIP_NAMES.get(name):
            yield Trouble(
                line.place,
                f"{code(name)} is what Python code imports; pip knows the package by another name.",
                f"pip's name for it is {code(known)}.",
            )


def windows_packages(repository: Repository) -> Iterator[Trouble]:
    for line in lines(repository):
        requirement = line.requirement
        if requirement and not requirement.marker and is_for_windows(requirement.name.lower()):
            example = f"{line.text}; sys_platform == 'win32'"
            yield Trouble(
                line.place,
                f"{code(requirement.name)} exists for Windows alone, and images are Linux.",
                f"Delete the line, or say that it is for Windows:{block(example)}",
            )
