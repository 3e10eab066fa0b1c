"""runtime.txt: a language, a dash, a version or the date of a snapshot, or both.

https://repo2docker.readthedocs.io/en/latest/configuration/development/
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Runtime:
    """``version`` and ``snapshot`` are empty where the file does not name them."""

    language: str
    version: str = ""
    snapshot: date | None = None

    @classmethod
    def parse(cls, text: str) -> Runtime | None:
        """Nothing for a text that repo2docker refuses."""
        parts = text.strip().split("-")
        if len(parts) not in {2, 4, 5} or not all(parts):
            return None
        version = parts[1] if len(parts) in {2, 5} else ""
        if len(parts) == 2:
            return cls(parts[0], version)
        try:
            return cls(parts[0], version, date.fromisoformat("-".join(parts[-3:])))
        except ValueError:
            return None
