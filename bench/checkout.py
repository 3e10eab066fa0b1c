"""A repository on a runner's disk, with a remote that has every commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from lab.command import run

IDENTITY = ("-c", "user.name=Bench", "-c", "user.email=bench@example.org")
# Housekeeping would go on in the background and be measured as well; and nobody needs these
# commits after a power cut.
SETTINGS = {"gc.auto": "0", "core.fsync": "none"}


@dataclass(frozen=True, slots=True)
class Checkout:
    folder: Path

    @classmethod
    def create(cls, folder: Path, files: Mapping[str, str]) -> Checkout:
        remote = folder.with_suffix(".git")
        run("git", "init", "--quiet", "--bare", remote)
        run("git", "init", "--quiet", "--initial-branch", "main", folder)
        for repository, (name, value) in product((remote, folder), SETTINGS.items()):
            run("git", "-C", repository, "config", name, value)
        checkout = cls(folder)
        checkout.git("remote", "add", "origin", str(remote))
        checkout.commit(files)
        return checkout

    def commit(self, files: Mapping[str, str]) -> None:
        """A new commit with these files changed; with none of them it has the old files."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "--all")
        self.git(*IDENTITY, "commit", "--quiet", "--allow-empty", "--message", "Change")
        self.git("push", "--quiet", "origin", "HEAD:main")

    def git(self, *arguments: str) -> str:
        return run("git", *arguments, cwd=self.folder).strip()

    @property
    def sha(self) -> str:
        return self.git("rev-parse", "HEAD")
