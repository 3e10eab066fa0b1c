"""A digest of the files of a context: path, content and the executable bit of each.

What git knows to be unmodified is not read again: its index has each file's digest
already. Everything else is given the digest that git would give it, so that it makes
no difference how much git knows.
https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from r2d_action.context import Context
from r2d_action.git import Git
from r2d_action.process import CommandFailed

FILE, EXECUTABLE, LINK, FOLDER = "100644", "100755", "120000", "40000"
# Attributes by which a file in the checkout differs from what git keeps (line ends, LFS).
_CONVERTING = re.compile(r"\b(filter|text|eol|ident|working-tree-encoding|crlf)\b")
_CONVERTING_SETTINGS = r"^core\.(autocrlf|eol|attributesfile)$"
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Known:
    """What git says: ``<mode> <digest>`` of each unmodified file, by its path in the context."""

    entries: Mapping[str, str]


def digest_of(context: Context, paths: Iterable[str], known: Known) -> str:
    """``paths`` are those of the context's files that go in, empty folders ending with ``/``."""
    total = hashlib.sha256()
    entries = known.entries
    lines = [
        f"{entries.get(path) or _entry(context.root / path)}\t{path}\0" for path in sorted(paths)
    ]
    total.update("".join(lines).encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def empty_folders(context: Context) -> Iterator[str]:
    """Folders with nothing in them, which a copy into an image keeps."""
    parents = {path.rpartition("/")[0] for path in (*context.files, *context.folders)}
    return (f"{folder}/" for folder in context.folders if folder not in parents)


def _entry(path: Path) -> str:
    status = path.lstat()
    if stat.S_ISDIR(status.st_mode):
        return f"{FOLDER} "
    if stat.S_ISLNK(status.st_mode):
        return f"{LINK} {_blob(os.fsencode(path.readlink()))}"
    mode = EXECUTABLE if status.st_mode & stat.S_IXUSR else FILE
    return f"{mode} {_blob_of_file(path, status.st_size)}"


def _blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0%s" % (len(content), content), usedforsecurity=False).hexdigest()


def _blob_of_file(path: Path, size: int) -> str:
    digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def known_to_git(context: Context, git: Git) -> Known:
    """Nothing outside of a repository, and where git's word on a file is not the file."""
    here = Git(context.root, git.env)
    try:
        if _may_convert(here, context):
            return Known({})
        with ThreadPoolExecutor(max_workers=1) as pool:
            # This one takes the longest: it compares every file's times with the index. Not
            # that of the last change of the inode, which a link to the file moves.
            changed = pool.submit(
                _names, here, "-c", "core.trustctime=false", "-c", "core.fsmonitor=false",
                "diff-files", "--name-only", "--relative", "-z",
            )  # fmt: skip
            entries = dict(_index(here))
            for path in changed.result():
                entries.pop(path, None)
    except (CommandFailed, FileNotFoundError, subprocess.TimeoutExpired):
        return Known({})
    return Known(entries)


def _index(git: Git) -> Iterator[tuple[str, str]]:
    """Unmerged entries, and those that git was told to assume unchanged, do not count."""
    for line in _names(git, "ls-files", "--stage", "-v", "-z"):
        head, _, path = line.partition("\t")
        tag, mode, digest, stage = head.split(" ")
        if tag == "H" and stage == "0":
            yield path, f"{mode} {digest}"


def _names(git: Git, *arguments: str) -> list[str]:
    return git.run(*arguments).text.split("\0")[:-1]


def _may_convert(git: Git, context: Context) -> bool:
    """Whether files in the checkout may differ from what git keeps of them."""
    if git.attempt("config", "--get-regexp", _CONVERTING_SETTINGS).lines:
        return True
    top = Path(git.line("rev-parse", "--show-toplevel"))
    above = [folder / ".gitattributes" for folder in (context.root, *context.root.parents)]
    inside = [context.root / path for path in context.files if path.endswith(".gitattributes")]
    info = Path(git.line("rev-parse", "--path-format=absolute", "--git-path", "info/attributes"))
    candidates = [path for path in above if path.is_relative_to(top)]
    return any(_CONVERTING.search(_text(path)) for path in (*candidates, *inside, info))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
