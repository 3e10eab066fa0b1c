"""environment.yml with the lines of what it says.

https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from r2d_action.errors import Place
from r2d_action.report.diagnose.sources import SourceFile


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list of packages; ``text`` is empty for what is no text."""

    text: str
    line: int

    @property
    def name(self) -> str:
        """The package, without its channel, as conda compares names."""
        match = re.match(r"(?:[\w./:-]+::)?([\w.-]+)", self.text.strip())
        return match[1].lower() if match else ""


@dataclass(frozen=True, slots=True)
class Key:
    """``value`` is the node below the key."""

    name: str
    line: int
    value: yaml.Node


@dataclass(frozen=True, slots=True)
class Environment:
    """``keys`` are those of the top; ``mappings`` the entries of the list of packages that are
    mappings (``pip:`` among them)."""

    file: SourceFile
    keys: tuple[Key, ...]

    @classmethod
    def parse(cls, file: SourceFile) -> Environment | None:
        """Nothing for what is no YAML, or no mapping."""
        try:
            root = yaml.compose(file.text, yaml.SafeLoader)
        except yaml.YAMLError:
            return None
        return cls(file, tuple(_keys(root))) if isinstance(root, yaml.MappingNode) else None

    def key(self, name: str) -> Key | None:
        return next((key for key in self.keys if key.name == name), None)

    def at(self, line: int | None) -> Place:
        return self.file.at(line)

    @property
    def _dependencies(self) -> list[yaml.Node]:
        key = self.key("dependencies")
        return key.value.value if key and isinstance(key.value, yaml.SequenceNode) else []

    @property
    def packages(self) -> tuple[Entry, ...]:
        nodes = [node for node in self._dependencies if not isinstance(node, yaml.MappingNode)]
        return tuple(_entry(node) for node in nodes)

    @property
    def mappings(self) -> tuple[Key, ...]:
        nodes = [node for node in self._dependencies if isinstance(node, yaml.MappingNode)]
        return tuple(key for node in nodes for key in _keys(node))

    @property
    def pip_packages(self) -> tuple[Entry, ...]:
        lists = (key.value for key in self.mappings if key.name == "pip")
        return tuple(
            _entry(item)
            for node in lists
            if isinstance(node, yaml.SequenceNode)
            for item in node.value
        )

    @property
    def channels(self) -> tuple[Entry, ...]:
        key = self.key("channels")
        listed = key is not None and isinstance(key.value, yaml.SequenceNode)
        return tuple(_entry(node) for node in key.value.value) if key and listed else ()


def _keys(node: yaml.MappingNode) -> Iterator[Key]:
    for key, value in node.value:
        yield Key(str(key.value), key.start_mark.line + 1, value)


def _entry(node: yaml.Node) -> Entry:
    text = node.value if isinstance(node, yaml.ScalarNode) else ""
    return Entry(text, node.start_mark.line + 1)
