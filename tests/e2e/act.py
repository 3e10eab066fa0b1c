"""Workflows run on this very machine by `act`, which stands in for GitHub."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

ACT = Path(sys.executable).with_name("act")
TIMEOUT_SECONDS = 400
RUNNER_LABEL = "ubuntu-latest=-self-hosted"
OUR_ACTION = "jupyterhub/repo2docker-action@master"
# What belongs to the run of the tests, and not to a runner.
NOT_OF_A_RUNNER = ("R2D_", "GITHUB_", "RUNNER_", "DOCKER_CONFIG", "XDG_", "ACTIONS_")


@dataclass(frozen=True)
class Event:
    """``payload`` is what GitHub puts into the file of GITHUB_EVENT_PATH."""

    name: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    actor: str = "ann"


@dataclass(frozen=True)
class Run:
    """A run of a workflow that has ended. ``report`` is the folder that its steps know as
    ``$REPORT``; ``records`` are act's own, one for each line of the log."""

    exit_code: int
    records: tuple[Mapping[str, Any], ...] = field(repr=False)
    report: Path

    @cached_property
    def lines(self) -> tuple[str, ...]:
        return tuple(line for one in self.records for line in one.get("msg", "").splitlines())

    @property
    def log(self) -> str:
        return "\n".join(self.lines)

    @property
    def results(self) -> dict[str, str]:
        """success or failure, by job."""
        return {one["jobID"]: one["jobResult"] for one in self.records if "jobResult" in one}

    @property
    def summary(self) -> str:
        """What the job's page shows: act repeats each part for the composite action's step."""
        parts = [one["content"] for one in self.records if one.get("command") == "summary"]
        return "\n".join(dict.fromkeys(parts))

    def annotations(self, level: str) -> list[str]:
        """Texts of the notices, warnings or errors, as the runner shows them."""
        return [one["arg"] for one in self.records if one.get("command") == level]

    def annotation_places(self, level: str) -> list[tuple[str, str]]:
        """File and line of the same annotations."""
        pairs = (one["kvPairs"] for one in self.records if one.get("command") == level)
        return [(pair.get("file", ""), pair.get("line", "")) for pair in pairs]

    @property
    def groups(self) -> list[str]:
        """Titles of the log's foldable parts: the build, the checks and the push have one."""
        return [one["arg"] for one in self.records if one.get("command") == "group"]

    def outputs(self, job: str) -> dict[str, str]:
        """A job's outputs, as a later job of the workflow has seen them (see NEEDS)."""
        needs = json.loads(self.evidence("needs.json"))
        found: dict[str, str] = needs[job]["outputs"]
        return found

    def evidence(self, name: str) -> str:
        """What a step has written to ``$REPORT/name``."""
        return (self.report / name).read_text(encoding="utf-8")

    def require_success(self) -> Run:
        assert self.exit_code == 0, self.log
        return self


@dataclass(frozen=True)
class Machine:
    """A self-hosted runner: ``folder`` holds its home and temporary folder, which are its
    own; ``cache`` is what stays on it between jobs, and is shared."""

    folder: Path
    cache: Path
    actions: Mapping[str, Path]
    variables: Mapping[str, str]
    env: Mapping[str, str] = field(repr=False)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def temporary(self) -> Path:
        return self.folder / "tmp"

    @property
    def report(self) -> Path:
        return self.folder / "report"

    @property
    def tool_cache(self) -> Path:
        return tool_cache(self.cache)

    def setup(self) -> Machine:
        for folder in (self.home, self.temporary, self.report):
            folder.mkdir(parents=True, exist_ok=True)
        return self

    def environment(self) -> dict[str, str]:
        kept = {
            name: value for name, value in self.env.items() if not name.startswith(NOT_OF_A_RUNNER)
        }
        return {
            **kept,
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "XDG_CACHE_HOME": str(self.cache),
            "REPORT": str(self.report),
        }

    def run(self, checkout: Path, event: Event, secrets: Mapping[str, str]) -> Run:
        """``checkout`` is what actions/checkout brings; its remote names the repository."""
        argv = [*self._command(event), *self._files(event, secrets)]
        done = subprocess.run(
            argv,
            cwd=checkout,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_SECONDS,
        )
        return Run(done.returncode, tuple(_records(done.stdout)), self.report)

    def _command(self, event: Event) -> Iterator[str]:
        yield from (str(ACT), event.name, "--json", "--actor", event.actor)
        yield from ("--platform", RUNNER_LABEL)
        # Its own mask would hide what ours lets through.
        yield "--insecure-secrets"
        for name, folder in self.actions.items():
            yield from ("--local-repository", f"{name}={folder}")
        for name, value in self.variables.items():
            yield from ("--var", f"{name}={value}")

    def _files(self, event: Event, secrets: Mapping[str, str]) -> Sequence[str]:
        payload, keys = self.folder / "event.json", self.folder / "secrets.yml"
        payload.write_text(json.dumps(event.payload), encoding="utf-8")
        # JSON is YAML. On the command line they would be in everybody's sight.
        keys.write_text(json.dumps(dict(secrets)), encoding="utf-8")
        return ("--eventpath", str(payload), "--secret-file", str(keys))


def tool_cache(cache: Path) -> Path:
    """Where act puts RUNNER_TOOL_CACHE."""
    return cache / "act" / "tool_cache"


def _records(output: str) -> Iterator[Mapping[str, Any]]:
    for line in output.splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        yield record if isinstance(record, dict) else {"msg": line}
