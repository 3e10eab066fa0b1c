"""environment.yml with the lines of what it says.

https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import yaml

from r2d_action.errors import Place
from r2d_action.report.diagnose.sources import NO_FILE, SourceFile


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list of packages; ``text`` is empty for what is no text."""

    text: str
    place: Place

    @property
    def name(self) -> str:
        """The package, without its channel, as conda compares names."""
        match = re.match(r"(?:[\w./:-]+::)?([\w.-]+)", self.text)
        return match[1].lower() if match else ""


@dataclass(frozen=True, slots=True)
class Key:
    """``value`` is the node below the key."""

    name: str
    place: Place
    value: yaml.Node


@dataclass(frozen=True, slots=True)
class Environment:
    """``keys`` are those of the top: none without a file, or for what is no mapping."""

    file: SourceFile = NO_FILE
    keys: tuple[Key, ...] = ()

    @classmethod
    def parse(cls, file: SourceFile) -> Environment:
        try:
            root = yaml.compose(file.text, yaml.SafeLoader)
        except yaml.YAMLError:
            return cls(file)
        return cls(file, _keys(root, file) if isinstance(root, yaml.MappingNode) else ())

    def key(self, name: str) -> Key | None:
        return next((key for key in self.keys if key.name == name), None)

    @property
    def packages(self) -> tuple[Entry, ...]:
        """conda's, without the mappings in their list."""
        nodes = _items(self.key("dependencies"))
        return self._entries([node for node in nodes if not isinstance(node, yaml.MappingNode)])

    @property
    def mappings(self) -> tuple[Key, ...]:
        """``pip:`` in the list of packages, and whatever looks like it."""
        nodes = _items(self.key("dependencies"))
        mappings = (node for node in nodes if isinstance(node, yaml.MappingNode))
        return tuple(key for node in mappings for key in _keys(node, self.file))

    @property
    def pip_packages(self) -> tuple[Entry, ...]:
        lists = [_items(key) for key in self.mappings if key.name == "pip"]
        return self._entries([node for nodes in lists for node in nodes])

    @property
    def channels(self) -> tuple[Entry, ...]:
        return self._entries(_items(self.key("channels")))

    def _entries(self, nodes: list[yaml.Node]) -> tuple[Entry, ...]:
        return tuple(Entry(_text(node), self.file.at(_line(node))) for node in nodes)


def _keys(node: yaml.MappingNode, file: SourceFile) -> tuple[Key, ...]:
    return tuple(Key(str(key.value), file.at(_line(key)), value) for key, value in node.value)


def _items(key: Key | None) -> list[yaml.Node]:
    return key.value.value if key and isinstance(key.value, yaml.SequenceNode) else []


def _text(node: yaml.Node) -> str:
    return node.value.strip() if isinstance(node, yaml.ScalarNode) else ""


def _line(node: yaml.Node) -> int:
    line: int = node.start_mark.line + 1
    return line
