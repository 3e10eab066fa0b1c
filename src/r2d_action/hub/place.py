"""Where a file names our image: what locating finds, and editing needs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from r2d_action.hub.selector import Key, Path

STAYS = "left as it is"
FOR_PEOPLE = "for people to read, not for the hub"


@dataclass(frozen=True, slots=True)
class Spot:
    """A value in a text, from its first quote to its last. ``style`` is its quote, ``|`` or
    ``>`` for a block, empty for a plain value; ``event`` is the YAML parser's event of it, -1 in
    other languages. ``head`` is the part of the value that stays, ``tail`` the part that goes."""

    start: int
    end: int
    style: str
    head: str
    tail: str
    event: int = -1


@dataclass(frozen=True, slots=True)
class Entry:
    """A key with its value, as a piece of the text that can be left out."""

    start: int
    end: int
    events: tuple[int, int]


@dataclass(frozen=True, slots=True)
class DigestKey:
    """A ``digest:`` beside a tag. ``entry`` is None where it cannot be left out."""

    spot: Spot
    entry: Entry | None


@dataclass(frozen=True, slots=True)
class Note:
    """``line`` is 0 for what is said of the whole file."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}" if self.line else self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """``spot`` holds the tag (and a digest behind it); it is None where a digest key alone says
    which image it is.

    ``aliases`` take their value from this place; ``holds_only`` says that the place itself is
    no image's, but keeps the value for its aliases. ``blocked`` says why the place must not be
    changed. ``mirrors`` are texts for people that repeat the tag.
    """

    path: Path
    line: int
    tag: str
    digest: str = ""
    spot: Spot | None
    digest_key: DigestKey | None = None
    aliases: tuple[Path, ...] = ()
    holds_only: bool = False
    blocked: str = ""
    mirrors: tuple[Note, ...] = ()

    @property
    def old(self) -> str:
        return f"{self.tag}@{self.digest}" if self.digest else self.tag

    @property
    def is_the_hubs_own(self) -> bool:
        """``hub.image`` is what the hub itself runs in, not its users."""
        return (Key("hub"), Key("image")) in pairwise(self.path)


@dataclass(frozen=True, slots=True)
class Located:
    """``text`` is the file without a byte order mark; ``names_image`` counts what the notes tell
    of as well."""

    text: str = ""
    places: tuple[Place, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def names_image(self) -> bool:
        return bool(self.places or self.notes)
