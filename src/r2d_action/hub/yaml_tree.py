"""A YAML text as a tree whose nodes know where they stand in the text.

The tree is made of the parser's events, so that aliases stay aliases, and without recursion.
``CSafeLoader`` is libyaml, a hundred times faster, where PyYAML was built with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeAlias

import yaml

from r2d_action.hub.selector import NAMING_FIELDS, Item, Key, Path, Step, labelled, one_line
from r2d_action.reference import InvalidReference, Reference

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MERGE = "<<"
# Aliases of aliases multiply; nobody reads more places than these.
MOST_PATHS = 100
# An anchor or a tag before a value, and what may stand between.
_PROPERTIES = re.compile(r"(?:[&!]\S*(?:\s+(?:#[^\n]*\n\s*)*))*")
# Half of an emoji, as JSON writes it: the parser refuses it, and what stands there is no image.
_HALF = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


class NotYaml(ValueError):
    """``line`` counts from 1; the message is the reason without it."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(reason)
        self.line = line


@dataclass(eq=False, slots=True)
class Scalar:
    """``start`` is where the value begins, behind anchor and tag; ``event`` is the parser's event
    of it, ``number`` the place of that among the tree's events."""

    parent: Parent
    key: Scalar | None
    value: str
    start: int
    event: Any
    number: int
    aliases: tuple[Alias, ...] = ()

    @property
    def end(self) -> int:
        return int(self.event.end_mark.index)

    @property
    def line(self) -> int:
        return int(self.event.start_mark.line) + 1

    @property
    def style(self) -> str:
        """The quote, ``|`` or ``>``; empty for a plain value (PyYAML's own parser has None)."""
        return self.event.style or ""

    @property
    def has_properties(self) -> bool:
        """An anchor or a tag."""
        return bool(self.event.anchor or self.event.tag)


@dataclass(eq=False, slots=True)
class Alias:
    parent: Parent
    key: Scalar | None
    target: Node
    aliases: tuple[Alias, ...] = ()


@dataclass(eq=False, slots=True)
class Mapping:
    parent: Parent
    key: Scalar | None
    flow: bool
    entries: list[tuple[Node, Node]] = field(default_factory=list)
    aliases: tuple[Alias, ...] = ()


@dataclass(eq=False, slots=True)
class Sequence:
    """``documents`` is the list of a text's documents, which stands nowhere in the text."""

    parent: Parent
    key: Scalar | None
    items: list[Node] = field(default_factory=list)
    aliases: tuple[Alias, ...] = ()
    documents: bool = False
    steps: list[Item] | None = None


Node: TypeAlias = Scalar | Alias | Mapping | Sequence
Parent: TypeAlias = Mapping | Sequence | None
# By the key's text.
Entries: TypeAlias = dict[str, tuple[Scalar, Node]]


@dataclass(frozen=True, slots=True)
class Tree:
    text: str
    documents: Sequence
    mappings: tuple[Mapping, ...]
    # Those that are values; keys are with their mappings.
    scalars: tuple[Scalar, ...]
    events: tuple[Any, ...]
    has_aliases: bool


def read(text: str) -> Tree:
    """``text`` has no byte order mark. Raises :class:`NotYaml`."""
    return _Builder(text).tree()


def events_of(text: str) -> tuple[Any, ...]:
    """Raises :class:`NotYaml`."""
    try:
        return tuple(iter(LOADER(_HALF.sub(r"\\u003f", text)).get_event, None))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise NotYaml(error.problem or "it cannot be read", line) from error
    except yaml.YAMLError as error:
        raise NotYaml("it has characters that YAML does not allow", 1) from error


class _Builder:
    """Of thousands of nodes for a file: what is done for each of them is kept to a minimum."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.events = events_of(text)
        self.documents = Sequence(None, None, documents=True)
        self.parent: Mapping | Sequence = self.documents
        # The key that waits for its value, and those of the collections around.
        self.key: Node | None = None
        self.keys: list[Node | None] = []
        self.anchors: dict[str, Node] = {}
        self.mappings: list[Mapping] = []
        self.scalars: list[Scalar] = []
        self.has_aliases = False

    def tree(self) -> Tree:
        for number, event in enumerate(self.events):
            take = _TAKERS.get(type(event))
            if take is not None:
                take(self, event, number)
        return Tree(
            self.text,
            self.documents,
            tuple(self.mappings),
            tuple(self.scalars),
            self.events,
            self.has_aliases,
        )

    def begin_document(self, _event: Any, _number: int) -> None:
        self.anchors = {}

    def scalar(self, event: Any, number: int) -> None:
        key = self.key
        start = event.start_mark.index
        if event.anchor or event.tag:
            properties = _PROPERTIES.match(self.text, start)
            start = properties.end() if properties else start
        name = key if isinstance(key, Scalar) else None
        node = Scalar(self.parent, name, event.value, start, event, number)
        if key is not None or isinstance(self.parent, Sequence):
            self.scalars.append(node)
        self._place(node, event.anchor)

    def alias(self, event: Any, _number: int) -> None:
        target = self.anchors.get(event.anchor)
        if target is None:
            line = event.start_mark.line + 1
            raise NotYaml(f"nothing is called &{event.anchor}", line)
        node = Alias(self.parent, self._name(), target)
        target.aliases += (node,)
        self.has_aliases = True
        self._place(node, None)

    def begin_mapping(self, event: Any, _number: int) -> None:
        node = Mapping(self.parent, self._name(), bool(event.flow_style))
        self.mappings.append(node)
        self._begin(node, event.anchor)

    def begin_sequence(self, event: Any, _number: int) -> None:
        self._begin(Sequence(self.parent, self._name()), event.anchor)

    def end(self, _event: Any, _number: int) -> None:
        self.parent = self.parent.parent or self.documents
        self.key = self.keys.pop()

    def _name(self) -> Scalar | None:
        return self.key if isinstance(self.key, Scalar) else None

    def _begin(self, node: Mapping | Sequence, anchor: str | None) -> None:
        self._place(node, anchor)
        self.keys.append(self.key)
        self.key = None
        self.parent = node

    def _place(self, node: Node, anchor: str | None) -> None:
        if anchor:
            self.anchors[anchor] = node
        if isinstance(self.parent, Sequence):
            self.parent.items.append(node)
        elif self.key is None:
            self.key = node
        else:
            self.parent.entries.append((self.key, node))
            self.key = None


_TAKERS: dict[type, Callable[[_Builder, Any, int], None]] = {
    yaml.DocumentStartEvent: _Builder.begin_document,
    yaml.ScalarEvent: _Builder.scalar,
    yaml.AliasEvent: _Builder.alias,
    yaml.MappingStartEvent: _Builder.begin_mapping,
    yaml.SequenceStartEvent: _Builder.begin_sequence,
    yaml.MappingEndEvent: _Builder.end,
    yaml.SequenceEndEvent: _Builder.end,
}


# Values, through aliases and merge keys ------------------------------------------------------


def value_of(node: Node) -> Node:
    """What an alias stands for. An alias stands for a value, never for another alias."""
    return node.target if isinstance(node, Alias) else node


def own_entries(mapping: Mapping) -> Entries:
    """A key that stands twice counts where it stands last."""
    return {
        key.value: (key, value)
        for key, value in mapping.entries
        if isinstance(key, Scalar) and not is_merge(key)
    }


def all_entries(mapping: Mapping) -> Entries:
    """With what merge keys bring in. https://yaml.org/type/merge.html"""
    entries = own_entries(mapping)
    waiting = _merged_into(mapping)
    seen = {id(mapping)}
    while waiting:
        source = waiting.pop(0)
        if id(source) not in seen:
            seen.add(id(source))
            # What is named first wins over what is named later.
            entries = own_entries(source) | entries
            waiting = _merged_into(source) + waiting
    return entries


def _merged_into(mapping: Mapping) -> list[Mapping]:
    sources: list[Node] = []
    for key, value in mapping.entries:
        if isinstance(key, Scalar) and is_merge(key):
            merged = value_of(value)
            sources += merged.items if isinstance(merged, Sequence) else [merged]
    return [one for one in map(value_of, sources) if isinstance(one, Mapping)]


def is_merge(key: Scalar) -> bool:
    return key.value == MERGE and not key.style


# The way to a node ---------------------------------------------------------------------------


def paths_to(node: Node) -> tuple[Path, ...]:
    """The node's own path, then those of the aliases and merge keys that lead to it."""
    return tuple(islice(_paths(node, (), frozenset()), MOST_PATHS))


def _paths(node: Node, tail: Path, seen: frozenset[int]) -> Iterator[Path]:
    leading: list[tuple[Alias, Path]] = []
    here: Node | None = node
    while here is not None:
        leading += ((alias, tail) for alias in here.aliases if id(alias) not in seen)
        tail = (*_step(here), *tail)
        here = here.parent
    yield tail
    for alias, rest in leading:
        place = _where_it_counts(alias, rest)
        if place is not None and len(seen) < MOST_PATHS:
            yield from _paths(place, rest, seen | {id(alias)})


def _where_it_counts(alias: Alias, tail: Path) -> Node | None:
    """The alias itself, or the mapping that a merge key brings it into, unless that has its own
    value under the same key."""
    in_list = isinstance(alias.parent, Sequence) and not alias.parent.documents
    holder = alias.parent if in_list else alias
    if holder is None or holder.key is None or not is_merge(holder.key):
        return alias
    mapping = holder.parent
    if not isinstance(mapping, Mapping):
        return None
    overridden = bool(tail) and isinstance(tail[0], Key) and tail[0].name in own_entries(mapping)
    return None if overridden else mapping


def _step(node: Node) -> tuple[Step, ...]:
    if node.parent is None:
        return ()
    if isinstance(node.parent, Mapping):
        return (Key(node.key.value if node.key else ""),)
    if node.parent.documents and len(node.parent.items) == 1:
        return ()
    number = next(i for i, item in enumerate(node.parent.items) if item is node)
    return (_steps(node.parent)[number],)


def _steps(sequence: Sequence) -> list[Item]:
    if sequence.steps is None:
        sequence.steps = labelled(tuple(_fields(item)) for item in sequence.items)
    return sequence.steps


def _fields(node: Node) -> Iterator[tuple[str, str]]:
    """The texts that an item can be told by: its own, and one level below."""
    item = value_of(node)
    if isinstance(item, Scalar):
        yield from _texts("", item)
    if isinstance(item, Mapping):
        for name, (_, value) in all_entries(item).items():
            yield from _texts(name, value)
            inner = value_of(value)
            if isinstance(inner, Mapping):
                for below, (_, deep) in all_entries(inner).items():
                    yield from _texts(f"{name}.{below}", deep)


def _texts(name: str, node: Node) -> Iterator[tuple[str, str]]:
    scalar = value_of(node)
    if not isinstance(scalar, Scalar):
        return
    text = one_line(scalar.value)
    image = _image_name(text) if not name or name in NAMING_FIELDS or "image" in name else ""
    variable = re.match(r"[A-Za-z_]\w*(?==)", text) if not name else None
    if image or variable:
        # Without the tag, which changes: this is what the item is called for good.
        yield name, image or (variable.group() if variable else "")
    yield name, text


def _image_name(text: str) -> str:
    if "/" not in text or not (":" in text or "@" in text):
        return ""
    try:
        return str(Reference.parse(text).repository)
    except InvalidReference:
        return ""
