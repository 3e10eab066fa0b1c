"""conda, mamba or micromamba cannot make the environment.

The wording is that of libmamba 1 and 2 and of conda itself:
https://mamba.readthedocs.io/en/latest/user_guide/troubleshooting.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from r2d_action.errors import Place
from r2d_action.report.diagnose.diagnosis import Diagnosis
from r2d_action.report.diagnose.passage import Passage, locate, locate_named, passages, step_place
from r2d_action.report.diagnose.sources import Sources
from r2d_action.report.diagnose.stream import Stream
from r2d_action.report.diagnose.words import block, code, listed, unique, written_in

SEARCH_LINK = "https://conda-forge.org/packages/"

# Branches at the root of the solver's tree are what the user asked for.
_ROOT = r"^ {0,6}[├└]─ (?:pin on )?(?P<name>[\w.-]+) ?(?P<version>[^ ]*) ?.*?"
_MISSING = (
    re.compile(rf"{_ROOT}does not exist \(perhaps"),
    re.compile(r"nothing provides requested (?P<name>[\w.-]+) ?(?P<version>\S*)"),
)
_MISSING_LIST = re.compile(r"PackagesNotFoundError|ResolvePackageNotFound")
_LISTED = re.compile(r"^ +- (?:[\w./-]+::)?(?P<name>[\w.-]+)(?P<version>[=<>!~ ]*\S*)")
_INCOMPATIBLE = re.compile(
    r"The following packages? (?:are incompatible|could not be installed|is not installable)"
    r"|LibMambaUnsatisfiableError|UnsatisfiableError|Found conflicts"
)
_BRANCH = re.compile(_ROOT)
_REQUIRES = re.compile(
    r"package (?P<name>[\w.-]+?)-\d\S* (?:requires|has constraint) (?P<needs>[\w.-]+)"
)
# Names with `__` in front are no packages, but what the machine has.
_NEEDED_BY = re.compile(r"nothing provides (?!__)([\w.-]+).* needed by ([\w.-]+?)-\d")
# A version with the build that another machine had: `zlib=1.2.13=h5eee18b_0`.
_BUILD = re.compile(r"^\s*-\s*[\w.-]+==?[\w.]+=\w*_\d+\s*$", re.MULTILINE)
_UNSOLVED = re.compile(r"Could not solve for environment specs|Solving environment: failed")
_SPEC = re.compile(
    r"(?:MatchSpec|InvalidVersionSpec|InvalidSpec|libmamba Error parsing version)"
    r".*?(?:\"(?P<spec>[^\"]*)\"|'(?P<quoted>[^']*)')"
)
_CHANNEL = re.compile(
    r"UnavailableInvalidChannel|HTTP 404 \S+ \S+ for channel|(?:404|response: 404).*repodata"
    r"|repodata.*\b404\b"
)
_CHANNEL_NAME = re.compile(
    r"https?://\S+?/([\w.-]+)/(?:linux-64|linux-aarch64|noarch)\b|for channel (\S+)"
)

# Names under which a package is known elsewhere, and conda-forge's own.
CONDA_NAMES = {
    "torch": "pytorch",
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "cv2": "opencv",
    "opencv-python": "opencv",
    "opencv-python-headless": "opencv",
    "bs4": "beautifulsoup4",
    "pil": "pillow",
    "psycopg2-binary": "psycopg2",
    "tables": "pytables",
    "graphviz-python": "python-graphviz",
    "build-essential": "compilers",
    "ggplot2": "r-ggplot2",
    "tidyverse": "r-tidyverse",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A package of the environment file; ``version`` is empty when any will do."""

    name: str
    version: str

    @classmethod
    def of(cls, match: re.Match[str]) -> Wanted:
        version = match["version"].strip().rstrip("*").rstrip(",")
        return cls(match["name"], "" if version.strip("=") in {"", "*"} else version)

    def __str__(self) -> str:
        version = self.version if self.version[:1] in "=<>!~ " else f"={self.version}"
        return f"{self.name}{version}".strip()


def missing(stream: Stream, sources: Sources) -> Diagnosis | None:
    wanted = _missing(stream)
    if not wanted:
        return None
    found = passages(stream, sources)
    place = _place(found, wanted)
    if any(_BUILD.search(passage.file.text) for passage in found):
        return _exported(wanted, place)
    if all(one.version for one in wanted):
        return _no_such_version(wanted, place)
    names = [one.name for one in wanted]
    known = CONDA_NAMES.get(names[0].lower())
    return Diagnosis(
        what=f"conda cannot find {listed(map(str, wanted))}.",
        why="The name is misspelled, or no channel of the environment file has the package.",
        remedy=_respelled(names[0], known, place) if known else _elsewhere(names, place),
        place=place,
        link=SEARCH_LINK,
    )


def _respelled(name: str, known: str, place: Place | None) -> str:
    where = written_in(place, "environment.yml")
    return f"conda's name for {code(name)} is {code(known)}: write that in {where}."


def _elsewhere(names: list[str], place: Place | None) -> str:
    where = written_in(place, "environment.yml")
    lines = "\n".join(["- pip", "- pip:", *(f"    - {name}" for name in names)])
    return (
        f"Correct the name in {where}. If the package exists for pip alone, remove it there and "
        f"add at the end of the list:{block(lines)}"
    )


def _exported(wanted: tuple[Wanted, ...], place: Place | None) -> Diagnosis:
    return Diagnosis(
        what=f"conda cannot find {listed(map(str, wanted))}.",
        why="The environment file names the builds that one machine had, which no other kind of "
        "machine has, and which channels delete after a while.",
        remedy="Export the environment again, with only what you asked for yourself:"
        + block("conda env export --from-history > environment.yml"),
        place=place,
    )


def _no_such_version(wanted: tuple[Wanted, ...], place: Place | None) -> Diagnosis:
    where = written_in(place, "environment.yml")
    loose = listed(one.name for one in wanted)
    return Diagnosis(
        what=f"conda cannot find {listed(map(str, wanted))}.",
        why="The channel has no such version or no such package, or has it for another kind of "
        "machine only.",
        remedy=f"Look up which versions there are, and correct {where}; or write {loose} without "
        "a version.",
        place=place,
        link=SEARCH_LINK,
    )


def _missing(stream: Stream) -> tuple[Wanted, ...]:
    matches = [match for pattern in _MISSING for match in stream.find_all(pattern)]
    if not matches:
        for line in stream.follow(_MISSING_LIST):
            match = _LISTED.match(line)
            if match:
                matches.append(match)
            elif matches:
                break
    return tuple(dict.fromkeys(Wanted.of(match) for match in matches))


def need_missing(stream: Stream, sources: Sources) -> Diagnosis | None:
    match = stream.find(_NEEDED_BY)
    if not match:
        return None
    place = step_place(stream, sources, match[2], match[1])
    return Diagnosis(
        what=f"conda cannot install {code(match[2])}: no channel has the {code(match[1])} that it "
        "needs.",
        why="This version of it is old, or was made for a channel that is not asked here.",
        remedy=f"Ask for a newer version, or for none, in {written_in(place, 'environment.yml')}; "
        "or add the channel that it was made for.",
        place=place,
        link=SEARCH_LINK,
    )


def incompatible(stream: Stream, sources: Sources) -> Diagnosis | None:
    if not (stream.find(_INCOMPATIBLE) or stream.find(_REQUIRES)):
        return None
    wanted = _asked_for(stream)
    found = passages(stream, sources)
    # What has a version in the user's file is what the user can loosen.
    ours = [one for one in wanted if locate_named(found, one.name)] or list(wanted)
    pinned = [one for one in ours if one.version] or ours
    place = _place(found, pinned)
    return Diagnosis(
        what=_cannot_install(wanted),
        why="Each works only with versions of the others, or of what they share, that the rest "
        "does not allow.",
        remedy="Loosen or remove a version, best the oldest one; begin with "
        f"{written_in(place, 'environment.yml')}.",
        place=place,
    )


def _cannot_install(wanted: tuple[Wanted, ...]) -> str:
    if len(wanted) == 1:
        return f"conda cannot install {listed(map(str, wanted))} beside what is there already."
    subject = listed(map(str, wanted)) if wanted else "these packages"
    return f"conda cannot install {subject} together."


def _asked_for(stream: Stream) -> tuple[Wanted, ...]:
    branches = [Wanted.of(match) for match in stream.find_all(_BRANCH)]
    if branches:
        return tuple(dict.fromkeys(branches))
    needs = [match[group] for match in stream.find_all(_REQUIRES) for group in ("name", "needs")]
    return tuple(Wanted(name, "") for name in unique(needs))


def invalid_spec(stream: Stream, sources: Sources) -> Diagnosis | None:
    match = stream.find(_SPEC)
    if not match:
        return None
    spec = (match["spec"] or match["quoted"] or "").strip()
    found = passages(stream, sources)
    place = locate(found, *_spec_words(found, spec))
    return Diagnosis(
        what=f"conda does not understand {code(spec)}." if spec else "conda misses a version.",
        why="An entry is a name alone, or a name and a version joined by `=`, `>=` or `<`, without "
        "blanks.",
        remedy=f"Correct {written_in(place, 'environment.yml')}. Entries look like this:"
        + block("- numpy\n- pandas=2.2\n- scipy>=1.11,<2"),
        place=place,
    )


def _spec_words(found: tuple[Passage, ...], spec: str) -> list[str]:
    """Names in ``spec`` that some line holds; the version alone may be all that conda quotes."""
    words = re.findall(r"[A-Za-z][\w.-]*|[\d.]+", spec)
    return [word for word in words if locate_named(found, word)]


def channel(stream: Stream, sources: Sources) -> Diagnosis | None:
    match = stream.find(_CHANNEL)
    if not match:
        return None
    named = _CHANNEL_NAME.search(match.string)
    name = (named[1] or named[2]).rstrip(".,:") if named else ""
    return Diagnosis(
        what=f"There is no conda channel {code(name)}." if name else "A conda channel is missing.",
        why="Its name is misspelled, or it is private or was deleted.",
        remedy="Correct the list below `channels:`. For most packages this is enough:"
        + block("channels:\n  - conda-forge"),
        place=step_place(stream, sources, name, "channels"),
    )


def unsolved(stream: Stream, sources: Sources) -> Diagnosis | None:
    """No reason given, which some versions of mamba do."""
    if not stream.find(_UNSOLVED):
        return None
    place = step_place(stream, sources)
    return Diagnosis(
        what="conda finds no set of packages that satisfies the environment file.",
        why="A package does not exist, or two of them ask for versions that exclude each other; "
        "this run does not say which.",
        remedy=f"Remove versions from {written_in(place, 'environment.yml')} until it builds, "
        "beginning with what was changed last.",
        place=place,
    )


def _place(found: tuple[Passage, ...], wanted: list[Wanted] | tuple[Wanted, ...]) -> Place | None:
    return locate(found, *(one.name for one in wanted))
