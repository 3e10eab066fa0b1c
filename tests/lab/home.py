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

    @property
    def search_path(self) -> str:
        """PATH with the lab's programs first."""
        return path_with(self.bin)

    def engine(self, store: str) -> Path:
        return self.root / store

    def contains(self, path: str) -> bool:
        return Path(path).is_relative_to(self.root)


def path_with(*folders: Path) -> str:
    ambient = os.environ.get("PATH", os.defpath).split(os.pathsep)
    first = [str(folder) for folder in folders]
    return os.pathsep.join(first + [folder for folder in ambient if folder not in first])


def link(name: Path, target: Path) -> None:
    """Make `name` a link to `target`, at no moment missing for those who use it."""
    if name.is_symlink() and name.readlink() == target:
        return
    name.parent.mkdir(parents=True, exist_ok=True)
    scratch = name.with_suffix(".new")
    scratch.symlink_to(target)
    scratch.replace(name)


def find_home(environ: Mapping[str, str] = os.environ) -> Home:
    if chosen := environ.get("R2D_LAB_DIR"):
        return Home(Path(chosen).absolute())
    cache = Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Home(cache / "r2d-action" / "lab")
