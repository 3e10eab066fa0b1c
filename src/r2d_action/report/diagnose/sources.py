"""The user's files, read once so that all that reasons about them is pure."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from r2d_action.context import CONFIG_DIRS, ENVIRONMENT_FILES
from r2d_action.errors import Place

IGNORE_FILES = (".dockerignore", ".containerignore", "Dockerfile.dockerignore")
GIT_FILES = (".gitattributes", ".gitmodules")
TELLING_FILES = frozenset(
    (*ENVIRONMENT_FILES, *IGNORE_FILES, *GIT_FILES, "requirements3.txt", "setup.cfg")
)
# Files of the user that name further ones.
CALLING_FILES = ("Dockerfile", "postBuild", "start")
# Larger files are data, whatever their name.
LARGEST_FILE = 256 * 1024
MOST_PATHS = 20_000
# https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
LFS_HEAD = "version https://git-lfs."
_TRACKED_BY_LFS = re.compile(r"^(\S+)\s.*\bfilter=lfs\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One text file; ``path`` is relative to the checkout."""

    path: str
    text: str

    @property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    def at(self, line: int | None = None) -> Place:
        """The place of ``line``, or of the whole file when it has no such line."""
        known = line is not None and 1 <= line <= self.line_count
        return Place(self.path, line if known else None)

    @property
    def line_count(self) -> int:
        """Lines with nothing but blanks at the end do not count."""
        text = self.text.rstrip()
        return text.count("\n") + bool(text)

    def line_with(self, text: str) -> int | None:
        """The first line that is ``text``, blanks at its ends aside."""
        wanted = text.strip()
        found = (n for n, line in enumerate(self.lines, 1) if wanted and line.strip() == wanted)
        return next(found, None)

    def line_naming(self, word: str, first: int = 1, last: int | None = None) -> int | None:
        """The first line, comments aside, that has ``word`` as a name of its own."""
        pattern = _name_pattern(word)
        for number, line in enumerate(self.lines[first - 1 : last], first):
            if pattern and pattern.search(_without_comment(line)):
                return number
        return None


NO_FILE = SourceFile("", "")


def _name_pattern(word: str) -> re.Pattern[str] | None:
    """Python packages are written with ``-``, ``_`` and ``.`` and in any case alike."""
    parts = [re.escape(part) for part in re.split(r"[-_.]+", word)]
    if not any(parts):
        return None
    return re.compile(rf"(?<![\w.-]){'[-_.]+'.join(parts)}(?![\w-]|\.\w)", re.IGNORECASE)


def _without_comment(line: str) -> str:
    return re.sub(r"(?:^|\s)#(?!!).*", "", line)


@dataclass(frozen=True, slots=True)
class Sources:
    """``files`` and ``listing`` are relative to the build root, as is the configuration
    ``folder``; ``prefix`` is the build root, and ``appendix_file`` is, relative to the checkout.

    ``files`` holds the texts that a failure can lead back to, ``listing`` all files' paths,
    ``placeholders`` those whose content Git LFS keeps elsewhere.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""
    prefix: str = ""
    appendix_file: str = ""
    appendix_text: str = ""
    listing: frozenset[str] = frozenset()
    placeholders: frozenset[str] = frozenset()

    @classmethod
    def read(cls, build_root: Path, prefix: str = "", appendix_file: str = "") -> Sources:
        """``appendix_file`` is looked for where it lies seen from ``build_root``."""
        listing = frozenset(_walk(build_root))
        return cls.gather(
            listing, lambda path: read_small(build_root / path), prefix, appendix_file
        )

    @classmethod
    def gather(
        cls,
        listing: frozenset[str],
        text_of: Callable[[str], str],
        prefix: str = "",
        appendix_file: str = "",
    ) -> Sources:
        """The part of :meth:`read` that needs no files, but only their paths and texts."""
        folder = next((name for name in CONFIG_DIRS if _has_folder(listing, name)), "")
        callers = "\n".join(text_of(posixpath.join(folder, name)) for name in CALLING_FILES)
        wanted = sorted(path for path in listing if _is_wanted(path, callers))
        texts = {path: text_of(path) for path in wanted}
        appendix = posixpath.relpath(appendix_file, prefix or ".") if appendix_file else ""
        return cls(
            files={path: text for path, text in texts.items() if text},
            folder=folder,
            prefix=prefix,
            appendix_file=appendix_file,
            appendix_text=text_of(appendix) if appendix else "",
            listing=listing,
            placeholders=frozenset(_placeholders(listing, text_of)),
        )

    def find(self, name: str) -> SourceFile | None:
        """The file ``name`` of the configuration folder, else of the top."""
        return self.file(posixpath.join(self.folder, name)) or self.file(name)

    def file(self, path: str) -> SourceFile | None:
        text = self.files.get(path)
        return None if text is None else SourceFile(self.path(path), text)

    def path(self, path: str) -> str:
        """``path`` of the build root, seen from the checkout."""
        return posixpath.join(self.prefix, path)

    def configuration(self, name: str) -> str:
        """Where the environment file ``name`` belongs, seen from the checkout."""
        return self.path(posixpath.join(self.folder, name))

    @property
    def dockerfile(self) -> SourceFile | None:
        """The user's own Dockerfile, where the repository has one."""
        return self.file(posixpath.join(self.folder, "Dockerfile"))

    @property
    def appendix(self) -> SourceFile | None:
        if not self.appendix_file:
            return None
        return SourceFile(self.appendix_file, self.appendix_text)

    @property
    def ignore_file(self) -> SourceFile | None:
        """The file that says what stays out of the build."""
        if self.dockerfile:
            own = self.find("Dockerfile.dockerignore")
            return own or self.file(".dockerignore")
        return self.find(".dockerignore") or self.find(".containerignore")

    def mentioned_in(self, text: str) -> tuple[SourceFile, ...]:
        """The files whose names ``text`` holds, those of the configuration folder first."""
        paths = [path for path in self.files if _mentions(text, posixpath.basename(path))]
        paths.sort(key=lambda path: (posixpath.dirname(path) != self.folder, path))
        first: dict[str, SourceFile] = {}
        for path in paths:
            first.setdefault(
                posixpath.basename(path), SourceFile(self.path(path), self.files[path])
            )
        return tuple(first.values())


def _has_folder(listing: frozenset[str], name: str) -> bool:
    return any(path.startswith(f"{name}/") for path in listing)


def _mentions(text: str, name: str) -> bool:
    # "start" and "Dockerfile" are words of every day: as file names they come with a folder.
    before = r"(?<=/)" if name in {"start", "Dockerfile"} else r"(?<![\w.-])"
    return bool(re.search(rf"{before}{re.escape(name)}(?![\w-]|\.\w)", text))


def _walk(root: Path) -> Iterator[str]:
    """Paths of files below ``root``, with slashes; a very large tree is cut short."""
    count = 0
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name != ".git")
        for name in sorted(files):
            yield (Path(folder) / name).relative_to(root).as_posix()
        count += len(files)
        if count > MOST_PATHS:
            return


def _is_wanted(path: str, callers: str) -> bool:
    folder, name = posixpath.split(path)
    if folder in {"", *CONFIG_DIRS} and name in TELLING_FILES:
        return True
    return "." in name and _mentions(callers, name)


def _placeholders(listing: frozenset[str], text_of: Callable[[str], str]) -> Iterator[str]:
    patterns = _TRACKED_BY_LFS.findall(text_of(".gitattributes"))
    for path in listing if patterns else ():
        tracked = any(_is_matched(pattern.lstrip("/"), path) for pattern in patterns)
        if tracked and text_of(path).startswith(LFS_HEAD):
            yield path


def _is_matched(pattern: str, path: str) -> bool:
    return fnmatch(path if "/" in pattern else posixpath.basename(path), pattern)


def read_small(path: Path) -> str:
    """The text with its line ends as they are; nothing for what is no small text file."""
    try:
        # A link may lead to a device, which has no end.
        if not path.is_file() or path.stat().st_size > LARGEST_FILE:
            return ""
        return path.read_bytes().decode("utf-8", errors="replace")
    except OSError:
        return ""
