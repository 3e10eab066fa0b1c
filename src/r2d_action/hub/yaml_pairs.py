"""Images that a YAML text names by several keys: a name here, its tag there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from r2d_action.hub import keys
from r2d_action.hub.yaml_tree import (
    Entries,
    Mapping,
    Scalar,
    Sequence,
    Tree,
    all_entries,
    own_entries,
    value_of,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pair:
    """``entries`` are those of a mapping, what merge keys bring in among them."""

    mapping: Mapping | None
    entries: Entries
    group: keys.Group

    def scalar(self, key: str) -> Scalar | None:
        value = value_of(self.entries[key][1]) if key else None
        return value if isinstance(value, Scalar) else None

    @property
    def name(self) -> str:
        """In full, where the registry has a key of its own."""
        parts = (self.scalar(self.group.registry), self.scalar(self.group.name))
        return "/".join(part.value.strip() for part in parts if part is not None and part.value)

    @property
    def digest(self) -> str:
        """That of the digest key, if there is one."""
        scalar = self.scalar(self.group.digest)
        return scalar.value.strip() if scalar is not None else ""

    @property
    def told_by(self) -> Scalar | None:
        """What has to change: the tag, or the digest where there is no tag."""
        return self.scalar(self.group.tag) or self.scalar(self.group.digest)


def pairs_in(tree: Tree, names: Iterable[Scalar]) -> Iterator[Pair]:
    """Those around ``names``; where values have aliases, all that may share one."""
    near = [one.parent for one in names if isinstance(one.parent, Mapping)]
    mappings = tree.mappings if tree.has_aliases else _each_once(near)
    for mapping in mappings:
        yield from _pairs(mapping, all_entries(mapping))
    for sequence in _each_once(mapping.parent for mapping in mappings):
        if isinstance(sequence, Sequence) and not sequence.documents:
            yield from _pairs(None, _variables(sequence))


def _each_once(nodes: Iterable[T]) -> tuple[T, ...]:
    return tuple({id(node): node for node in nodes}.values())


def pair_of(scalar: Scalar) -> Pair | None:
    """The pair that goes on with what ``scalar`` names, if its mapping has one."""
    if not isinstance(scalar.parent, Mapping) or scalar.key is None:
        return None
    found = _pairs(scalar.parent, own_entries(scalar.parent))
    return next((pair for pair in found if pair.group.name == scalar.key.value), None)


def _pairs(mapping: Mapping | None, entries: Entries) -> Iterator[Pair]:
    plain = (name for name, (_, value) in entries.items() if isinstance(value_of(value), Scalar))
    for group in keys.groups(plain):
        if group.tag or group.digest:
            yield Pair(mapping, entries, group)


def _variables(sequence: Sequence) -> Entries:
    """A list of ``name`` and ``value``: the environment of a container, parameters of a chart."""
    entries: Entries = {}
    for item in map(value_of, sequence.items):
        own = own_entries(item) if isinstance(item, Mapping) else {}
        name = own.get("name")
        if name and isinstance(name[1], Scalar) and "value" in own:
            entries[name[1].value] = own["value"]
    return entries
