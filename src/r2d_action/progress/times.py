"""How long it took last time: a small file in the user's cache folder, which may be lost.

What took the time is kept as a digest: instructions are long, and nobody else's business.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeGuard

# More than any build has steps; those that were not met for longest are forgotten first.
MOST = 200
LONGEST = 1e9  # seconds
DIGITS = 16


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds by what took them: of the last run, and, once noted, of this one for the next.
    ``file`` is None where nothing is to be kept."""

    file: Path | None = None
    _last: Mapping[str, float] = field(default_factory=dict)
    _noted: dict[str, float] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> Times:
        """A file that is missing or broken knows nothing."""
        try:
            content = json.loads(file.read_bytes())
        except (OSError, ValueError, RecursionError):
            content = None
        return cls(file, _sound(content))

    def of(self, what: str) -> float | None:
        return self._last.get(_digest(what))

    def note(self, what: str, seconds: float) -> None:
        self._noted[_digest(what)] = round(seconds, 1)

    def write(self) -> None:
        """Complete or not at all; a folder that cannot be written to is no reason to complain."""
        if self.file is None:
            return
        kept = {key: seconds for key, seconds in self._last.items() if key not in self._noted}
        newest = dict(list({**kept, **self._noted}.items())[-MOST:])
        with suppress(OSError):
            self.file.parent.mkdir(parents=True, exist_ok=True)
            _replace(self.file, json.dumps(newest))


def times_file(env: Mapping[str, str], checkout: Path, image: str) -> Path | None:
    """https://specifications.freedesktop.org/basedir-spec/latest/: a relative path is none."""
    cache = Path(env.get("XDG_CACHE_HOME") or "")
    if not cache.is_absolute():
        cache = Path(env.get("HOME") or "", ".cache")
    if not cache.is_absolute():
        return None
    return cache / "r2d-action" / "times" / f"{_digest(str(checkout), image)}.json"


def _digest(*words: str) -> str:
    # Paths may hold bytes that are no text.
    text = "\0".join(words).encode(errors="surrogateescape")
    return hashlib.sha256(text).hexdigest()[:DIGITS]


def _sound(content: object) -> dict[str, float]:
    if not isinstance(content, dict):
        return {}
    return {key: float(value) for key, value in content.items() if _is_time(value)}


def _is_time(value: object) -> TypeGuard[float]:
    return type(value) in {int, float} and 0 <= value < LONGEST  # type: ignore[operator]


def _replace(file: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(prefix=f"{file.name}.", dir=file.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as fresh:
            fresh.write(text)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
