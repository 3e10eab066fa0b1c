"""Which files of a hub's repository are looked at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from docker.utils.fnmatch import translate

# Without a wish: what hubs are configured with.
EVERY_YAML_FILE = ("**/*.yaml", "**/*.yml")
_LOCK_FILE = re.compile(r"(?:.*[-.])?lock\.ya?ml", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Looked:
    """``unmatched`` are the globs that no file answers to."""

    paths: tuple[str, ...]
    unmatched: tuple[str, ...] = ()


def look_at(paths: Iterable[str], globs: Sequence[str] = ()) -> Looked:
    """``*`` stands for any name, ``**`` for any folders. Files that are not YAML are looked at
    only where a glob has their ending, or their whole name, in its own letters."""
    everything = sorted(paths)
    matching = {
        glob: [path for path in everything if _is_meant(path, glob)]
        for glob in globs or EVERY_YAML_FILE
    }
    chosen = {path for found in matching.values() for path in found}
    unmatched = (glob for glob, found in matching.items() if not found and globs)
    return Looked(tuple(sorted(chosen)), tuple(unmatched))


def _is_meant(path: str, glob: str) -> bool:
    glob = glob.strip().removeprefix("./")
    if glob == path:
        return True
    if _is_set_apart(path) and not _names_hidden(glob):
        return False
    is_opted_in = path.endswith((".yaml", ".yml")) or _spells_ending(glob, path)
    return is_opted_in and re.match(translate(glob), path) is not None


def _is_set_apart(path: str) -> bool:
    """Hidden files and folders (.git, .github) hold no hub's configuration, lock files are
    written by programs."""
    *_, name = parts = PurePosixPath(path).parts
    hidden = any(part.startswith(".") for part in parts)
    return hidden or "node_modules" in parts or bool(_LOCK_FILE.fullmatch(name))


def _names_hidden(glob: str) -> bool:
    return any(part.startswith(".") for part in PurePosixPath(glob).parts)


def _spells_ending(glob: str, path: str) -> bool:
    name = PurePosixPath(path)
    spelled = re.split(r"[*?\]]", PurePosixPath(glob).name)[-1]
    return spelled.endswith(name.suffix) if name.suffix else spelled == name.name
