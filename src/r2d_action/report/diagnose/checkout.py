"""Files that git knows of and that the checkout left out: submodules, and what Git LFS holds."""

from __future__ import annotations

import posixpath
import re

from r2d_action.report.diagnose.diagnosis import Diagnosis
from r2d_action.report.diagnose.passage import locate, locate_named, passages
from r2d_action.report.diagnose.reported import reported_place
from r2d_action.report.diagnose.sources import Sources
from r2d_action.report.diagnose.stream import Stream
from r2d_action.report.diagnose.words import block, code, listed

LINK = "https://github.com/actions/checkout#usage"

_SUBMODULE = re.compile(r"^\s*path\s*=\s*(\S.*?)\s*$", re.MULTILINE)
# What readers of data say of the text that stands in a placeholder; it begins with a v.
_NOT_DATA = re.compile(
    r"git-lfs|invalid load key, 'v'|JSONDecodeError: Expecting value: line 1 column 1 "
    r"|BadZipFile|zipfile is|End-of-central-directory|not in gzip format|BadGzipFile"
    r"|unable to open file \(file signature|UnidentifiedImageError|ParserError"
    r"|not (?:a|recognized as (?:a|being in a)) .*(?:file|format)"
)


def submodule(stream: Stream, sources: Sources) -> Diagnosis | None:
    said = "\n".join((*stream.evidence, stream.instruction))
    path = next((one for one in _empty_submodules(sources) if one in said), "")
    if not path:
        return None
    found = passages(stream, sources)
    return Diagnosis(
        what=f"{code(path)} is a git submodule, and its files are not in the checkout.",
        why="The checkout of a workflow leaves submodules out unless it is told to fetch them.",
        remedy="Add to the step with `actions/checkout`:" + block("with:\n  submodules: true"),
        place=locate_named(found, path) or locate(found, posixpath.basename(path), "-e"),
        link=LINK,
    )


def _empty_submodules(sources: Sources) -> list[str]:
    listed_there = sources.files.get(".gitmodules", "")
    paths = [posixpath.normpath(path) for path in _SUBMODULE.findall(listed_there)]
    return [
        path for path in paths if not any(one.startswith(f"{path}/") for one in sources.listing)
    ]


def lfs(stream: Stream, sources: Sources) -> Diagnosis | None:
    said = "\n".join(stream.evidence)
    held = sorted(sources.placeholders)
    files = [path for path in held if posixpath.basename(path) in said] or held
    if not stream.failed or not held or not stream.find(_NOT_DATA):
        return None
    found = passages(stream, sources)
    named = (locate_named(found, path) for path in files)
    return Diagnosis(
        what=f"The checkout has only a placeholder of {listed(files)}.",
        why="The content is kept by Git LFS, and the checkout of a workflow leaves it there unless "
        "it is told to fetch it.",
        remedy="Add to the step with `actions/checkout`:" + block("with:\n  lfs: true"),
        place=reported_place(stream, sources) or next(filter(None, named), None) or locate(found),
        link=LINK,
    )
