"""What it costs to know that nothing has changed: the image key, beside ``git status``."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from io import StringIO
from pathlib import Path

from bench.checkout import Checkout
from lab.command import run
from lab.talk import step
from r2d_action.errors import UserError
from r2d_action.event import Event
from r2d_action.inputs import Inputs
from r2d_action.outcome import Outcome
from r2d_action.runner import Runner
from r2d_action.stages.key import keyed
from r2d_action.stages.plan import planned
from r2d_action.stages.site import Site
from r2d_action.walk import Stage, walk

SIZES = (100, 10_000, 100_000)
# From a checkout to its key: what a run does before it can ask the registry for the image.
STAGES: tuple[Stage, ...] = (partial(planned, publishing=False), partial(keyed, look=False))
FILES_IN_A_FOLDER = 100
LINE = "One line of a file that somebody wrote for a course, and that has a number of its own.\n"


@dataclass(frozen=True, slots=True)
class KeyCost:
    """Seconds of each round, for a clean checkout of so many files."""

    files: int
    key: tuple[float, ...]
    git_status: tuple[float, ...]

    @property
    def ratios(self) -> list[float]:
        pairs = zip(self.key, self.git_status, strict=True)
        return [key / status for key, status in pairs]


def key_costs(sizes: Iterable[int], rounds: int) -> list[KeyCost]:
    return [_key_cost(files, rounds) for files in sizes]


def _key_cost(files: int, rounds: int) -> KeyCost:
    with step(f"key of {files} files"), tempfile.TemporaryDirectory(prefix="bench-key-") as folder:
        checkout = Checkout.create(Path(folder, "checkout"), _tree(files))
        # Not counted: git makes its index whole, the disk's pages come into memory.
        _git_status(checkout.folder)
        _key(checkout.folder)
        times = [_round(checkout.folder) for _ in range(rounds)]
    keys, statuses = zip(*times, strict=True)
    return KeyCost(files, keys, statuses)


def _tree(files: int) -> dict[str, str]:
    others = range(files - 1)
    notes = {f"week{n // FILES_IN_A_FOLDER}/note{n}.md": f"{n}\n{LINE * 20}" for n in others}
    return {"Dockerfile": "FROM scratch\nCOPY . /\n", **notes}


def _round(folder: Path) -> tuple[float, float]:
    return _seconds(lambda: _key(folder)), _seconds(lambda: _git_status(folder))


def _key(folder: Path) -> None:
    outcome = walk(STAGES, _site(folder), Outcome())
    if outcome.key is None or not outcome.key.value:
        raise UserError(f"no key: {outcome.failure or outcome.key}")


def _site(folder: Path) -> Site:
    return Site(
        inputs=Inputs(),
        event=Event(workspace=folder),
        env=os.environ,
        temporary=folder.parent / "temporary",
        runner=Runner(stream=StringIO()),
        now=datetime.now(timezone.utc),
    )


def _git_status(folder: Path) -> None:
    run("git", "status", "--porcelain", cwd=folder)


def _seconds(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
