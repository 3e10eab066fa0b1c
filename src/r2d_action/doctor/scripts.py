"""postBuild, start, and the script that a Dockerfile starts the server with."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from r2d_action.doctor.finding import Trouble
from r2d_action.doctor.python import asked
from r2d_action.doctor.repository import Repository
from r2d_action.report.diagnose.sources import SourceFile
from r2d_action.report.diagnose.words import block, code

_SHELL = re.compile(r"#!.*\b(?:ba|da|z|k)?sh\b")
_HANDS_OVER = re.compile(r"""["']?\$\{?[@*]""")
# Some gather the command in a variable first.
_EXEC = re.compile(r"^[^#\n]*\bexec\s[^#\n]*\$", re.MULTILINE)
_ROOT_COMMAND = re.compile(r"^\s*(?:sudo|apt|apt-get)\s")
_GONE_COMMAND = re.compile(r"^[^#]*\bjupyter[ -](?P<name>nbextension|serverextension)\b")
_OLD_NOTEBOOK = re.compile(r"^\s*-?\s*notebook\s*(?:==?\s*[56]\b|<=?\s*7)", re.MULTILINE)
_CONDA = re.compile(
    r"^[^#]*\b(?:conda|mamba)\s+(?:env\s+)?(?:install|remove|create|update)\b(?P<rest>.*)"
)
_YES = re.compile(r"\s(?:-\w*y\w*|--yes|-q?y)\b|--file|\s-f\b|\benv\s+(?:create|update)")
HAND_OVER = block('exec "$@"')


@dataclass(frozen=True, slots=True)
class Script:
    """``starts`` is true for what runs before the server and has to hand over to it."""

    path: str
    file: SourceFile
    starts: bool


def scripts(repository: Repository) -> Iterator[Script]:
    for name in ("postBuild", "start"):
        if file := repository.config(name):
            path = posixpath.join(repository.decision.folder, name)
            yield Script(path, file, name == "start")
    if entrypoint := entrypoint_script(repository):
        yield entrypoint


def entrypoint_script(repository: Repository) -> Script | None:
    """The file of the repository that a Dockerfile's ENTRYPOINT runs."""
    dockerfile = repository.dockerfile
    step = dockerfile.last("ENTRYPOINT")
    for word in step.words if step else ():
        path = _source_of(repository, word)
        file = repository.file(path)
        if file and file.text.startswith("#!"):
            return Script(path, file, starts=True)
    return None


def _source_of(repository: Repository, target: str) -> str:
    """What was copied to ``target``, going by names."""
    dockerfile, name = repository.dockerfile, posixpath.basename(target)
    for step in dockerfile.all("COPY", "ADD"):
        if step.takes_from_elsewhere:
            continue
        *sources, to = step.words or ("",)
        for source in sources:
            path = posixpath.normpath(source)
            if to == target or posixpath.basename(path) == name:
                return path
            if f"{path}/{name}" in repository.files:
                return f"{path}/{name}"
            if path == "." and name in repository.files:
                return name
    return ""


def windows_line_ends(repository: Repository) -> Iterator[Trouble]:
    for script in scripts(repository):
        if "\r\n" in script.file.text:
            yield Trouble(
                script.file.at(1),
                f"{code(script.file.path)} has the line ends of Windows, which Linux takes for a "
                "part of the commands.",
                "Save it with the line ends LF, and keep it so with this line in `.gitattributes`:"
                + block(f"{posixpath.basename(script.path)} text eol=lf"),
            )


def start_without_first_line(repository: Repository) -> Iterator[Trouble]:
    for script in scripts(repository):
        if script.starts and not script.file.text.startswith("#!"):
            yield Trouble(
                script.file.at(1),
                f"{code(script.file.path)} does not say what runs it, and the server cannot start.",
                f"Make this its first line:{block('#!/bin/bash')}",
            )


def build_without_first_line(repository: Repository) -> Iterator[Trouble]:
    for script in scripts(repository):
        if not script.starts and not script.file.text.startswith("#!"):
            yield Trouble(
                script.file.at(1),
                f"{code(script.file.path)} does not say what runs it; a plain `sh` will, which "
                "knows less than bash.",
                f"Make this its first line:{block('#!/bin/bash')}",
            )


def not_executable(repository: Repository) -> Iterator[Trouble]:
    """repo2docker marks its own scripts; a Dockerfile's are as they are."""
    for script in scripts(repository):
        if not repository.has_dockerfile and not _is_executable(repository, script):
            yield Trouble(
                script.file.at(1),
                f"{code(script.file.path)} is not marked as a program. repo2docker does that "
                "itself; other tools do not.",
                f"Mark it in git:{block(f'git update-index --chmod=+x {script.path}')}",
            )


def entrypoint_not_executable(repository: Repository) -> Iterator[Trouble]:
    script, dockerfile = entrypoint_script(repository), repository.dockerfile
    if script is None or _is_executable(repository, script):
        return
    marked = any("chmod" in step.value for step in dockerfile.all("RUN", "COPY", "ADD"))
    step = dockerfile.last("ENTRYPOINT")
    # Somebody who runs it by name of a shell needs no mark.
    direct = step and step.words and posixpath.basename(step.words[0]) not in {"bash", "sh"}
    if not marked and direct:
        yield Trouble(
            script.file.at(1),
            f"{code(script.file.path)} is not marked as a program, so the container cannot start "
            "it.",
            "Mark it while it is copied, or in git:"
            + block(f"COPY --chmod=755 {script.path} …\ngit update-index --chmod=+x {script.path}"),
        )


def _is_executable(repository: Repository, script: Script) -> bool:
    return os.access(repository.context.root / script.path, os.X_OK)


def never_hands_over(repository: Repository) -> Iterator[Trouble]:
    for script in _shell_starters(repository):
        if not _HANDS_OVER.search(script.file.text):
            yield Trouble(
                script.file.at(script.file.line_count),
                f"{code(script.file.path)} ends without starting what the hub asks for, so there "
                "is no server.",
                f"Make this its last line:{HAND_OVER}",
            )


def hands_over_without_exec(repository: Repository) -> Iterator[Trouble]:
    for script in _shell_starters(repository):
        text = script.file.text
        if _HANDS_OVER.search(text) and not _EXEC.search(text):
            numbers = enumerate(script.file.lines, start=1)
            found = [number for number, line in numbers if _HANDS_OVER.search(line)]
            yield Trouble(
                script.file.at(found[-1]),
                f"{code(script.file.path)} starts the server without `exec`, so a stop never "
                "reaches it.",
                f"Make this its last line:{HAND_OVER}",
            )


def _shell_starters(repository: Repository) -> Iterator[Script]:
    for script in scripts(repository):
        if script.starts and _SHELL.match(script.file.lines[0]):
            yield script


def needs_root(repository: Repository) -> Iterator[Trouble]:
    for place, line in repository.lines("postBuild"):
        if _ROOT_COMMAND.match(line):
            yield Trouble(
                place,
                f"{code(line.strip())} needs the administrator (root), and `postBuild` runs as an "
                "ordinary user.",
                "Move the packages to `apt.txt`: that file is installed as root.",
            )


def gone_commands(repository: Repository) -> Iterator[Trouble]:
    """The first of them, since all have one remedy."""
    if _has_old_notebook(repository):
        return
    for place, line in repository.lines("postBuild"):
        if match := _GONE_COMMAND.match(line):
            yield Trouble(
                place,
                f"`jupyter {match['name']}` no longer exists in the Jupyter of today's images.",
                "Delete all such lines: extensions that pip or conda installs are switched on by "
                "themselves. For one that is not, use `jupyter server extension enable`.",
            )
            return


def _has_old_notebook(repository: Repository) -> bool:
    """Jupyter Notebook 7 dropped the commands; repo2docker has 6 with Python 3.7 alone."""
    chosen = asked(repository)
    pinned = any(_OLD_NOTEBOOK.search(text) for text in repository.speakers())
    return pinned or bool(chosen and chosen.minor == "3.7")


def asks(repository: Repository) -> Iterator[Trouble]:
    for place, line in repository.lines("postBuild"):
        match = _CONDA.match(line)
        if match and not line.endswith("\\") and not _YES.search(line):
            yield Trouble(
                place,
                f"{code(line.strip())} asks whether it should go on, and nobody can answer in a "
                "build.",
                "Add `--yes`, or better list the package in `environment.yml`.",
            )


def under_home(repository: Repository) -> Iterator[Trouble]:
    file = repository.config("start")
    settings = repository.settings
    in_home = not settings.repo_dir or settings.repo_dir.startswith(("/home/", "~", "$HOME"))
    if file and settings.for_hub and in_home:
        yield Trouble(
            file.at(1),
            f"{code(file.path)} lies in the home folder, over which a hub mounts the user's own "
            "files; the server then does not start.",
            "Put the repository elsewhere, in the workflow file:" + block("REPO_DIR: /srv/repo"),
        )
