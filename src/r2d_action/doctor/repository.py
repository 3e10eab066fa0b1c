"""What the rules look at: the files of a build, read when they are first asked for."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from functools import cached_property
from pathlib import Path

from r2d_action.context import Context
from r2d_action.doctor.buildpack import DOCKER, Decision, decide
from r2d_action.doctor.dockerfile_text import Dockerfile
from r2d_action.doctor.environment_yml import Environment
from r2d_action.errors import Place
from r2d_action.key import NoKey
from r2d_action.key.ignore import ignore_files, kept, rules_of
from r2d_action.report.diagnose.sources import SourceFile, read_small


def _today() -> date:
    return datetime.now(timezone.utc).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """``prefix`` is the build's top as seen from ``workspace``, the top of the checkout.
    ``for_hub`` is false where nothing is known of a hub that starts the image and mounts a
    user's home: a Binder does not."""

    workspace: Path
    prefix: str = ""
    repo_dir: str = ""
    for_hub: bool = True
    today: date = field(default_factory=_today)


@dataclass(frozen=True)
class Repository:
    """Paths that go in and out are relative to the build's top; places to the checkout."""

    context: Context
    settings: Settings
    _texts: dict[str, str] = field(default_factory=dict, repr=False)

    @cached_property
    def decision(self) -> Decision:
        return decide(self.context, self.text)

    @cached_property
    def files(self) -> frozenset[str]:
        return frozenset(self.context.files)

    @cached_property
    def built(self) -> frozenset[str]:
        """The files that the ignore file lets into the build."""
        try:
            rules = rules_of(self.context)
        except NoKey:
            return self.files
        return frozenset(kept(self.context.files, self.context.folders, rules))

    @cached_property
    def ignore_file(self) -> str:
        """The path of the file that says what stays out; empty without one."""
        return next(iter(ignore_files(self.context)), "")

    @property
    def has_dockerfile(self) -> bool:
        return self.decision.buildpack is DOCKER

    @cached_property
    def dockerfile(self) -> Dockerfile:
        """The user's own, where it decides the image; else one without instructions."""
        file = self.config("Dockerfile")
        return Dockerfile.parse(file) if file else Dockerfile()

    @cached_property
    def environment(self) -> Environment:
        """environment.yml, where repo2docker reads it; else one without keys."""
        file = self.config("environment.yml") or self.config("environment.yaml")
        return Environment.parse(file) if file else Environment()

    def config(self, name: str) -> SourceFile | None:
        """The environment file ``name``, if repo2docker reads it here."""
        paths = (path for path in self.decision.reads if posixpath.basename(path) == name)
        return self.file(next(paths, ""))

    def lines(self, name: str) -> Iterator[tuple[Place, str]]:
        """Those of the environment file ``name``, if repo2docker reads it here."""
        if file := self.config(name):
            yield from ((file.at(n), line) for n, line in enumerate(file.lines, start=1))

    def file(self, path: str) -> SourceFile | None:
        if path not in self.files:
            return None
        return SourceFile(self.place(path).path, self.text(path))

    def text(self, path: str) -> str:
        """As :func:`read_small`."""
        if path not in self._texts:
            self._texts[path] = read_small(self.context.root / path)
        return self._texts[path]

    def place(self, path: str, line: int | None = None) -> Place:
        return Place(posixpath.normpath(posixpath.join(self.settings.prefix, path)), line)

    def speakers(self) -> Iterator[str]:
        """Texts that can use another file by its name: what is read, and scripts."""
        yield from (self.text(path) for path in self.decision.reads)
        for path in self.files:
            if path.endswith((".sh", ".bash")):
                yield self.text(path)

    def mentions(self, path: str) -> bool:
        """Whether a file that takes part in the build speaks of the one at ``path``."""
        name = re.escape(posixpath.basename(path))
        pattern = re.compile(rf"(?<![\w.-]){name}(?![\w-]|\.\w)")
        return any(pattern.search(text) for text in self.speakers())
