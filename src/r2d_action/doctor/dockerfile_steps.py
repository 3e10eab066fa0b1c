"""The steps of a Dockerfile of the user's own, and what an ignore file keeps from them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from r2d_action.doctor.dockerfile_text import ROOT, Dockerfile, Instruction
from r2d_action.doctor.finding import Trouble
from r2d_action.doctor.repository import Repository
from r2d_action.report.diagnose.ignoring import line_leaving_out
from r2d_action.report.diagnose.words import block, code

_APT_INSTALL = re.compile(r"\bapt(?:-get)?\s+(?P<options>(?:-\S+\s+|-o\s+\S+\s+)*)install\b")
_HOME = re.compile(r"^(?:/home/\w+|\$\{?HOME\}?|~|/home/\$\{?NB_USER\}?)(?:/|$)")
_LITERAL = re.compile(r"[\w./@+-]+")
# Docker stacks end as an ordinary user, and so do images made by repo2docker.
_ENDS_AS_USER = re.compile(r"(?:quay\.io/|docker\.io/)?(?:jupyter|pangeo)/")
# The last one asks nothing.
_YES = re.compile(r"(?:^|\s)(?:-\w*y\w*|--yes|--assume-yes|-\w*qq\w*|--reinstall)(?=\s|$)")


def apt_asks(repository: Repository) -> Iterator[Trouble]:
    for dockerfile, step, match in _installs(repository):
        rest = step.value[match.end() :].partition("&&")[0].partition(";")[0]
        if not _YES.search(f"{match['options']} {rest}") and "Assume-Yes" not in step.value:
            yield Trouble(
                dockerfile.at(_line_of(dockerfile, step, match[0])),
                "apt asks whether it should go on, and nobody can answer in a build.",
                "Write `apt-get install --yes` instead of `apt-get install`.",
            )


def apt_without_list(repository: Repository) -> Iterator[Trouble]:
    for dockerfile, step, match in _installs(repository):
        updates = re.search(r"\bapt(?:-get)?\s[^&;|]*\bupdate\b", step.value[: match.start()])
        local = ".deb" in step.value or "--reinstall" in step.value
        if not updates and not local:
            yield Trouble(
                dockerfile.at(_line_of(dockerfile, step, match[0])),
                "apt installs here without fetching the list of packages in the same step; the "
                "list is missing, or one of long ago from the build cache.",
                "Ask for the list in the same step:"
                + block("RUN apt-get update && apt-get install --yes …"),
            )


def _installs(repository: Repository) -> Iterator[tuple[Dockerfile, Instruction, re.Match[str]]]:
    dockerfile = repository.dockerfile
    for step in dockerfile.all("RUN"):
        match = _APT_INSTALL.search(step.value)
        if match and "<<" not in step.value:
            yield dockerfile, step, match


def _line_of(dockerfile: Dockerfile, step: Instruction, text: str) -> int:
    """The line of a long instruction that has ``text``."""
    lines = dockerfile.file.lines[step.line - 1 :]
    found = (number for number, line in enumerate(lines, step.line) if text in line)
    return next(found, step.line)


def apt_as_user(repository: Repository) -> Iterator[Trouble]:
    dockerfile = repository.dockerfile
    for step, user in _with_users(dockerfile):
        match = _APT_INSTALL.search(step.value)
        if step.keyword == "RUN" and match and user and "sudo" not in step.value:
            yield Trouble(
                dockerfile.at(_line_of(dockerfile, step, match[0])),
                f"apt needs the administrator (root), and this step runs as {code(user)}.",
                "Change the user for this step, and back after it:"
                + block("USER root\nRUN apt-get update && …\nUSER ${NB_USER}"),
            )


def _with_users(dockerfile: Dockerfile) -> Iterator[tuple[Instruction, str]]:
    """Each instruction with the ordinary user that runs it; empty for root, or if unknown."""
    bases, user = {base.line: base for base in dockerfile.bases()}, ""
    for step in dockerfile.instructions:
        if step.keyword == "FROM":
            base = bases.get(step.line)
            user = "jovyan" if base and _ENDS_AS_USER.match(base.image) else ""
        elif step.keyword == "USER":
            user = "" if step.value.partition(":")[0] in ROOT else step.value
        yield step, user


def missing_sources(repository: Repository) -> Iterator[Trouble]:
    dockerfile = repository.dockerfile
    folders = frozenset(repository.context.folders)
    for step, source in _sources(dockerfile):
        path = posixpath.normpath(source.lstrip("/") or ".")
        if path == "." or path in repository.files or path in folders:
            continue
        outside = path.startswith("..")
        yield Trouble(
            dockerfile.at(_line_of(dockerfile, step, source)),
            f"{code(source)} lies outside of the folder that is built."
            if outside
            else f"There is no {code(source)} in the repository.",
            "Move it into the folder that is built."
            if outside
            else "Correct the name, with the case of its letters, or commit the file (check that "
            "`.gitignore` does not keep it out).",
        )


def _sources(dockerfile: Dockerfile) -> Iterator[tuple[Instruction, str]]:
    for step in dockerfile.all("COPY", "ADD"):
        if step.takes_from_elsewhere or "<<" in step.value:
            continue
        for source in step.words[:-1]:
            if _LITERAL.fullmatch(source):
                yield step, source


def under_home(repository: Repository) -> Iterator[Trouble]:
    dockerfile = repository.dockerfile
    for step in dockerfile.final if repository.settings.for_hub else ():
        target = step.words[-1] if step.words else ""
        if step.keyword in {"COPY", "ADD"} and _HOME.match(target):
            yield Trouble(
                dockerfile.at(step.line),
                f"This copies into the home folder ({code(target)}), over which a hub mounts the "
                "user's own files; nobody will see it there.",
                "Copy to a folder outside of it, for example `/opt`, or to `${REPO_DIR}` with "
                "`REPO_DIR: /srv/repo` in the workflow file.",
            )


def left_out(repository: Repository) -> Iterator[Trouble]:
    """Files that the build needs and an ignore file keeps away, with or without Dockerfile."""
    copied = [posixpath.normpath(source) for _, source in _sources(repository.dockerfile)]
    needed = copied if repository.has_dockerfile else repository.decision.reads
    for path in needed:
        if path in repository.files and path not in repository.built:
            rules = repository.text(repository.ignore_file)
            line = line_leaving_out(path, rules, has_dockerfile=repository.has_dockerfile)
            yield Trouble(
                repository.place(repository.ignore_file, line),
                f"{code(path)} is needed, and {code(repository.ignore_file)} keeps it out of the "
                "build.",
                f"Add this line at the end of {code(repository.ignore_file)}:{block(f'!{path}')}",
            )
