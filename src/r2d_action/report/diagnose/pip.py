"""pip cannot install what requirements.txt, environment.yml, a Dockerfile or a script asks for.

The wording is pip's own, of the versions since its present resolver:
https://pip.pypa.io/en/stable/topics/dependency-resolution/
"""

from __future__ import annotations

import re

from r2d_action.errors import Place
from r2d_action.report.diagnose.diagnosis import Diagnosis
from r2d_action.report.diagnose.passage import passages, step_place
from r2d_action.report.diagnose.sources import SourceFile, Sources
from r2d_action.report.diagnose.stream import Stream
from r2d_action.report.diagnose.words import block, code, listed, unique, written_in

CONFLICT_LINK = "https://pip.pypa.io/en/stable/topics/dependency-resolution/"

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
_NO_MATCH = re.compile(r"No matching distribution found for (.+?)(?: \(from ([^)]*).*)?$")
_NO_VERSIONS = re.compile(r"Could not find a version .*\(from versions: none\)")
_IGNORED = re.compile(r"versions that require a different python version: (.*)")
_OTHER_PYTHON = re.compile(r"Package '([^']+)' requires a different Python: (\S+) not in '([^']+)'")
_CONFLICT = re.compile(r"The conflict is caused by:")
_REQUESTED = re.compile(r"^ +The user requested (?:\(constraint\) )?(.+)")
_DEPENDS = re.compile(r"^ +(\S+) (\S+) depends on (.+)")
_CANNOT_INSTALL = re.compile(r"Cannot install (.+) because these package versions")
_BY_LINE = re.compile(r"-r \S+ \(line (\d+)\)")
_IMPOSSIBLE = re.compile(r"ResolutionImpossible|have conflicting dependencies")
_INVALID = re.compile(r"ERROR: Invalid requirement: (?:'([^']*)'|(\S+))")
_OPERATOR = re.compile(r"^([\w.\[\]-]+) ?=(?!=) ?(\S+)$")
_NO_FILE = re.compile(r"Could not open requirements file: .*'([^']+)'")
_NOT_LOCAL = re.compile(
    r"ERROR: (?:Directory ')?(\S+?)'? (?:is not a valid editable requirement"
    r"|is not installable|does not appear to be a Python project)"
)
_HASH_DIFFERS = re.compile(r"DO NOT MATCH THE HASHES")
_HASH_MISSING = re.compile(r"In --require-hashes mode|Hashes are required in --require-hashes mode")
_LISTED = re.compile(r"^    ([A-Za-z0-9][\w.-]*)")
_INDEX_REFUSED = re.compile(
    r"User for (?P<host>[\w.:-]*\w): "
    r"|(?:WARNING|ERROR): .*\b40[13]\b.*https?://(?P<server>[\w.:-]*\w)"
)
_MANAGED = re.compile(r"externally-managed-environment")

# What people import, and the name of the package that brings it.
PIP_NAMES = {
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "cv2": "opencv-python-headless",
    "opencv": "opencv-python-headless",
    "bs4": "beautifulsoup4",
    "pil": "pillow",
    "yaml": "pyyaml",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "pytorch": "torch",
    "fitz": "pymupdf",
    "serial": "pyserial",
}


def no_match(stream: Stream, sources: Sources) -> Diagnosis | None:
    match = stream.find(_NO_MATCH)
    if not match:
        return None
    wanted, parents = match[1], match[2] or ""
    place = _place(stream, sources, wanted, *re.split(r"->", parents))
    if needs := _python_needed(wanted, stream):
        return _other_python(wanted, needs, place, sources)
    if stream.find(_NO_VERSIONS):
        return _no_such_package(wanted, place)
    return _no_such_version(wanted, place)


def _no_such_package(wanted: str, place: Place | None) -> Diagnosis:
    where = written_in(place, "requirements.txt")
    known = PIP_NAMES.get(_name(wanted).lower())
    remedy = (
        f"pip's name for it is {code(known)}: write that in {where}."
        if known
        else f"Look the package up, and correct {where}. A package of conda's alone goes to "
        "`environment.yml`; one of your own needs its address, `git+https://…`."
    )
    return Diagnosis(
        what=f"pip cannot find {code(wanted)}.",
        why="There is no package of that name for this version of Python and this kind of "
        "machine; often the name is misspelled.",
        remedy=remedy,
        place=place,
    )


def _no_such_version(wanted: str, place: Place | None) -> Diagnosis:
    name = _name(wanted)
    return Diagnosis(
        what=f"pip cannot find {code(wanted)}.",
        why=f"{code(name)} exists, but has no such version for this version of Python and this "
        "kind of machine.",
        remedy=f"Choose another version in {written_in(place, 'requirements.txt')}, or write "
        f"{code(name)} alone.",
        place=place,
    )


def _python_needed(wanted: str, stream: Stream) -> str:
    """The range of Python versions that the wanted version asks for, if that ruled it out."""
    match = stream.find(_IGNORED)
    pinned = re.search(r"==\s*([\w.]+)", wanted)
    if not match:
        return ""
    for entry in match[1].split(";"):
        version, _, needs = entry.strip().partition(" Requires-Python ")
        if pinned and version == pinned[1]:
            return needs
    return ""


def other_python(stream: Stream, sources: Sources) -> Diagnosis | None:
    match = stream.find(_OTHER_PYTHON)
    if not match:
        return None
    return _other_python(match[1], match[3], _place(stream, sources, match[1]), sources)


def _other_python(wanted: str, needs: str, place: Place | None, sources: Sources) -> Diagnosis:
    where = written_in(place, "requirements.txt")
    return Diagnosis(
        what=f"{code(wanted)} does not work with the Python of this image.",
        why=f"It asks for Python {needs}.",
        remedy=f"Choose another version of it in {where}, or a Python that it takes: "
        f"{_how_to_choose_python(sources)}.",
        place=place,
    )


def _how_to_choose_python(sources: Sources) -> str:
    if sources.dockerfile:
        return "start from an image that has it"
    if environment := sources.find("environment.yml"):
        return f"a line `- python=VERSION` in {code(environment.path)}"
    return f"a line `python-VERSION` in {code(sources.configuration('runtime.txt'))}"


def conflict(stream: Stream, sources: Sources) -> Diagnosis | None:
    if not stream.find(_IMPOSSIBLE):
        return None
    lines = stream.follow(_CONFLICT)
    requested = unique(match[1] for line in lines if (match := _REQUESTED.match(line)))
    requested = requested or _named_in_verdict(stream, sources)
    depends = [match for line in lines if (match := _DEPENDS.match(line))]
    names = unique([*requested, *(f"{match[1]}=={match[2]}" for match in depends)])
    place = _place(stream, sources, *requested, *names)
    needs = "; ".join(f"{match[1]} {match[2]} needs {match[3]}" for match in depends[:3])
    return Diagnosis(
        what=f"pip cannot install {listed(names) if names else 'these packages'} together.",
        why=f"{needs}." if needs else "They ask for versions that exclude each other.",
        remedy=f"Loosen or remove the version in {written_in(place, 'requirements.txt')}, so that "
        "pip can choose one that suits all.",
        place=place,
        link=CONFLICT_LINK,
    )


def _named_in_verdict(stream: Stream, sources: Sources) -> tuple[str, ...]:
    """The requirements of pip's one sentence, which is all that it says when told to be quiet."""
    match = stream.find(_CANNOT_INSTALL)
    parts = re.split(r", | and ", match[1]) if match else []
    return unique(_requirement(part, stream, sources) for part in parts)


def _requirement(part: str, stream: Stream, sources: Sources) -> str:
    """pip names a requirement by itself or by its line in a file, which conda may have made."""
    match = _BY_LINE.fullmatch(part.strip())
    if match is None:
        return part.strip()
    for passage in passages(stream, sources):
        entries = _entries(passage.file)
        if entries and int(match[1][:9]) in range(1, len(entries) + 1):
            return entries[int(match[1][:9]) - 1]
    return ""


def _entries(file: SourceFile) -> list[str]:
    """The lines of a requirements file, or the list below ``pip:`` of an environment file."""
    if not file.path.endswith((".yml", ".yaml")):
        return [line.strip() for line in file.lines]
    below_pip = re.split(r"^\s*-\s*pip:\s*$", file.text, maxsplit=1, flags=re.MULTILINE)[1:]
    return re.findall(r"^\s+-\s+(\S.*?)\s*$", "".join(below_pip), re.MULTILINE)


def invalid_requirement(stream: Stream, sources: Sources) -> Diagnosis | None:
    match = stream.find(_INVALID)
    if not match:
        return None
    text = match[1] or match[2]
    place = _place(stream, sources, text)
    operator = _OPERATOR.match(text)
    remedy = (
        f"pip joins a version by two equals signs: write {code(f'{operator[1]}=={operator[2]}')}."
        if operator
        else "Write a name alone, or a name and a version, such as `numpy==2.1` or `pandas>=2`."
    )
    return Diagnosis(
        what=f"pip does not understand {code(text)}.",
        why="Each line holds one package in pip's spelling, which differs from conda's.",
        remedy=remedy,
        place=place,
    )


def no_requirements_file(stream: Stream, sources: Sources) -> Diagnosis | None:
    match = stream.find(_NO_FILE)
    if not match:
        return None
    return Diagnosis(
        what=f"pip cannot open {code(match[1])}.",
        why="The file is not in the repository, lies in another folder, or was not copied into the "
        "image before this step.",
        remedy="Correct the path or commit the file; in a Dockerfile, `COPY` it first.",
        place=_place(stream, sources, match[1], "install"),
    )


def no_local_package(stream: Stream, sources: Sources) -> Diagnosis | None:
    match = stream.find(_NOT_LOCAL)
    if not match:
        return None
    path = match[1].removeprefix("file://")
    return Diagnosis(
        what=f"There is no Python package in {code(path)}.",
        why="A folder is a package when it has a `pyproject.toml` or a `setup.py`.",
        remedy="Correct the path, or add a `pyproject.toml` to that folder.",
        place=_place(stream, sources, path.removeprefix("./"), "-e", "install"),
    )


def hash_differs(stream: Stream, sources: Sources) -> Diagnosis | None:
    if not stream.find(_HASH_DIFFERS):
        return None
    names = _listed_after(_HASH_DIFFERS, stream)
    subject = listed(names) if names else "a package"
    return Diagnosis(
        what=f"The file that pip fetched for {subject} is not the one that was expected.",
        why="The version was changed without its hash, or the file is for another kind of machine "
        "than the one where the hash was taken.",
        remedy="Write the requirements and their hashes anew on Linux:"
        + block("pip-compile --generate-hashes requirements.in"),
        place=_place(stream, sources, *names),
    )


def hash_missing(stream: Stream, sources: Sources) -> Diagnosis | None:
    if not stream.find(_HASH_MISSING):
        return None
    names = _listed_after(_HASH_MISSING, stream)
    subject = listed(names) if names else "Some packages"
    return Diagnosis(
        what=f"{subject} has no hash or no exact version."
        if len(names) == 1
        else f"{subject} have no hash or no exact version.",
        why="As soon as one requirement has a hash, pip wants one for all, those that come along "
        "included.",
        remedy="Write the requirements and their hashes anew, or remove every `--hash`:"
        + block("pip-compile --generate-hashes requirements.in"),
        place=_place(stream, sources, *names),
    )


def index_refused(stream: Stream, sources: Sources) -> Diagnosis | None:
    match = stream.find(_INDEX_REFUSED)
    if not match:
        return None
    host = match["host"] or match["server"]
    return Diagnosis(
        what=f"The package index at {code(host)} does not let the build in.",
        why="It is private, or its address is misspelled, and a build has no password of yours.",
        remedy="Check the address. If the index is private, let an earlier step of the job "
        "download the packages into the repository's folder, and install them from there: a "
        "password in the address could be read by everybody who pulls the image.",
        place=_place(stream, sources, host.partition(":")[0], "index-url", "extra-index-url"),
    )


def _listed_after(pattern: re.Pattern[str], stream: Stream) -> tuple[str, ...]:
    matches = (_LISTED.match(line) for line in stream.follow(pattern))
    return unique(match[1] for match in matches if match)


def system_python(stream: Stream, sources: Sources) -> Diagnosis | None:
    if not stream.find(_MANAGED):
        return None
    return Diagnosis(
        what="pip may not install into the Python of the operating system.",
        why="Debian and Ubuntu keep that Python for themselves since 2023.",
        remedy="Install into an environment of its own:"
        + block(
            "RUN python3 -m venv /opt/env && /opt/env/bin/pip install …\n"
            "ENV PATH=/opt/env/bin:${PATH}"
        ),
        place=_place(stream, sources, "pip", "pip3"),
    )


def _name(requirement: str) -> str:
    match = _NAME.search(requirement)
    return match[0] if match else requirement


def _place(stream: Stream, sources: Sources, *requirements: str) -> Place | None:
    """The line of the first requirement that is written somewhere."""
    words = unique(_name(one) if one[:1].isalnum() else one for one in requirements)
    return step_place(stream, sources, *words)
