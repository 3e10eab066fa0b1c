"""How long the action takes to start, beside a plain ``pip install`` of the same packages.

Every round measures each side once, in turn, so that a slow minute of the machine slows all:

- **pip install**: one ``pip install`` of both lock files into an empty venv made beforehand.
- **venv + pip install**: the same with the making of the venv.
- **cold start**: ``bin/r2d-action build --help`` with an empty cache folder, then ``--version``
  of the repo2docker that it made. Both environments are made, and the program and repo2docker
  have loaded: what is left before the first line of a build is the build.
- **warm start**: the same once more.

All sides run on the interpreter of this program and the same pip, with one and the same download
cache (filled by a round that does not count), or all without one (``--no-download-cache``).
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench import ROOT

LOCKS = (
    ROOT / "src" / "r2d_action" / "locks" / "r2d-action.txt",
    ROOT / "src" / "r2d_action" / "locks" / "repo2docker.txt",
)
PLAIN, VENV, COLD, WARM = "pip install", "venv + pip install", "cold start", "warm start"
Seconds = dict[str, float]


@dataclass(frozen=True, slots=True)
class Bench:
    env: Mapping[str, str]

    def round(self) -> Seconds:
        with tempfile.TemporaryDirectory(prefix="startup-") as folder:
            making, installing = self._pip(Path(folder, "venv"))
            cache = Path(folder, "cache")
            cold = self._timed(lambda: self._start(cache))
            warm = self._timed(lambda: self._start(cache))
        return {PLAIN: installing, VENV: making + installing, COLD: cold, WARM: warm}

    def _pip(self, venv: Path) -> tuple[float, float]:
        python = str(venv / "bin" / "python")
        install = [python, "-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        for lock in LOCKS:
            install += ["--requirement", str(lock)]
        making = self._timed(lambda: self._run([sys.executable, "-I", "-m", "venv", str(venv)]))
        return making, self._timed(lambda: self._run(install))

    def _start(self, cache: Path) -> None:
        env = {**self.env, "XDG_CACHE_HOME": str(cache)}
        launcher = str(ROOT / "bin" / "r2d-action")
        self._run([sys.executable, "-I", launcher, "build", "--help"], env)
        [repo2docker] = cache.glob("r2d-action/jupyter-repo2docker-*/__main__.py")
        self._run([sys.executable, "-I", "-S", str(repo2docker.parent), "--version"], env)

    def _run(self, argv: list[str], env: Mapping[str, str] | None = None) -> None:
        subprocess.run(argv, env=dict(env or self.env), check=True, stdout=subprocess.DEVNULL)

    def _timed(self, work: Callable[[], None]) -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start


def report(rounds: list[Seconds]) -> str:
    rows = [
        f"| cold start / pip install | {_ratio(rounds, COLD, PLAIN)} | |",
        f"| cold start / venv + pip install | {_ratio(rounds, COLD, VENV)} | |",
        *(_row(name, [seconds[name] for seconds in rounds]) for name in (COLD, PLAIN, VENV, WARM)),
    ]
    return "\n".join(["| | median | lowest to highest |", "|---|---|---|", *rows])


def _ratio(rounds: list[Seconds], one: str, other: str) -> str:
    return f"{statistics.median(seconds[one] / seconds[other] for seconds in rounds):.2f}"


def _row(name: str, values: list[float]) -> str:
    return (
        f"| {name} | {statistics.median(values):.2f} s | {min(values):.2f} to {max(values):.2f} s |"
    )


def _environment(download_cache: Path | None) -> dict[str, str]:
    # The hosted runner's tool cache would be warm, and is not ours to empty.
    env = {name: value for name, value in os.environ.items() if name != "RUNNER_TOOL_CACHE"}
    setting = (
        {"PIP_CACHE_DIR": str(download_cache)} if download_cache else {"PIP_NO_CACHE_DIR": "1"}
    )
    return {**env, **setting}


def measure(rounds: int, *, download_cache: bool = True) -> list[Seconds]:
    with tempfile.TemporaryDirectory(prefix="startup-downloads-") as folder:
        bench = Bench(_environment(Path(folder) if download_cache else None))
        bench.round()
        return [bench.round() for _ in range(rounds)]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the start of the action.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-download-cache", action="store_true")
    options = parser.parse_args()
    rounds = measure(options.rounds, download_cache=not options.no_download_cache)
    sys.stdout.write(report(rounds) + "\n")


if __name__ == "__main__":
    main()
