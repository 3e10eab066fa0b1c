"""Where the lab keeps its things."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Home:
    root: Path

    @property
    def bin(self) -> Path:
        """The folder that goes first on PATH: the lab's programs and nothing else."""
        return self.root / "bin"

    @property
    def packages(self) -> Path:
        return self.root / "packages"

    @property
    def registry(self) -> Path:
        return self.root / "registry"

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    def engine(self, store: str) -> Path:
        return self.root / store

    def contains(self, path: str) -> bool:
        return Path(path).is_relative_to(self.root)


def find_home(environ: Mapping[str, str] = os.environ) -> Home:
    if chosen := environ.get("R2D_LAB_DIR"):
        return Home(Path(chosen).absolute())
    cache = Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Home(cache / "r2d-action" / "lab")
