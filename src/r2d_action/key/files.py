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
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

from r2d_action.context import Context, unreadable
from r2d_action.git import NO_ANSWER, Git

FILE, EXECUTABLE, LINK, FOLDER = "100644", "100755", "120000", "40000"
# Attributes by which a file in the checkout differs from what git keeps (line ends, LFS).
_CONVERTING = re.compile(r"\b(filter|text|eol|ident|working-tree-encoding|crlf)\b")
# In a sparse checkout, the attributes may be among what is not there.
_CONVERTING_SETTINGS = r"^core\.(autocrlf|eol|attributesfile|sparsecheckout)$"
_ATTRIBUTES = ".gitattributes"
# Settings by which git does not see a change that an image would show.
_LOOK_AT_EVERYTHING = (
    "-c", "core.trustctime=true",
    "-c", "core.fsmonitor=false",
    "-c", "core.fileMode=true",
    "-c", "core.symlinks=true",
    "-c", "core.checkStat=default",
)  # fmt: skip
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Known:
    """What git says: ``<mode> <digest>`` of each unmodified file, by its path in the context."""

    entries: Mapping[str, str]


def digest_of(
    context: Context, paths: Iterable[str], known: Known, *, read: Iterable[str] = ()
) -> str:
    """``paths`` are those of the context's files that go in, empty folders ending with ``/``.
    ``read`` are files whose content counts where they are links, too."""
    total = hashlib.sha256()
    entries = known.entries
    lines = [
        f"{entries.get(path) or _entry(f'{context.root}/{path}')}\t{path}\0"
        for path in sorted(paths)
    ]
    links = ((path, (context.root / path).resolve()) for path in sorted(read))
    lines += [
        f"{_entry(str(content))}\t{path}\0"
        for path, content in links
        if content != context.root.resolve() / path and content.is_file()
    ]
    total.update("".join(lines).encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def _entry(path: str) -> str:
    # Where git has no word, this is done 100 000 times: pathlib would take half as long again.
    status = os.lstat(path)
    if stat.S_ISDIR(status.st_mode):
        return f"{FOLDER} "
    if stat.S_ISLNK(status.st_mode):
        return f"{LINK} {_blob(os.readlink(os.fsencode(path)))}"  # noqa: PTH115
    mode = EXECUTABLE if status.st_mode & stat.S_IXUSR else FILE
    return f"{mode} {_blob_of_file(path, status.st_size)}"


def _blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0%s" % (len(content), content), usedforsecurity=False).hexdigest()


def _blob_of_file(path: str, size: int) -> str:
    try:
        file = open(path, "rb", buffering=0)  # noqa: PTH123, SIM115
    except PermissionError:
        raise unreadable(Path(path)) from None
    with file:
        if size < CHUNK:
            return _blob(file.read())
        digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
        while chunk := file.read(CHUNK):
            digest.update(chunk)
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Asked:
    """Questions that git is busy with: both take long in a large repository."""

    git: Git
    index: Future[dict[str, str]]
    changed: Future[list[str]]


def ask_git(git: Git) -> Asked:
    """``git`` is at the top of the context."""
    pool = ThreadPoolExecutor(max_workers=2)
    # It compares every file's size and times with the index, also that of the last change of the
    # inode, which nobody can set back. In one thread, since the checkout is walked meanwhile.
    alone = ("-c", "core.preloadIndex=false")
    changed = pool.submit(
        _names, git, *_LOOK_AT_EVERYTHING, *alone, "diff-files", "--name-only", "--relative", "-z"
    )
    asked = Asked(git, pool.submit(_index, git), changed)
    pool.shutdown(wait=False)
    return asked


def known_to_git(context: Context, asked: Asked) -> Known:
    """Nothing outside of a repository, and where git's word on a file is not the file."""
    try:
        place = _place_of(asked.git)
        if place.folder != context.root.resolve() or _may_convert(asked.git, context, place):
            return Known({})
        changed = asked.changed.result()
        if any(path.endswith(_ATTRIBUTES) for path in changed):
            return Known({})  # it was another one that the files were checked out by
        entries = asked.index.result()
        for path in changed:
            entries.pop(path, None)
    except NO_ANSWER:
        return Known({})
    return Known(entries)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where git works, by what it says: GIT_DIR, GIT_WORK_TREE or a setting may lead it to
    another checkout. All paths are absolute."""

    top: Path
    folder: Path
    attributes: Path


def _place_of(git: Git) -> _Place:
    top, *prefix, attributes = git.run(
        "rev-parse", "--show-toplevel", "--show-prefix",
        "--path-format=absolute", "--git-path", "info/attributes",
    ).text.split("\n")  # fmt: skip
    return _Place(Path(top), Path(top, *prefix), Path(attributes))


def _index(git: Git) -> dict[str, str]:
    """Unmerged entries, and those that git was told to assume unchanged, do not count."""
    lines = _names(git, "ls-files", "--stage", "-v", "-z")
    # H 100644 <digest> 0<tab><path>: up to the path, all lines of a repository are equally long.
    path = lines[0].index("\t") + 1 if lines else 0
    mode, stage = len("H "), path - len(" 0\t")
    if stage - mode != len("100644 ") + 2 * hashlib.sha1(usedforsecurity=False).digest_size:
        return {}  # none, or digests of another kind
    usual = [line for line in lines if line[0] == "H" and line[stage:path] == " 0\t"]
    # Half the time of a comprehension, and there may be 100 000 lines.
    path_of, entry_of = itemgetter(slice(path, None)), itemgetter(slice(mode, stage))
    return dict(zip(map(path_of, usual), map(entry_of, usual), strict=True))


def _names(git: Git, *arguments: str) -> list[str]:
    return git.run(*arguments).text.split("\0")[:-1]


def _may_convert(git: Git, context: Context, place: _Place) -> bool:
    """Whether files in the checkout may differ from what git keeps of them."""
    if git.attempt("config", "--get-regexp", _CONVERTING_SETTINGS, "!^false$").lines:
        return True
    above = [folder / _ATTRIBUTES for folder in (context.root, *context.root.parents)]
    inside = [context.root / path for path in context.files if path.endswith(_ATTRIBUTES)]
    candidates = [path for path in above if path.is_relative_to(place.top)]
    everywhere = (place.attributes, *_attributes_of_user(git.env))
    return any(_CONVERTING.search(_text(path)) for path in (*candidates, *inside, *everywhere))


def _attributes_of_user(env: Mapping[str, str]) -> Iterator[Path]:
    """https://git-scm.com/docs/gitattributes: where git looks without being told to."""
    yield Path("/etc/gitattributes")
    settings = env.get("XDG_CONFIG_HOME") or f"{env.get('HOME', '')}/.config"
    yield Path(settings, "git", "attributes")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
