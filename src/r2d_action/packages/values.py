"""What is known of what is installed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

LARGEST = 10**13  # bytes


class Kind(str, Enum):
    """Who installed a package, in the order in which people care."""

    CONDA = "conda"
    PIP = "pip"
    R = "R"
    APT = "apt"


KINDS = tuple(Kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """``build`` tells apart what has one version: conda's build, or the commit of a checkout.

    ``place`` is the prefix of a conda environment, else the folder that the package is in, and
    empty for apt. ``source`` is where to get it again: conda's address with ``#`` and its MD5, a
    requirement's address for pip, R's repository or ``github:owner/name@commit``.
    """

    kind: Kind
    name: str
    version: str
    build: str = ""
    place: str = ""
    source: str = ""

    @property
    def is_sound(self) -> bool:
        """Lists come from others, and end up in files that programs obey: no word of them may
        become two, or two lines."""
        words = f"{self.name}{self.version}{self.build}{self.source}"
        return not re.search(r"\s", words) and f"{words}{self.place}".isprintable()


@dataclass(frozen=True, slots=True)
class PackageList:
    """Sorted: two images with the same packages have equal lists."""

    packages: tuple[Package, ...]

    def __iter__(self) -> Iterator[Package]:
        return iter(self.packages)

    def of(self, kind: Kind) -> tuple[Package, ...]:
        return tuple(one for one in self.packages if one.kind is kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSize:
    """``size`` in bytes, as it is downloaded; ``made`` is a day, ``2026-08-03``."""

    tag: str
    made: str
    size: int

    @property
    def is_sound(self) -> bool:
        """It comes from whoever can push, and ends up in Markdown."""
        words = re.fullmatch(r"\w[\w.-]{0,127}", self.tag, re.ASCII)
        day = re.fullmatch(r"\d{4}-\d\d-\d\d", self.made, re.ASCII)
        return bool(words and day) and 0 < self.size < LARGEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a registry keeps with an image: ``sizes`` are those of the last images up to this one,
    oldest first, of which lists of earlier versions have none; ``made`` is the list's own day."""

    packages: PackageList
    made: str = ""
    sizes: tuple[ImageSize, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What an image had. ``since`` is that image as people know it: the digits of its commit,
    else its tag. ``sizes`` are those of the last images up to it, oldest first."""

    since: str
    packages: PackageList
    sizes: tuple[ImageSize, ...] = ()


class Move(str, Enum):
    """``CHANGED`` is a package that is neither newer nor older: built anew, or from another
    commit."""

    REMOVED = "removed"
    DOWN = "down"
    UP = "up"
    CHANGED = "changed"
    ADDED = "added"


MOVES = tuple(Move)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """``old`` and ``new`` are versions, empty where there was or is none."""

    kind: Kind
    name: str
    move: Move
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Difference:
    changes: tuple[Change, ...]

    def __iter__(self) -> Iterator[Change]:
        return iter(self.changes)

    def __len__(self) -> int:
        return len(self.changes)

    def count(self, move: Move) -> int:
        return sum(change.move is move for change in self.changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """With the image ``since``, as :class:`Before` calls it; ``named`` are the packages that the
    repository names itself, which are told of first."""

    since: str
    difference: Difference
    named: tuple[str, ...] = ()
