"""The engines that flows run on: the lab's own, in a lab that nobody else uses.

Every measurement begins with an empty engine, as on a fresh runner, so that neither the
machine's own engine nor the one that tests share would do.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path

from lab.__main__ import down, up
from lab.command import run
from lab.engine import Store, start_engine, stop_engine
from lab.errors import LabError
from lab.home import Home, find_home
from lab.registry import RunningRegistry
from lab.state import load, locked, save

# No more of it is taken than is written.
DISK_BYTES = 40 << 30


@dataclass(frozen=True, slots=True)
class Machine:
    """``env`` is what a command needs beyond the ambient environment; ``upstream`` the registry
    that base images come from."""

    home: Home
    store: Store
    env: Mapping[str, str]
    upstream: RunningRegistry

    def run(
        self,
        *argv: str | Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: str | None = None,
    ) -> str:
        return run(*argv, extra_env={**self.env, **(env or {})}, cwd=cwd, stdin=stdin)

    def docker(self, *arguments: str | Path, stdin: str | None = None) -> str:
        return self.run("docker", *arguments, stdin=stdin)

    def wipe(self) -> None:
        """Give the engine a disk that is as new as a fresh runner's.

        Pruning would leave layers behind until the engine next collects its garbage. And where
        many files have just been deleted, ext4 is slow to create others, since it looks for an
        inode that has been free for some minutes (`recently_deleted` in fs/ext4/ialloc.c).
        """
        with locked(self.home), redirect_stderr(StringIO()):
            state = load(self.home)
            stop_engine(self.home, state.engines[self.store])
            _mount_new_disk(self.home.engine(self.store))
            fresh = start_engine(self.home, self.store)
            save(self.home, replace(state, engines={**state.engines, self.store: fresh}))
        # What one flow wrote is not for the next one to wait for.
        os.sync()

    @property
    def versions(self) -> str:
        engine = self.docker("version", "--format", "{{.Server.Version}}").strip()
        return f"Docker Engine {engine}, buildx {self.docker('buildx', 'version').split()[1]}"


@contextmanager
def machines(stores: tuple[Store, ...]) -> Iterator[tuple[Machine, ...]]:
    home = _home()
    try:
        yield tuple(_started(home, store) for store in stores)
    finally:
        down(home, purge=False)


def _mount_new_disk(folder: Path) -> None:
    """Below the engine's ``folder``, whose mounts end with the engine."""
    disk, data = folder / "disk", folder / "data"
    disk.unlink(missing_ok=True)
    data.mkdir(exist_ok=True)
    with disk.open("wb") as file:
        file.truncate(DISK_BYTES)
    run("mkfs.ext4", "-q", "-F", disk)
    run("mount", "-o", "loop", disk, data)


def _home() -> Home:
    shared = find_home().root
    home = Home(shared.with_name(f"{shared.name}-bench"))
    # The lab looks here for the programs of registries as well.
    os.environ["R2D_LAB_DIR"] = str(home.root)
    return home


def _started(home: Home, store: Store) -> Machine:
    _start_engine_of_our_own(home, store)
    up(home, store)
    state = load(home)
    if state.registry is None:
        raise LabError("the registry is gone")
    return Machine(home, store, state.engines[store].environment(home), state.registry)


def _start_engine_of_our_own(home: Home, store: Store) -> None:
    """Before the lab looks for one, and finds the machine's."""
    with locked(home):
        state = load(home)
        earlier = state.engines.get(store)
        if not (earlier and earlier.answers):
            engine = start_engine(home, store, earlier)
            save(home, replace(state, engines={**state.engines, store: engine}))
