"""Says of an edited YAML file whether anything but our image's tags changed.

It shares no code with what it judges: it compares trees made by PyYAML's composer, in which an
alias is the very node that it stands for, and knows the few shapes that may change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
STAYING_KEY = re.compile(
    r"(?<![a-z])(?:description|display|title|comment|help|note)(?![a-z])", re.IGNORECASE
)
STAYING_FOLDERS = {"annotations", "labels"}
NAME_KEY = re.compile(r"(?:name|repository|repo|image)$", re.IGNORECASE)
DIGEST_KEY = re.compile(r"digest$", re.IGNORECASE)
TAG_KEY = re.compile(r"(?:tag|digest)$", re.IGNORECASE)
MERGE = "tag:yaml.org,2002:merge"
# PyYAML's composer refuses what its parser and other readers take.
CANNOT_JUDGE = yaml.composer.ComposerError
SHA = r"sha256:[0-9a-f]{64}"

Entries = dict[str, yaml.Node]


@dataclass(frozen=True, slots=True)
class Judge:
    """``names`` are the spellings of our image; without a ``digest`` the old ones have to go."""

    names: tuple[str, ...]
    tag: str
    digest: str

    def objection(self, before: str, after: str) -> str:
        """What is wrong with the edit; empty if nothing is."""
        if comments(before) != comments(after):
            return "a comment changed"
        old, new = self._compared(before), self._compared(after)
        if [leaf.keys for leaf in old] != [leaf.keys for leaf in new]:
            return "the structure changed"
        ours, others = self._tags(before)
        for was, now in zip(old, new, strict=True):
            if was.node.value == now.node.value and was.node.tag == now.node.tag:
                continue
            inline = self._inline(was.node.value, now.node.value)
            pair = span(was.node) in ours - others and self._is_new(was.node.value, now.node.value)
            if not (inline or pair) or was.stays:
                return f"{'.'.join(was.keys)} became {now.node.value!r}, was {was.node.value!r}"
        return ""

    def _compared(self, text: str) -> list[Leaf]:
        """Without a digest, the digests of our image may have gone with their keys."""
        found = list(leaves(text))
        if self.digest:
            return found
        return [leaf for leaf in found if not DIGEST_KEY.search(leaf.keys[-1] or leaf.node.value)]

    def forgotten(self, after: str) -> str:
        """A plain `image: name:tag` of ours that has another tag still; empty if none has."""
        for leaf in leaves(after):
            is_plain = leaf.keys[-1] == "image" and not leaf.stays and "hub" not in leaf.keys
            is_plain = is_plain and not any(map(TAG_KEY.search, leaf.beside))
            match = self._reference(leaf.node.value)
            if is_plain and match and match["tag"] not in (None, self.tag, "set-by-chartpress"):
                return f"{'.'.join(leaf.keys)} still has {leaf.node.value}"
        return ""

    def _reference(self, text: str) -> re.Match[str] | None:
        names = "|".join(map(re.escape, self.names))
        before = r"(?:-{0,2}[A-Za-z_][\w.-]*=)?(?:docker://)?"
        behind = rf"(?::(?P<tag>\w[\w.-]{{0,127}}))?(?P<at>@{SHA})?"
        return re.fullmatch(rf"\s*(?P<head>{before}(?:{names})){behind}\s*", text)

    def _inline(self, old: str, new: str) -> bool:
        match = self._reference(old)
        if match is None or not (match["tag"] or match["at"]):
            return False
        tag = f":{self.tag}" if match["tag"] or not self.digest else ""
        digest = f"@{self.digest}" if match["at"] and self.digest else ""
        return new.strip() == match["head"] + tag + digest

    def _is_new(self, old: str, new: str) -> bool:
        tag, at, digest = old.strip().partition("@")
        if re.fullmatch(SHA, tag):
            return new.strip() == self.digest
        is_tag = re.fullmatch(r"\w[\w.-]{0,127}", tag) is not None
        expected = f"{self.tag}@{self.digest}" if at and self.digest else self.tag
        return is_tag and (not at or bool(re.fullmatch(SHA, digest))) and new.strip() == expected

    def _tags(self, text: str) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
        """Where the tags and digests beside our name are, and those beside other names."""
        ours: set[tuple[int, int]] = set()
        others: set[tuple[int, int]] = set()
        for entries in mappings(text):
            names = {
                key: node.value.strip()
                for key, node in entries.items()
                if NAME_KEY.search(key) and isinstance(node, yaml.ScalarNode)
            }
            tags = {
                span(node)
                for key, node in entries.items()
                if TAG_KEY.search(key) and isinstance(node, yaml.ScalarNode)
            }
            is_ours = any(self._is_name(name, entries) for name in names.values())
            (ours if is_ours else others if names else set()).update(tags)
        return ours, others

    def _is_name(self, name: str, entries: Entries) -> bool:
        registry = next((n.value for k, n in entries.items() if k.lower() == "registry"), "")
        return any(map(self._reference, (name, f"{registry}/{name}")))


@dataclass(frozen=True, slots=True)
class Leaf:
    """``beside`` are the keys of the mapping in which it is a value."""

    keys: tuple[str, ...]
    node: yaml.ScalarNode
    beside: tuple[str, ...]

    @property
    def stays(self) -> bool:
        nearest = next((key for key in reversed(self.keys) if key), "")
        return bool(STAYING_KEY.search(nearest)) or not STAYING_FOLDERS.isdisjoint(self.keys)


def span(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.index, node.end_mark.index


def comments(text: str) -> list[str]:
    """Lines that are a comment as a whole."""
    return re.findall(r"(?:\A|(?<=[\r\n]))[ \t]*#[^\r\n]*", text)


def documents(text: str) -> list[yaml.Node]:
    # All at once: nodes are told apart by their ids, which those of a forgotten one may repeat.
    return list(yaml.compose_all(text, Loader=LOADER))


def leaves(text: str) -> Iterator[Leaf]:
    seen: set[int] = set()
    for document in documents(text):
        yield from _leaves(document, ("",), (), seen)


def _leaves(
    node: yaml.Node, keys: tuple[str, ...], beside: tuple[str, ...], seen: set[int]
) -> Iterator[Leaf]:
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.ScalarNode):
        yield Leaf(keys, node, beside)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _leaves(item, keys, (), seen)
    elif isinstance(node, yaml.MappingNode):
        names = tuple(str(k.value) if isinstance(k, yaml.ScalarNode) else "" for k, _ in node.value)
        for name, (key, value) in zip(names, node.value, strict=True):
            yield from _leaves(key, (*keys, ""), (), seen)
            yield from _leaves(value, (*keys, name), names, seen)


def mappings(text: str) -> Iterator[Entries]:
    seen: set[int] = set()
    for document in documents(text):
        yield from _mappings(document, seen)


def _mappings(node: yaml.Node, seen: set[int]) -> Iterator[Entries]:
    if id(node) in seen or isinstance(node, yaml.ScalarNode):
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        yield _entries(node, frozenset())
        for key, value in node.value:
            yield from _mappings(key, seen)
            yield from _mappings(value, seen)
    else:
        yield _variables(node)
        for item in node.value:
            yield from _mappings(item, seen)


def _entries(node: yaml.MappingNode, seen: frozenset[int]) -> Entries:
    own = {
        str(key.value): value
        for key, value in node.value
        if isinstance(key, yaml.ScalarNode) and key.tag != MERGE
    }
    merged: Entries = {}
    for key, value in node.value:
        sources = value.value if isinstance(value, yaml.SequenceNode) else [value]
        for source in sources if key.tag == MERGE else ():
            if isinstance(source, yaml.MappingNode) and id(source) not in seen:
                merged = {**_entries(source, seen | {id(node)}), **merged}
    return {**merged, **own}


def _variables(node: yaml.Node) -> Entries:
    found: Entries = {}
    for item in node.value:
        entries = _entries(item, frozenset()) if isinstance(item, yaml.MappingNode) else {}
        name = entries.get("name")
        if isinstance(name, yaml.ScalarNode) and "value" in entries:
            found[name.value] = entries["value"]
    return found
