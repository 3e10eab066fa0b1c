"""Selectors: how a person names a place in a file, by keys and by names, never by numbers.

``singleuser.image``, ``profileList[Small].**.image``, ``containers[name=notebook]``: keys joined
by dots, items of lists by what they are called, ``*`` for one level, ``**`` for any number of
them. A selector may begin anywhere in a file (with a dot in front: at its top), and names
everything below the place where it ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

NAMING_FIELDS = ("display_name", "name", "slug")
LONGEST_LABEL = 80


Fields: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Key:
    name: str


@dataclass(frozen=True, slots=True)
class Item:
    """``fields`` are the item's own texts as :func:`one_line` has them, by dotted name (an item
    that is itself a text has one without a name); ``label`` is what to write in brackets for it
    and no other item of its list, empty where nothing tells it apart."""

    fields: Fields = ()
    label: str = ""


Step: TypeAlias = Key | Item
Path: TypeAlias = tuple[Step, ...]


# What stands at the end of the way to many images, and tells none from another.
WRAPPING = (
    (Key("tag"),),
    (Key("newTag"),),
    (Key("digest"),),
    (Key("value"),),
    (Key("kubespawner_override"), Key("image")),
)


class InvalidSelector(ValueError):
    """The text is not a selector; the message says why."""


@dataclass(frozen=True, slots=True)
class _OneKey:
    name: str

    def matches(self, step: Step) -> bool:
        return isinstance(step, Key) and step.name == self.name


@dataclass(frozen=True, slots=True)
class _OneItem:
    """``[text]`` is an item called so, ``[field=value]`` one with that field."""

    text: str
    field: str = ""
    value: str = ""

    def matches(self, step: Step) -> bool:
        return isinstance(step, Item) and any(map(self._is_it, step.fields))

    def _is_it(self, field: tuple[str, str]) -> bool:
        name, value = field
        if self.field and (name, value) == (self.field, self.value):
            return True
        return value == self.text and (not name or name in NAMING_FIELDS)


@dataclass(frozen=True, slots=True)
class _AnyStep:
    def matches(self, step: Step) -> bool:  # noqa: ARG002 - whatever the step
        return True


@dataclass(frozen=True, slots=True)
class _AnyItem:
    def matches(self, step: Step) -> bool:
        return isinstance(step, Item)


@dataclass(frozen=True, slots=True)
class _AnyDepth:
    pass


_Pattern: TypeAlias = _OneKey | _OneItem | _AnyStep | _AnyItem | _AnyDepth


@dataclass(frozen=True, slots=True)
class Selector:
    text: str
    from_the_top: bool
    patterns: tuple[_Pattern, ...]

    def __str__(self) -> str:
        return self.text

    def names_key(self, name: str) -> bool:
        """Whether the selector itself writes the key, rather than matching it."""
        return _OneKey(name) in self.patterns

    def matches(self, path: Path) -> bool:
        """Whether ``path``, or something above it, is what the selector names."""
        reached = self._reading_on({0})
        for step in path:
            if len(self.patterns) in reached:
                return True
            # Below its own start the selector may begin anew at every step.
            fresh = set() if self.from_the_top else self._reading_on({0})
            reached = self._after(step, reached) | fresh
        return len(self.patterns) in reached

    def _after(self, step: Step, reached: set[int]) -> set[int]:
        onwards = set()
        for number in reached:
            pattern = self.patterns[number]
            if isinstance(pattern, _AnyDepth):
                onwards.add(number)
            elif pattern.matches(step):
                onwards.add(number + 1)
        return self._reading_on(onwards)

    def _reading_on(self, reached: set[int]) -> set[int]:
        """With those behind a ``**``, which may stand for no level at all."""
        for number, pattern in enumerate(self.patterns):
            if number in reached and isinstance(pattern, _AnyDepth):
                reached.add(number + 1)
        return reached


_WILDCARDS: dict[str, _Pattern] = {"*": _AnyStep(), "**": _AnyDepth()}


# Reading -----------------------------------------------------------------------------------

_QUOTED = r'"(?:[^"\\]|\\.)*"'
_KEY = re.compile(rf"({_QUOTED})|([^.\[\]\"][^.\[\]]*)")
# A name may have brackets of its own: the one that ends it is followed by a dot, by the next
# bracket or by nothing.
_BRACKET = re.compile(rf"\[({_QUOTED}|(.*?))\](?=[.\[]|$)", re.DOTALL)
_FIELD = re.compile(rf"([\w./-]+)=({_QUOTED}|.*)", re.DOTALL)


def parse_selector(text: str) -> Selector:
    """Raises :class:`InvalidSelector`."""
    text = text.strip()
    from_the_top = text.startswith(".")
    patterns = tuple(_patterns(text, int(from_the_top)))
    if all(isinstance(pattern, _AnyDepth) for pattern in patterns):
        raise InvalidSelector(f"{text!r} names no key; write for example singleuser.image")
    return Selector(text, from_the_top, patterns)


def _patterns(text: str, at: int) -> Iterator[_Pattern]:
    while at < len(text):
        if bracket := _BRACKET.match(text, at):
            yield _item(bracket.group(1))
            at = bracket.end()
        elif key := _KEY.match(text, at):
            yield _key(key)
            at = key.end()
        else:
            raise InvalidSelector(_cannot_read(text, at))
        at = _behind_dot(text, at)


def _behind_dot(text: str, at: int) -> int:
    if at == len(text) or text[at] == "[":
        return at
    if text[at] != "." or text[at + 1 : at + 2] in ("", "["):
        raise InvalidSelector(_cannot_read(text, at))
    return at + 1


def _cannot_read(text: str, at: int) -> str:
    return (
        f"{text!r} cannot be read from {text[at:]!r} on; write keys joined by dots, a key with "
        'dots in it as "its.name", an item of a list as [its name]'
    )


def _key(match: re.Match[str]) -> _Pattern:
    quoted, bare = match.groups()
    if quoted:
        return _OneKey(_unquoted(quoted))
    return _WILDCARDS.get(bare) or _OneKey(bare)


def _item(text: str) -> _OneItem | _AnyItem:
    if text == "*":
        return _AnyItem()
    if not text.startswith('"') and (field := _FIELD.fullmatch(text)):
        return _OneItem(one_line(text), field.group(1), one_line(_unquoted(field.group(2))))
    return _OneItem(one_line(_unquoted(text)))


def _unquoted(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)
    return text


def one_line(text: str) -> str:
    """A name as people read it, however it is broken into lines."""
    return " ".join(text.split())


# Writing -----------------------------------------------------------------------------------


def written(path: Path, *, from_the_top: bool = False) -> str:
    text = "".join(map(_written_step, path))
    return text if from_the_top else text.removeprefix(".")


def _written_step(step: Step) -> str:
    if isinstance(step, Item):
        return f"[{step.label or '*'}]"
    plain = step.name and not re.search(r'[.\[\]"\s]', step.name) and step.name not in ("*", "**")
    return f".{step.name if plain else _quoted(step.name)}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def labelled(items: Iterable[Fields]) -> list[Item]:
    """The items of one list, each with what tells it from its neighbours."""
    bare = [Item(fields) for fields in items]
    return [
        Item(item.fields, _label_among(item.fields, bare[:number] + bare[number + 1 :]))
        for number, item in enumerate(bare)
    ]


def _label_among(fields: Fields, others: list[Item]) -> str:
    """What the item is called, else one of its fields."""
    for name, value in _most_telling_first(fields):
        label = _label(name, value)
        if value and not any(map(_item(label).matches, others)):
            return label
    return ""


def _most_telling_first(fields: Fields) -> list[tuple[str, str]]:
    order = ("", *NAMING_FIELDS)
    usable = [field for field in fields if _lasts(*field)]
    return sorted(usable, key=lambda f: order.index(f[0]) if f[0] in order else len(order))


def _lasts(name: str, value: str) -> bool:
    """Whether a selector with it is short, can be read again, and holds after the next tag."""
    changes = re.search(r"(?:tag|digest|version)$", name, re.IGNORECASE)
    return bool(re.fullmatch(r"[\w./-]*", name)) and not changes and len(value) <= LONGEST_LABEL


def _label(name: str, value: str) -> str:
    safe = not re.search(r'["\]=\\]', value) and value != "*"
    text = value if safe else _quoted(value)
    return text if not name or name in NAMING_FIELDS else f"{name}={text}"


def full_selector(path: Path, others: Iterable[Path]) -> str:
    """The whole way to a place; empty where the place is all that a file holds."""
    short, long = written(path), written(path, from_the_top=True)
    rest = tuple(others)
    return long if path and _tells(long, rest) and not _tells(short, rest) else short


def shortest_selector(path: Path, others: Iterable[Path]) -> str:
    """The shortest selector for ``path`` that names none of the ``others``, in one piece of the
    way to it; empty where there is none."""
    rest = tuple(others)
    return next((text for text in _shortest_first(path) if _tells(text, rest)), "") if path else ""


def _tells(text: str, others: tuple[Path, ...]) -> bool:
    return not any(map(parse_selector(text).matches, others))


def _shortest_first(path: Path) -> Iterator[str]:
    core = _without_wrapping(path)
    for way in (core, path):
        segments = tuple(_segments(way))
        for length in range(1, len(segments) + 1):
            # What is near the image says more than what is near the top.
            for start in reversed(range(len(segments) - length + 1)):
                piece = sum(segments[start : start + length], ())
                # A single key says little to a reader, and soon stands elsewhere as well.
                if length > 1 or len(segments) == 1 or any(map(_is_named_item, piece)):
                    yield written(piece)
    yield written(path, from_the_top=True)


def _without_wrapping(path: Path) -> Path:
    """Up to the choice of a person: `choices.new` of `choices.new.kubespawner_override.image`."""
    if path[-1:] in WRAPPING:
        return path[:-1]
    return path[:-2] if path[-2:] in WRAPPING else path


def _is_named_item(step: Step) -> bool:
    return isinstance(step, Item) and bool(step.label)


def _segments(path: Path) -> Iterator[Path]:
    """A key with the items behind it."""
    segment: Path = ()
    for step in path:
        if isinstance(step, Key) and segment:
            yield segment
            segment = ()
        segment = (*segment, step)
    if segment:
        yield segment
