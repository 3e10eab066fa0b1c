"""A command of postBuild, of another script or of a RUN line fails."""

from __future__ import annotations

import posixpath
import re

from r2d_action.errors import Place
from r2d_action.report.diagnose import words
from r2d_action.report.diagnose.diagnosis import Diagnosis
from r2d_action.report.diagnose.dockerfile import left_out
from r2d_action.report.diagnose.passage import passages, step_place
from r2d_action.report.diagnose.pip import PIP_NAMES
from r2d_action.report.diagnose.reported import last_traced, reported_place, scripts_in
from r2d_action.report.diagnose.sources import SourceFile, Sources
from r2d_action.report.diagnose.stream import Stream
from r2d_action.report.diagnose.words import block, code, install_with_apt, written_in

_CARRIAGE_RETURN = re.compile(r"\\r'|\^M")
_NO_SCRIPT = re.compile(r"chmod: cannot access '(?:[^']*/)?([^'/]+)': No such file")
_NOT_EXECUTABLE = re.compile(r"Exec format error")
_SHELL_NOT_FOUND = re.compile(r"(?:^|: )([^\s:]+): (?:command )?not found$")
_ENV_NOT_FOUND = re.compile(
    r"/env: '(.+?)': No such file|exec: \"([^\"]+)\": executable file not found"
)
_LAB_BUILD = re.compile(r"JupyterLab failed to build")
_NO_MODULE = re.compile(r"No module named '?([\w.]+)'?")
_DENIED = re.compile(r"Permission denied|Operation not permitted")
_DENIED_PATH = re.compile(
    r"'(/[^']+)': (?:Permission denied|Operation not permitted)"
    r"|(?:Permission denied|Operation not permitted): '([^']+)'"
    r"|(?:^|: )([^\s:]+): Permission denied$"
)
_NO_FILE = re.compile(
    r"cannot (?:stat|access|open|remove)\b[^']*'(?P<quoted>[^']+)'[^:]*: No such file"
    r"|No such file or directory: '(?P<python>[^']+)'"
    r"|can't (?:open|cd to)(?: file)? '?(?P<shell>[^':]+)'?"
    r"|(?:^|: )(?P<plain>[^\s:']+): No such file or directory"
)
_NOT_THERE = re.compile(r"HTTP Error 404|\b404:? Not Found|returned error: 404")
_URL_END = re.compile(r"https?://\S*?/([\w.-]+)(?=['\"\s:),]|$)")

# Commands that people miss, and Debian's package with it.
COMMANDS = {
    "git": "git",
    "curl": "curl",
    "wget": "wget",
    "unzip": "unzip",
    "make": "make",
    "gcc": "build-essential",
    "g++": "build-essential",
    "cmake": "cmake",
    "pdflatex": "texlive-latex-recommended",
    "xelatex": "texlive-xetex",
    "dot": "graphviz",
    "ffmpeg": "ffmpeg",
    "jq": "jq",
    "java": "default-jre-headless",
    "rsync": "rsync",
    "sudo": "sudo",
    "pip3": "python3-pip",
    "svn": "subversion",
    "git-lfs": "git-lfs",
}


def windows_line_ends(stream: Stream, sources: Sources) -> Diagnosis | None:
    script = next((one for one in _scripts(stream, sources) if _trips_over(one, stream)), None)
    if not stream.failed or not (script or stream.find(_CARRIAGE_RETURN)):
        return None
    return words.windows_line_ends(script, step_place(stream, sources))


def _trips_over(script: SourceFile, stream: Stream) -> bool:
    """Shells never take these line ends; other languages do, once they have been started."""
    exit_code = stream.failed.exit_code if stream.failed else None
    other_language = re.search(r"python|Rscript", script.lines[0]) or script.path.endswith(".py")
    return "\r\n" in script.text and (not other_language or exit_code in {126, 127})


def script_left_out(stream: Stream, sources: Sources) -> Diagnosis | None:
    """postBuild or start is in the repository, and an ignore file keeps it from the build."""
    match = stream.find(_NO_SCRIPT)
    if not match or sources.dockerfile:
        return None
    return left_out(posixpath.join(sources.folder, match[1]), stream, sources)


def not_a_script(stream: Stream, sources: Sources) -> Diagnosis | None:
    scripts = _scripts(stream, sources)
    if not scripts or not stream.find(_NOT_EXECUTABLE):
        return None
    return Diagnosis(
        what=f"{code(scripts[0].path)} is not a script that Linux can run.",
        why="It is a program for another system, or its first line does not say what runs it.",
        remedy="Make it a text file that begins with this line:" + block("#!/bin/bash"),
        place=scripts[0].at(1),
    )


def no_command(stream: Stream, sources: Sources) -> Diagnosis | None:
    matches = stream.find_all(_SHELL_NOT_FOUND) or stream.find_all(_ENV_NOT_FOUND)
    name = next((group for match in matches[-1:] for group in match.groups() if group), "")
    if not name:
        return None
    place = _place(stream, sources, name)
    return Diagnosis(
        what=f"The command {code(name)} is not in the image.",
        why="Nothing installed it before this step, or its name is misspelled.",
        remedy=_how_to_get(name, place, sources),
        place=place,
    )


def _how_to_get(name: str, place: Place | None, sources: Sources) -> str:
    if package := COMMANDS.get(name):
        return install_with_apt(sources, package)
    where = written_in(place, "postBuild")
    if sources.dockerfile:
        return (
            f"Check its name in {where}. Install it in an earlier step, or start from an image "
            "that has it."
        )
    return (
        f"Check its name in {where}. Add the package that brings it to the environment file "
        "(`environment.yml`, `requirements.txt` or `apt.txt`)."
    )


def lab_build(stream: Stream, sources: Sources) -> Diagnosis | None:
    """What extensions of JupyterLab asked for until its version 3."""
    if not stream.find(_LAB_BUILD):
        return None
    return Diagnosis(
        what="JupyterLab could not be built anew.",
        why="Extensions of JupyterLab 3 and newer come ready to use, and need no such build, which "
        "takes Node.js and much memory.",
        remedy="Remove `jupyter labextension install` and `jupyter lab build`, and install the "
        "extension as a Python package, for example by the environment file.",
        place=step_place(stream, sources, "labextension", "lab"),
    )


def no_module(stream: Stream, sources: Sources) -> Diagnosis | None:
    match = stream.find(_NO_MODULE)
    if not match:
        return None
    name = match[1].partition(".")[0]
    known = PIP_NAMES.get(name.lower())
    package = code(known) if known else f"the package that brings {code(name)}"
    return Diagnosis(
        what=f"Python has no package {code(name)} when this step runs.",
        why="Nothing installed it before this step, or it went into another Python.",
        remedy=f"Install {package} first: "
        + (
            "in an earlier step of the Dockerfile."
            if sources.dockerfile
            else "add it to the environment file."
        ),
        place=_place(stream, sources, name),
    )


def download_missing(stream: Stream, sources: Sources) -> Diagnosis | None:
    match = stream.find(_NOT_THERE)
    if not match:
        return None
    addresses = stream.find_all(_URL_END)
    name = addresses[-1][1] if addresses else ""
    return Diagnosis(
        what=f"{code(name) if name else 'A file'} is not at the address it is downloaded from.",
        why="It was moved or replaced by a newer version there, or the address is misspelled.",
        remedy="Open the address in a browser, and write the one where the file is now.",
        place=_place(stream, sources, name),
    )


def permission(stream: Stream, sources: Sources) -> Diagnosis | None:
    if not stream.find(_DENIED):
        return None
    matches = stream.find_all(_DENIED_PATH)
    path = next((group for match in matches[-1:] for group in match.groups() if group), "")
    script = stream.failed is not None and stream.failed.exit_code in {126, 127}
    place = _place(stream, sources, path)
    if script and path:
        return _no_execute_bit(path, place)
    return Diagnosis(
        what=f"The step may not write to {code(path)}." if path else "The step lacks a permission.",
        why="It runs as the image's ordinary user, who may write to the home folder and little "
        "else.",
        remedy="Do this as root, and go back to the ordinary user after it:"
        + block("USER root\nRUN …\nUSER ${NB_USER}")
        if sources.dockerfile
        else "Write below the home folder, and install packages of the operating system through "
        "`apt.txt`.",
        place=place,
    )


def _no_execute_bit(path: str, place: Place | None) -> Diagnosis:
    name = posixpath.basename(path)
    return Diagnosis(
        what=f"{code(path)} is not marked as a program.",
        why="git and `COPY` keep the mark that a file has, and this one has none.",
        remedy="Mark it while it is copied, or in git:"
        + block(f"COPY --chmod=755 {name} {path}\ngit update-index --chmod=+x {name}"),
        place=place,
    )


def no_file(stream: Stream, sources: Sources) -> Diagnosis | None:
    matches = stream.find_all(_NO_FILE)
    path = next((group for match in matches[-1:] for group in match.groups() if group), "")
    if not path:
        return None
    place = _place(stream, sources, path, posixpath.basename(path))
    return Diagnosis(
        what=f"There is no {code(path)} when this step runs.",
        why="A build sees the files that an earlier `COPY` brought, and paths begin at `WORKDIR`."
        if sources.dockerfile
        else "Paths begin at the top of the repository, and only committed files are there.",
        remedy=f"Correct the path in {written_in(place, 'the script')}"
        + (", or `COPY` the file in an earlier line." if sources.dockerfile else ", or commit it."),
        place=place,
    )


def script_failed(stream: Stream, sources: Sources) -> Diagnosis | None:
    scripts = _scripts(stream, sources)
    if not scripts or not stream.failed:
        return None
    place = reported_place(stream, sources) or scripts[0].at()
    exit_code = stream.failed.exit_code
    return Diagnosis(
        what=f"{code(scripts[0].path)} ended with exit code {exit_code}."
        if exit_code is not None
        else f"{code(scripts[0].path)} failed.",
        why=_last_of(stream),
        remedy=f"Correct {written_in(place, scripts[0].path)}."
        if last_traced(stream)
        else f"Correct {written_in(place, scripts[0].path)}. With this line near its top, the "
        f"log shows each command before it runs:{block('set -ex')}",
        place=place,
    )


def _last_of(stream: Stream) -> str:
    if command := last_traced(stream):
        return f"The last command that it ran is {code(command)}."
    said = [line.strip() for line in stream.evidence[:-1] if line.strip()]
    return f"Its last words: {code(said[-1])}." if said else "It says nothing about why."


def _scripts(stream: Stream, sources: Sources) -> list[SourceFile]:
    """The scripts that the failed step runs."""
    return [found.file for found in scripts_in(passages(stream, sources))]


def _place(stream: Stream, sources: Sources, *words: str) -> Place | None:
    """The line that the shell or Python reports, else one that names a word."""
    return reported_place(stream, sources) or step_place(stream, sources, *words)
