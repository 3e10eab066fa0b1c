"""R cannot install or find a package."""

from __future__ import annotations

import re

from r2d_action.errors import Place
from r2d_action.report.diagnose.diagnosis import Diagnosis
from r2d_action.report.diagnose.passage import locate, passages, step_place
from r2d_action.report.diagnose.sources import Sources
from r2d_action.report.diagnose.stream import Stream
from r2d_action.report.diagnose.words import block, code, listed, unique, written_in

_QUOTED = r"['\"]([^'\"]+)['\"]"
_UNAVAILABLE = re.compile(
    rf"(?:package|dependency) {_QUOTED} (?:is|are) not available(?! for package)"
)
_DEPENDENCY = re.compile(r"dependenc(?:y|ies) (.+) (?:is|are) not available for package " + _QUOTED)
_NO_PACKAGE = re.compile(rf"there is no package called {_QUOTED}")
_NO_FUNCTION = re.compile(r"could not find function " + _QUOTED)
_SYNTAX = re.compile(r"^Error: (unexpected .+?) in\b")
_STATUS = re.compile(rf"installation of package {_QUOTED} had non-zero exit status")
_GITHUB = re.compile(r"Failed to install '([^']+)' from (?:GitHub|GitLab|Bitbucket)")
_R_ITSELF = re.compile(r"/pkgs/r-(\d[\d.]*\d)_")
_LIMIT = re.compile(r"API rate limit exceeded|HTTP error 403")


def not_served(stream: Stream, sources: Sources) -> Diagnosis | None:
    """repo2docker's own step, which fetches R itself without a word."""
    match = _R_ITSELF.search(stream.instruction)
    if not match or sources.dockerfile:
        return None
    file = sources.find("runtime.txt")
    return Diagnosis(
        what=f"R {match[1]} could not be installed.",
        why="repo2docker takes R from a server that has only some of its versions, and may be down "
        "for a short while.",
        remedy="Run the job again. If it fails the same way again, ask for another version in "
        f"{code(sources.configuration('runtime.txt'))}:{block('r-4.4-2025-03-01')}",
        place=file.at(1) if file else None,
    )


def unavailable(stream: Stream, sources: Sources) -> Diagnosis | None:
    names = unique(match[1] for match in stream.find_all(_UNAVAILABLE))
    if not names:
        return None
    place = step_place(stream, sources, *names)
    call = f'remotes::install_github("owner/{names[0]}")'
    described = place is not None and place.path.endswith("DESCRIPTION")
    return Diagnosis(
        what=f"R cannot find {listed(names)}.",
        why="The name is misspelled (upper and lower case differ), the package has left CRAN, or "
        "it asks for a newer R.",
        remedy=f"Correct {written_in(place, 'install.R')}, or install it from where it is now:"
        + block(f"Remotes:\n    owner/{names[0]}" if described else call),
        place=place,
    )


def dependency(stream: Stream, sources: Sources) -> Diagnosis | None:
    match = stream.find(_DEPENDENCY)
    if not match:
        return None
    needed = re.findall(r"[\w.]+", match[1])
    return Diagnosis(
        what=f"R cannot install {code(match[2])}, because {listed(needed)} did not install.",
        why="The first failure further up in the log is the one that counts; most often a library "
        "of the operating system is missing.",
        remedy=f"Install {listed(needed)} alone first, and look at what R says about it.",
        place=step_place(stream, sources, *needed, match[2]),
    )


def from_github(stream: Stream, sources: Sources) -> Diagnosis | None:
    match = stream.find(_GITHUB)
    if not match:
        return None
    limited = stream.find(_LIMIT)
    name = "a package" if match[1] == "unknown package" else code(match[1])
    return Diagnosis(
        what=f"R cannot install {name} from its repository.",
        why="GitHub answers a limited number of questions an hour from one machine."
        if limited
        else "The repository, branch or tag does not exist, or is private.",
        remedy="Run the job again later, or install the package from CRAN."
        if limited
        else "Check the address, which is written `owner/repository@branch`.",
        place=step_place(stream, sources, match[1].partition("/")[2] or match[1], match[1]),
    )


def not_installed(stream: Stream, sources: Sources) -> Diagnosis | None:
    match = stream.find(_NO_PACKAGE)
    if not match:
        return None
    place = step_place(stream, sources, match[1])
    return Diagnosis(
        what=f"The R package {code(match[1])} is used before it is installed.",
        why="It was never installed, or its installation failed further up without stopping.",
        remedy=f"Install it above {written_in(place, 'install.R')}:"
        + block(f'install.packages("{match[1]}")'),
        place=place,
    )


def wrong_function(stream: Stream, sources: Sources) -> Diagnosis | None:
    match = stream.find(_NO_FUNCTION)
    if not match:
        return None
    misspelled = match[1] in {"install.package", "install_packages", "installpackages"}
    return Diagnosis(
        what=f"R has no function {code(match[1])}.",
        why="Its name is misspelled, or the package that brings it is not loaded.",
        remedy="Write `install.packages(…)`, with an s at the end."
        if misspelled
        else "Correct the name, or write its package before it: `remotes::install_github(…)`.",
        place=step_place(stream, sources, match[1]),
    )


def syntax(stream: Stream, sources: Sources) -> Diagnosis | None:
    match = stream.find(_SYNTAX)
    if not match:
        return None
    return Diagnosis(
        what=f"R cannot read the script: {match[1]}.",
        why="A comma, a quotation mark or a bracket is missing just before the place where R gives "
        "up.",
        remedy="Complete the line, or the one above it; every `(` needs its `)`.",
        place=_quoted_place(stream, sources),
    )


def _quoted_place(stream: Stream, sources: Sources) -> Place | None:
    """R quotes the lines that it could not read."""
    found = passages(stream, sources)
    for quoted in stream.evidence:
        for passage in found:
            if line := passage.file.line_with(quoted.strip().strip('"')):
                return passage.file.at(line)
    return locate(found)


def failed(stream: Stream, sources: Sources) -> Diagnosis | None:
    names = unique(match[1] for match in stream.find_all(_STATUS))
    if not names:
        return None
    return Diagnosis(
        what=f"R could not install {listed(names)}.",
        why="Most often a library of the operating system is missing, which R names a few lines "
        "above.",
        remedy="Look for a line with `deb:` or `fatal error:` in the log, and add the package that "
        "it names to `apt.txt`.",
        place=step_place(stream, sources, *names),
    )
