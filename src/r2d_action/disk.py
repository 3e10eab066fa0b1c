"""Make room on a hosted runner, whose image carries tens of gigabytes of toolkits.

Nothing here touches what an engine keeps: pruning that has broken builds.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from r2d_action.runner import Runner

# https://github.com/actions/runner-images lists what these hold.
TOOLKITS = (
    "/usr/local/lib/android",
    "/usr/share/dotnet",
    "/opt/ghc",
    "/usr/local/.ghcup",
    "/usr/share/swift",
    "/usr/local/share/powershell",
    "/opt/hostedtoolcache/CodeQL",
)


@contextmanager
def freeing(
    wanted: bool, env: Mapping[str, str], runner: Runner, toolkits: Iterable[str] = TOOLKITS
) -> Iterator[None]:
    """Remove the toolkits beside the work in the ``with`` block; it ends when they are gone."""
    present = _present(toolkits)
    if not wanted or not present:
        yield
        return
    if env.get("RUNNER_ENVIRONMENT") != "github-hosted":
        runner.notice(
            "FREE_DISK_SPACE is for GitHub's own runners; on this one nothing is removed. Leave "
            "it out here, and make room with `docker system prune` where that is needed."
        )
        yield
        return
    runner.say(f"freeing disk space: {', '.join(present)}")
    with TemporaryFile() as said:
        removal = _removal(present, env, said)
        try:
            yield
        finally:
            removal.wait()
            if left := _present(present):
                runner.notice(_not_removed(left, said))


def _present(toolkits: Iterable[str]) -> tuple[str, ...]:
    return tuple(path for path in toolkits if Path(path).is_dir())


def _removal(
    paths: tuple[str, ...], env: Mapping[str, str], said: IO[bytes]
) -> subprocess.Popen[bytes]:
    # A job in a container is root already, and most images have no sudo.
    prefix = ("sudo", "-n") if os.geteuid() and shutil.which("sudo", path=env.get("PATH")) else ()
    return subprocess.Popen(
        [*prefix, "rm", "-rf", *paths],
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=said,
    )


def _not_removed(left: tuple[str, ...], said: IO[bytes]) -> str:
    """Of many lines the first one: they say the same of each file."""
    said.seek(0)
    reason = said.readline().decode(errors="replace").strip() or "no reason was given"
    return (
        f"FREE_DISK_SPACE: {', '.join(left)} could not be removed ({reason}); the run goes on with "
        "the room that there is."
    )
