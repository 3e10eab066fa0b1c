"""How long a commit takes from checkout to registry, beside the flow that we replace.

Two flows do the same work in turn, each on a fresh runner: the engine's images and build cache are
wiped before every measurement, and only the registry remembers.

- **reference**: pull `latest`, build with repo2docker and `--cache-from` that image, push each tag.
- **ours**: `bin/r2d-action run`, whose packages are installed beforehand.

Scenarios: **cold** (an empty registry), **nothing changed** (a new commit of the same files),
**notebook changed** (a file that is copied after the packages), **three tags** (cold, with two more
tags).
Bytes and requests are counted by the registry itself.

Needs the lab: script/lab up, then eval "$(script/lab env)". What it wipes is the lab's engine.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from lab.registry import RunningRegistry, start_registry  # noqa: E402
from r2d_action.environments import command, find_environments  # noqa: E402

NAME = "bench/image"
REFERENCE, OURS = "reference", "ours"
IDENTITY = ("-c", "user.name=Bench", "-c", "user.email=bench@example.org")


@dataclass(frozen=True)
class Cost:
    """``seconds`` of the whole flow, ``uploaded`` bytes of layers, ``requests`` to the registry."""

    seconds: float
    uploaded: int
    requests: int


@dataclass(frozen=True)
class Shop:
    """A checkout of ``megabytes`` of packages, and a registry of its own for each flow."""

    folder: Path
    megabytes: int

    def prepare(self) -> None:
        checkout = self.folder / "checkout"
        checkout.mkdir()
        base = os.environ["R2D_LAB_COMMUNITY_IMAGE"]
        (checkout / "Dockerfile").write_text(
            f"FROM {base}\n"
            # Packages: many bytes that do not compress, another layer in each build of it.
            f"RUN head -c {self.megabytes}000000 /dev/urandom > /tmp/packages\n"
            "COPY notebook.ipynb /home/jovyan/\n"
            "RUN wc -c /home/jovyan/notebook.ipynb > /tmp/built\n"
        )
        (checkout / "notebook.ipynb").write_text("{}")
        self._git("init", "--quiet", "--initial-branch", "main")
        self._git("remote", "add", "origin", str(self.folder / "origin.git"))
        run(["git", "init", "--quiet", "--bare", str(self.folder / "origin.git")])
        self.commit()

    def commit(self, notebook: str = "") -> None:
        if notebook:
            (self.folder / "checkout" / "notebook.ipynb").write_text(notebook)
        self._git("add", "--all")
        self._git(*IDENTITY, "commit", "--quiet", "--allow-empty", "--message", "Change")
        self._git("push", "--quiet", "--force", "origin", "HEAD:main")

    def _git(self, *arguments: str) -> str:
        argv = ["git", *arguments]
        return subprocess.check_output(argv, cwd=self.folder / "checkout", text=True).strip()

    @contextmanager
    def registry(self) -> Iterator[RunningRegistry]:
        folder = self.folder / "registry"
        running = start_registry(folder)
        try:
            yield running
        finally:
            running.stop()
            shutil.rmtree(folder)

    # The two flows

    def reference(self, host: str, tags: tuple[str, ...]) -> None:
        name, sha = f"{host}/{NAME}", self._git("rev-parse", "HEAD")[:12]
        run(["docker", "pull", f"{name}:latest"], check=False)
        repo2docker = command(find_environments(os.environ, say).repo2docker())
        run([
            *repo2docker, "--no-run", "--user-id", "1000", "--user-name", "jovyan",
            "--target-repo-dir", "/home/jovyan", "--image-name", f"{name}:{sha}",
            "--cache-from", name, "--label", f"repo2docker.ref={sha}",
            str(self.folder / "checkout"),
        ])  # fmt: skip
        for tag in ("latest", *tags):
            run(["docker", "tag", f"{name}:{sha}", f"{name}:{tag}"])
        for tag in (sha, "latest", *tags):
            run(["docker", "push", "--quiet", f"{name}:{tag}"])

    def ours(self, host: str, tags: tuple[str, ...]) -> None:
        env = {
            "R2D_DOCKER_REGISTRY": host,
            "R2D_IMAGE_NAME": NAME,
            "R2D_TAGS": " ".join(tags),
            "R2D_HUB_START_CHECK": "false",
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_REF": "refs/heads/main",
        }
        launcher = [sys.executable, "-I", str(ROOT / "bin" / "r2d-action"), "run"]
        run(launcher, cwd=self.folder / "checkout", env={**os.environ, **env})


Flow = Callable[[Shop, str, tuple[str, ...]], None]
FLOWS: Mapping[str, Flow] = {REFERENCE: Shop.reference, OURS: Shop.ours}


def measured(flow: Flow, shop: Shop, registry: RunningRegistry, *tags: str) -> Cost:
    fresh_runner()
    seen, sent = len(registry.requests()), set(registry.uploads())
    start = time.perf_counter()
    flow(shop, registry.host, tags)
    seconds = time.perf_counter() - start
    uploads = registry.uploads()
    new = sum(size for digest, size in uploads.items() if digest not in sent)
    return Cost(seconds, new, len(registry.requests()) - seen)


def fresh_runner() -> None:
    run(["docker", "system", "prune", "--all", "--force", "--volumes"])
    run(["docker", "builder", "prune", "--all", "--force"])


@dataclass
class Results:
    costs: dict[tuple[str, str], list[Cost]] = field(default_factory=dict)

    def add(self, scenario: str, flow: str, cost: Cost) -> None:
        self.costs.setdefault((scenario, flow), []).append(cost)
        say(f"{scenario}, {flow}: {cost.seconds:.1f} s, {cost.uploaded / 1e6:.1f} MB")

    def table(self) -> str:
        scenarios = dict.fromkeys(scenario for scenario, _ in self.costs)
        head = "| scenario | ours / reference | reference | ours | uploaded | requests |"
        return "\n".join([head, "|---|---|---|---|---|---|", *map(self._row, scenarios)])

    def _row(self, scenario: str) -> str:
        theirs, ours = self.costs[scenario, REFERENCE], self.costs[scenario, OURS]
        ratio = statistics.median(o.seconds / t.seconds for o, t in zip(ours, theirs, strict=True))
        uploaded = f"{_megabytes(theirs)} / {_megabytes(ours)} MB"
        asked = f"{_requests(theirs)} / {_requests(ours)}"
        cells = (scenario, f"**{ratio:.3f}**", _spread(theirs), _spread(ours), uploaded, asked)
        return f"| {' | '.join(cells)} |"


def _spread(costs: list[Cost]) -> str:
    values = [cost.seconds for cost in costs]
    return f"{statistics.median(values):.1f} s ({min(values):.1f} to {max(values):.1f})"


def _megabytes(costs: list[Cost]) -> str:
    return f"{statistics.median(cost.uploaded for cost in costs) / 1e6:.1f}"


def _requests(costs: list[Cost]) -> str:
    return f"{statistics.median(cost.requests for cost in costs):.0f}"


def one_round(shop: Shop, results: Results, number: int) -> None:
    for name, flow in FLOWS.items():
        with shop.registry() as registry:
            results.add("cold", name, measured(flow, shop, registry))
            shop.commit()
            results.add("nothing changed", name, measured(flow, shop, registry))
            shop.commit(f'{{"round": {number}, "of": "{name}"}}')
            results.add("notebook changed", name, measured(flow, shop, registry))
        with shop.registry() as registry:
            results.add("three tags", name, measured(flow, shop, registry, "spring", "v1"))


def run(
    argv: list[str],
    *,
    check: bool = True,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    subprocess.run(
        argv, check=check, cwd=cwd, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure a commit's way to the registry.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--megabytes", type=int, default=360, help="of packages on top of the base")
    options = parser.parse_args()
    results = Results()
    with tempfile.TemporaryDirectory(prefix="flows-") as folder:
        shop = Shop(Path(folder), options.megabytes)
        shop.prepare()
        for number in range(options.rounds):
            one_round(shop, results, number)
    sys.stdout.write(f"{results.table()}\n")


if __name__ == "__main__":
    main()
