"""A new tag in the place of the old one, and nothing else of the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import yaml
from yaml.resolver import Resolver

from r2d_action.hub.place import Place, Spot
from r2d_action.hub.values import NewImage
from r2d_action.hub.yaml_tree import NotYaml, events_of

_STRING = "tag:yaml.org,2002:str"
# What YAML 1.2, Go's and JavaScript's readers take for a number or a date beyond what PyYAML
# does. https://yaml.org/spec/1.2.2/#1032-tag-resolution, https://pkg.go.dev/gopkg.in/yaml.v3
_READ_AS_OTHER = re.compile(
    r"[0-9]+\.?[0-9]*(?:e[-+]?[0-9]+)?|0x[0-9a-f]+|0o?[0-7]+|0b[01]+|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
    r"|y|n|yes|no|on|off|true|false|null",
    re.IGNORECASE,
)
# A number that every reader gives back as it stands: no zeros to lose, not long enough for an
# exponent.
_NUMBER_THAT_LASTS = re.compile(r"(?:0|[1-9][0-9]{0,5})(?:\.[0-9]{0,5}[1-9])?")


@dataclass(frozen=True, slots=True)
class Piece:
    """``text[start:end]`` becomes ``new``. ``events`` are the parser's events of it, of which
    there are none left when ``value`` is None, else one with this value."""

    start: int
    end: int
    new: str
    events: tuple[int, ...]
    value: str | None


class CannotSplice(ValueError):
    """The value is written in a way that cannot be changed safely; the message says how."""


def is_up_to_date(place: Place, new: NewImage) -> bool:
    if place.tag and place.tag != new.tag.name:
        return False
    if not place.tag and new.digest is None:
        return False
    return not place.digest or new.digest is None or place.digest == new.digest.value


def new_text(place: Place, new: NewImage) -> str:
    """What stands behind the name afterwards. A digest comes only where one was."""
    digest = f"@{new.digest}" if place.digest and new.digest else ""
    return f"{new.tag if place.tag or not digest else ''}{digest}"


def pieces(place: Place, new: NewImage, text: str) -> tuple[Piece, ...]:
    """Raises :class:`CannotSplice`."""
    found: list[Piece] = []
    if place.spot is not None:
        found.append(_piece(place.spot, _new_tail(place, place.spot, new), text))
    if place.digest_key is not None:
        key = place.digest_key
        if new.digest is not None:
            found.append(_piece(key.spot, new.digest.value, text))
        elif place.spot is None:
            raise CannotSplice("only its digest says which image it is, and none is given")
        elif key.entry is None:
            raise CannotSplice("the old digest beside the tag cannot be left out")
        else:
            found.append(Piece(key.entry.start, key.entry.end, "", key.entry.events, None))
    return tuple(found)


def _new_tail(place: Place, spot: Spot, new: NewImage) -> str:
    tail = new_text(place, new) if "@" in spot.tail or place.digest_key is None else str(new.tag)
    if not spot.head or tail.startswith("@"):
        return tail
    return f":{tail}"


def _piece(spot: Spot, tail: str, text: str) -> Piece:
    raw = text[spot.start : spot.end]
    at = raw.rfind(spot.tail)
    if at < 0:
        raise CannotSplice("it is written with escapes or over several lines")
    value = spot.head + tail
    if not spot.style and _needs_quotes(value) and not _stays_a_number(spot, value):
        return Piece(spot.start, spot.end, f'"{value}"', (spot.event,), value)
    start = spot.start + at
    return Piece(start, start + len(spot.tail), tail, (spot.event,), value)


def _needs_quotes(value: str) -> bool:
    """Whether some reader of YAML would not read a text."""
    without_underscores = value.replace("_", "")
    resolver: Any = Resolver()
    read_as = resolver.resolve(yaml.ScalarNode, value, (True, False))
    return read_as != _STRING or bool(_READ_AS_OTHER.fullmatch(without_underscores))


def _stays_a_number(spot: Spot, value: str) -> bool:
    """Who writes a bare number has a chart that takes it, as long as it is printed as it is."""
    was_number = not spot.head and _NUMBER_THAT_LASTS.fullmatch(spot.tail)
    return bool(was_number and _NUMBER_THAT_LASTS.fullmatch(value))


def spliced(text: str, changes: Iterable[Piece]) -> str:
    for piece in sorted(changes, key=lambda one: one.start, reverse=True):
        text = text[: piece.start] + piece.new + text[piece.end :]
    return text


# Reading it back ------------------------------------------------------------------------------


def reads_the_same(before: str, after: str, changes: Iterable[Piece]) -> bool:
    """Whether YAML's parser says the same of both texts, but for what was to change."""
    values = {number: piece.value for piece in changes for number in piece.events}
    try:
        was, now = events_of(before), events_of(after)
    except NotYaml:
        return False
    staying = [number for number in range(len(was)) if values.get(number, "") is not None]
    looks = [_looks(was[number]) for number in staying]
    for place, number in enumerate(staying):
        value = values.get(number)
        if value is not None and place < len(now):
            if not _has_value(now[place], was[number], value):
                return False
            looks[place] = _looks(now[place])
    return looks == list(map(_looks, now))


def _has_value(event: Any, was: Any, value: str) -> bool:
    same_name = (type(event), event.anchor, event.tag) == (type(was), was.anchor, was.tag)
    return same_name and bool(event.value.strip() == value)


def _looks(event: Any) -> object:
    kind = type(event)
    return _LOOKS[kind](event) if kind in _LOOKS else kind


_COLLECTION = attrgetter("__class__", "anchor", "tag", "implicit", "flow_style")
_LOOKS: dict[type, Callable[[Any], object]] = {
    yaml.ScalarEvent: attrgetter("value", "anchor", "tag", "implicit", "style"),
    yaml.AliasEvent: attrgetter("__class__", "anchor"),
    yaml.MappingStartEvent: _COLLECTION,
    yaml.SequenceStartEvent: _COLLECTION,
}
