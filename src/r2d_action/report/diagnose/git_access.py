"""A dependency that comes from a git repository."""

from __future__ import annotations

import re

from r2d_action.report.diagnose.diagnosis import Diagnosis
from r2d_action.report.diagnose.passage import step_place
from r2d_action.report.diagnose.sources import Sources
from r2d_action.report.diagnose.stream import Stream
from r2d_action.report.diagnose.words import code, install_with_apt

_NO_GIT = re.compile(
    r"Cannot find command 'git'|No such file or directory: '?git'?|\bgit: (?:command )?not found"
)
_REFUSED = re.compile(
    r"could not read (?:Username|Password) for|terminal prompts disabled|Authentication failed for"
    r"|remote: (?:Repository not found|Invalid username)|remote: Write access .* not granted"
    r"|Host key verification failed|Permission denied \(publickey"
)
_NO_REVISION = re.compile(
    r"pathspec '([^']+)' did not match|Remote branch (\S+) not found"
    r"|couldn't find remote ref (\S+)|Did not find branch or tag '([^']+)'"
)
_ADDRESS = re.compile(r"(?:https?|ssh|git)(?:\+\w+)?://[^\s'\"]+|git@[\w.-]+:[^\s'\"]+")


def git_missing(stream: Stream, sources: Sources) -> Diagnosis | None:
    if not stream.find(_NO_GIT):
        return None
    return Diagnosis(
        what="A dependency comes from a git repository, and the image has no `git`.",
        why="pip calls the program `git` for addresses that begin with `git+`.",
        remedy=install_with_apt(sources, "git"),
        place=step_place(stream, sources, "git+https", "git+ssh", "git"),
    )


def refused(stream: Stream, sources: Sources) -> Diagnosis | None:
    if not stream.find(_REFUSED):
        return None
    address = _address(stream)
    name = code(address) if address else "a git repository"
    return Diagnosis(
        what=f"The build is not let in to {name}.",
        why="The repository is private, or its address is misspelled, and a build has no key or "
        "password of yours.",
        remedy="Check the address. If the repository is private, make it public, publish the "
        "package, or copy it into this repository; a password in the address would be readable by "
        "everybody who pulls the image.",
        place=step_place(stream, sources, *_repository_names(address)),
    )


def revision_missing(stream: Stream, sources: Sources) -> Diagnosis | None:
    match = stream.find(_NO_REVISION)
    if not match:
        return None
    revision = next(group for group in match.groups() if group)
    return Diagnosis(
        what=f"The git repository has no branch, tag or commit {code(revision)}.",
        why="It was renamed or deleted there, or is misspelled here.",
        remedy="Write a branch or tag that the repository has, after the `@` at the end of its "
        "address.",
        place=step_place(stream, sources, revision, *_repository_names(_address(stream))),
    )


def _address(stream: Stream) -> str:
    """The address of the repository, without a password that it may hold."""
    match = stream.find(_ADDRESS)
    return re.sub(r"//[^/@]*@", "//", match[0].rstrip("/,;:")) if match else ""


def _repository_names(address: str) -> tuple[str, ...]:
    """What to look for in the user's files: the repository's own name."""
    name = address.rstrip("/").removesuffix(".git").rpartition("/")[2].partition("@")[0]
    return (name,) if name else ()
