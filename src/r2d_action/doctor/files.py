"""Files that are too large, are no files at all, or must not be in an image."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from r2d_action.doctor.finding import Trouble
from r2d_action.doctor.repository import Repository
from r2d_action.report.diagnose.words import block, code, listed

MEGABYTE = 1_000_000
LARGE = 100 * MEGABYTE
# https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\n"
LONGEST_POINTER = 1024
# Reading more would take longer than the second that doctor has.
LONGEST_SCANNED = 64 * 1024
MOST_SCANNED = 2000
# Nothing in these can be a text.
_BINARY = (
    ".png", ".jpg", ".jpeg", ".gif", ".ico", ".pdf", ".zip", ".gz", ".bz2", ".xz", ".whl", ".so",
    ".pyc", ".nc", ".h5", ".parquet", ".tif", ".tiff", ".woff", ".woff2", ".ttf", ".mp4", ".npy",
)  # fmt: skip
# Keys that are made for tests open nothing.
_TEST_FOLDERS = frozenset({"test", "tests", "testdata", "fixtures", "examples"})


@dataclass(frozen=True, slots=True)
class _Token:
    """``marks`` is what each of its kind has in it: looking for that is quick."""

    kind: str
    marks: tuple[bytes, ...]
    pattern: re.Pattern[bytes]


_TOKENS = (
    _Token(
        "a private key",
        (b"PRIVATE KEY-----",),
        re.compile(rb"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----(?:\r?\n|\\n)[A-Za-z0-9+/=]{40}"),
    ),
    _Token(
        "a token of GitHub",
        (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"github_pat_"),
        re.compile(rb"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60,})"),
    ),
    _Token("a token of GitLab", (b"glpat-",), re.compile(rb"\bglpat-[A-Za-z0-9_-]{20}")),
    _Token(
        "an access key of Amazon",
        (b"AKIA",),
        re.compile(rb"\bAKIA(?![A-Z0-9]*EXAMPLE)[A-Z0-9]{16}\b"),
    ),
    _Token(
        "a token of Docker Hub",
        (b"dckr_",),
        re.compile(rb"\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}"),
    ),
    _Token("a token of Hugging Face", (b"hf_",), re.compile(rb"\bhf_[A-Za-z]{34}\b")),
    _Token("a token of Slack", (b"xox",), re.compile(rb"\bxox[abprs]-[0-9A-Za-z-]{20,}")),
    _Token(
        "a token of a package index",
        (b"pypi-AgEI", b"npm_"),
        re.compile(rb"\b(?:pypi-AgEI[A-Za-z0-9_-]{50,}|npm_[A-Za-z0-9]{36}\b)"),
    ),
)
_ASSIGNED_SECRET = re.compile(
    r"^[ \t]*(?:export +)?\w*(?:TOKEN|SECRET|PASSW|API_?KEY|_PAT|CREDENTIAL|ACCESS_KEY)\w*[ \t]*="
    r"[ \t]*['\"]?(?!<|your|xxx|changeme|\$|\.\.\.)[^\s'\"]{6}",
    re.IGNORECASE | re.MULTILINE,
)
_ENV_FILES = (".env", ".Renviron", ".env.local", ".envrc", "secrets.env")
_KEY_NAMES = re.compile(r"id_(?:rsa|dsa|ecdsa|ed25519)")


def large_files(repository: Repository) -> Iterator[Trouble]:
    root = repository.context.root
    # Maybe 100 000 of them: pathlib would take ten times as long.
    sizes = ((path, os.lstat(f"{root}/{path}").st_size) for path in repository.built)
    for path, size in sorted(one for one in sizes if one[1] > LARGE):
        file = code(repository.ignore_file or ".dockerignore")
        yield Trouble(
            repository.place(path),
            f"{code(path)} has {size // MEGABYTE} MB, and goes into the image: each new node "
            "of a hub has to pull it.",
            f"Add a line to {file}, and let users load it from where data is kept:" + block(path),
        )


def unused_ignore_file(repository: Repository) -> Iterator[Trouble]:
    folder = repository.decision.folder
    at_top = ".dockerignore" in repository.files and not repository.has_dockerfile
    if folder and at_top and f"{folder}/.dockerignore" not in repository.files:
        yield Trouble(
            repository.place(".dockerignore", 1),
            f"`.dockerignore` is not read: there is a folder {code(folder)}, and repo2docker "
            "looks for it there.",
            f"Move it:{block(f'git mv .dockerignore {folder}/.dockerignore')}",
        )


def pointers(repository: Repository) -> Iterator[Trouble]:
    found = [path for path in _texts(repository) if _is_pointer(repository, path)]
    if found:
        yield Trouble(
            repository.place(found[0], 1),
            f"{listed(found)} {'is' if len(found) == 1 else 'are'} kept by Git LFS, and what is "
            "here only says where.",
            "Fetch the files in the workflow, at the step that checks the repository out:"
            + block("with:\n  lfs: true"),
        )


def _is_pointer(repository: Repository, path: str) -> bool:
    return _head(repository, path, LONGEST_POINTER).startswith(LFS_POINTER)


def leaving_links(repository: Repository) -> Iterator[Trouble]:
    root = repository.context.root.resolve()
    links = (path for path in repository.built if os.path.islink(f"{root}/{path}"))  # noqa: PTH114
    for path in sorted(links):
        file = root / path
        # Of a link to itself, Path.resolve raises.
        if not Path(os.path.realpath(file)).is_relative_to(root):
            yield Trouble(
                repository.place(path),
                f"{code(path)} is a link to {code(str(file.readlink()))}, outside of what is "
                "built; in the image it leads nowhere.",
                "Put a copy of the file in its place, or delete the link.",
            )


def submodules(repository: Repository) -> Iterator[Trouble]:
    file = repository.file(".gitmodules")
    for line, path in _submodule_paths(file.text) if file else ():
        inside = any(one.startswith(f"{path}/") for one in repository.context.files)
        if file and not inside:
            yield Trouble(
                file.at(line),
                f"The submodule {code(path)} is not checked out, so the image has an empty "
                "folder there.",
                "Fetch it in the workflow, at the step that checks the repository out:"
                + block("with:\n  submodules: true"),
            )


def _submodule_paths(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), start=1):
        match = re.match(r"\s*path\s*=\s*(.+?)\s*$", line)
        if match:
            yield number, match[1]


def credentials(repository: Repository) -> Iterator[Trouble]:
    for one in repository.context.left_out:
        yield Trouble(
            repository.place(one.path),
            f"{code(one.path)} holds {one.holds}; it is left out of the image.",
            one.advice,
        )


def secrets(repository: Repository) -> Iterator[Trouble]:
    for path in _texts(repository):
        if _TEST_FOLDERS.intersection(path.split("/")):
            continue
        data = _head(repository, path, LONGEST_SCANNED)
        for kind, start in _tokens_in(data):
            yield Trouble(
                repository.place(path, data.count(b"\n", 0, start) + 1),
                f"{code(path)} seems to hold {kind}, which everybody who pulls the image could "
                "read.",
                "Take it out of the file, and have it withdrawn where it was made: git keeps it "
                "in its history.",
            )


def _tokens_in(data: bytes) -> Iterator[tuple[str, int]]:
    """The first of each kind, with where it begins."""
    for token in _TOKENS:
        if any(mark in data for mark in token.marks):
            match = token.pattern.search(data)
            if match:
                yield token.kind, match.start()


def secret_files(repository: Repository) -> Iterator[Trouble]:
    for path in _texts(repository):
        name = posixpath.basename(path)
        assigned = _ASSIGNED_SECRET.search(repository.text(path)) if name in _ENV_FILES else None
        if not assigned and not _KEY_NAMES.fullmatch(name):
            continue
        line = repository.text(path).count("\n", 0, assigned.start()) + 1 if assigned else None
        holds = "passwords or tokens" if assigned else "a private key, by its name"
        yield Trouble(
            repository.place(path, line),
            f"{code(path)} holds {holds}, and goes into the image.",
            f"Add a line to {code(repository.ignore_file or '.dockerignore')}, and to "
            f"`.gitignore`:{block(path)}",
        )


def _texts(repository: Repository) -> list[str]:
    """Small files that go in, those at the top first."""
    paths = (path for path in repository.built if not path.lower().endswith(_BINARY))
    return sorted(paths, key=lambda path: (path.count("/"), path))[:MOST_SCANNED]


def _head(repository: Repository, path: str, most: int) -> bytes:
    file = repository.context.root / path
    try:
        if file.is_symlink() or file.stat().st_size > most:
            return b""
        return file.read_bytes()
    except OSError:
        return b""
