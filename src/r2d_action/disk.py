"""Make room on a hosted runner, whose image carries tens of gigabytes of toolkits.

Nothing here touches what an engine keeps: pruning that has broken builds.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

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
def freeing(wanted: bool, env: Mapping[str, str], runner: Runner) -> Iterator[None]:
    """Remove the toolkits beside the work in the ``with`` block; it ends when they are gone."""
    present = tuple(path for path in TOOLKITS if Path(path).is_dir())
    if not wanted or not present:
        yield
        return
    if env.get("RUNNER_ENVIRONMENT") != "github-hosted":
        runner.notice(
            "FREE_DISK_SPACE is for GitHub's own runners; on this one nothing is removed."
        )
        yield
        return
    runner.say(f"freeing disk space beside the build: {', '.join(present)}")
    removal = subprocess.Popen(
        ["sudo", "-n", "rm", "-rf", *present],
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        removal.wait()
