"""A hub's repository on a GitHub of the tests, and what is documented of the way there."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from e2e.act import Machine
from fakes.github.git import BareRepository, Person
from fakes.github.model import GitHub, Grant
from fakes.github.server import Served, serving

DOCS = Path(__file__).resolve().parents[2] / "docs"
REPOSITORY = "org/hub"
FILE = "config/hub.yaml"
HUB_TOKEN = "ghp_tokenofthehubsrepository0123456789"
JOB_TOKEN = "ghs_tokenofthejob0123456789"
ACTIONS_BOT = Person("github-actions[bot]", "actions@example.org")


def documented_for_the_hub() -> dict[str, str]:
    """What the page tells to give to the token, as GitHub calls it."""
    page = (DOCS / "how-to/hub-pull-request.md").read_text(encoding="utf-8")
    found = re.findall(r"\*\*([A-Z][a-z ]+): (read|write)\*\*", page)
    return {name.lower().replace(" ", "_"): level for name, level in found}


def documented_for_the_job() -> dict[str, str]:
    """What the example gives to the job that calls."""
    text = (DOCS / "examples/many-images.yml").read_text(encoding="utf-8")
    permissions = yaml.safe_load(text)["jobs"]["images"]["permissions"]
    return {name.replace("-", "_"): level for name, level in permissions.items()}


def hub_repository(folder: Path, *images: str) -> GitHub:
    """Its configuration names each of ``images`` with the tag `old`."""
    github = GitHub(REPOSITORY, BareRepository.make(folder / "hub.git", "main"))
    github.tokens[HUB_TOKEN] = Grant(Person("hub-bot", "bot@example.org"), documented_for_the_hub())
    profiles = [{"kubespawner_override": {"image": f"{image}:old"}} for image in images]
    github.push({FILE: yaml.safe_dump({"profileList": profiles}).encode()})
    return github


def own_repository(folder: Path, name: str) -> GitHub:
    """The repository of the images, as the token of its jobs sees it."""
    github = GitHub(name, BareRepository.make(folder / "own.git", "main"))
    github.tokens[JOB_TOKEN] = Grant(ACTIONS_BOT, documented_for_the_job(), what="integration")
    return github


@contextmanager
def at(github: GitHub, machine: Machine) -> Iterator[Served]:
    """Runs on ``machine`` find ``github`` where GitHub is."""
    with serving(github) as served:
        # act takes its own options from there, and nothing else lets it know another GitHub.
        (machine.home / ".actrc").write_text(f"--env=GITHUB_API_URL={served.api_url}\n")
        yield served
    assert served.violations == []


@dataclass(frozen=True)
class Environments:
    """What each step of ours finds in its environment, written down by the runner's `python3`."""

    folder: Path

    @classmethod
    def seen_on(cls, machine: Machine) -> tuple[Environments, Machine]:
        """The machine that writes them down, too."""
        folder, python = machine.folder / "environments", shutil.which("python3")
        (machine.folder / "bin").mkdir()
        folder.mkdir()
        shim = machine.folder / "bin/python3"
        dump = "import json, os, sys; json.dump(dict(os.environ), sys.stdout)"
        shim.write_text(
            f"#!/bin/sh\n'{python}' -c '{dump}' > '{folder}'/$GITHUB_JOB-$$.json\n"
            f"exec '{python}' \"$@\"\n"
        )
        shim.chmod(0o755)
        path = os.pathsep.join((str(shim.parent), machine.env["PATH"]))
        return cls(folder), replace(machine, env={**machine.env, "PATH": path})

    def forget(self) -> None:
        for file in self.folder.iterdir():
            file.unlink()

    def by_job(self) -> Mapping[str, list[str]]:
        """All values, each as often as a step has it."""
        found: dict[str, list[str]] = {}
        for file in self.folder.iterdir():
            job = file.stem.rpartition("-")[0]
            found.setdefault(job, []).extend(json.loads(file.read_text()).values())
        return found
