"""A user's repository, and the workflows that it runs."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from e2e.act import Event, Machine, Run

OWNER, NAME = "Campus", "Course-Image"
# GitHub keeps the case of both, and names of images have none.
REPOSITORY = f"{OWNER}/{NAME}"
REMOTE = f"https://github.com/{REPOSITORY}"
WORKFLOW = ".github/workflows/image.yml"

# A last job that writes down what it was given by the ones before it.
NEEDS = """
    needs: {jobs}
    if: always()
    runs-on: ubuntu-latest
    steps:
      - env:
          NEEDS: ${{{{ toJSON(needs) }}}}
        run: printf %s "$NEEDS" > "$REPORT/needs.json"
"""


@dataclass(frozen=True)
class Project:
    """``directory`` is a clone of the repository as actions/checkout leaves it."""

    directory: Path
    machine: Machine

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
        done = subprocess.run(
            ["git", *identity, *arguments],
            cwd=self.directory,
            env=self.machine.environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def write(self, path: str, text: str) -> None:
        file = self.directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def commit(self, message: str = "Change") -> str:
        """Everything, as a new commit; the answer is its 40 digits."""
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.head

    @property
    def head(self) -> str:
        return self.git("rev-parse", "HEAD")

    @property
    def tag(self) -> str:
        """What the image of the checked-out commit is tagged."""
        return self.head[:12]

    def save_workflow(self, text: str) -> None:
        self.write(WORKFLOW, text)
        self.commit("Change the workflow")

    def run(
        self, workflow: str, event: Event | None = None, secrets: Mapping[str, str] | None = None
    ) -> Run:
        """Commit ``workflow`` and run it, on a push unless another event is given."""
        self.save_workflow(workflow)
        return self.happen(event or self.push(), secrets)

    def happen(self, event: Event, secrets: Mapping[str, str] | None = None) -> Run:
        """Run what is committed."""
        return self.machine.run(self.directory, event, secrets or {})

    # Events, with the parts of GitHub's payloads that workflows and actions read.
    # https://docs.github.com/webhooks/webhook-events-and-payloads

    def push(self, actor: str = "ann") -> Event:
        payload = {
            "ref": "refs/heads/main",
            "before": "0" * 40,
            "after": self.head,
            "created": False,
            "deleted": False,
            "forced": False,
            "head_commit": {"id": self.head, "message": "Change"},
            "pusher": {"name": actor},
            **_everywhere(actor),
        }
        return Event("push", payload, actor)

    def pull_request(
        self,
        *,
        head: str,
        of: str = REPOSITORY,
        base: str = "",
        actor: str = "ann",
        number: int = 7,
    ) -> Event:
        """``head`` is the newest commit of the branch, in the repository ``of``; ``base`` that of
        the branch that is to get it."""
        payload = {
            "action": "synchronize",
            "number": number,
            "pull_request": {
                "number": number,
                "state": "open",
                "merge_commit_sha": self.head,
                "user": {"login": actor},
                "head": {"ref": "idea", "sha": head, "repo": _repository(of)},
                "base": {"ref": "main", "sha": base, "repo": _repository(REPOSITORY)},
            },
            **_everywhere(actor),
        }
        return Event("pull_request", payload, actor)

    def workflow_dispatch(self) -> Event:
        payload = {"ref": "refs/heads/main", "inputs": {}, "workflow": WORKFLOW}
        return Event("workflow_dispatch", {**payload, **_everywhere("ann")})


def start_project(directory: Path, machine: Machine, base_image: str) -> Project:
    """A repository whose image is ``base_image`` with the repository's files in it."""
    directory.mkdir()
    project = Project(directory, machine)
    project.git("init", "--quiet", "--initial-branch=main")
    project.git("remote", "add", "origin", REMOTE)
    project.write("Dockerfile", f"FROM {base_image}\nCOPY --chown=1000:1000 . /srv/repo/\n")
    project.write("notebook.ipynb", '{"cells": [], "metadata": {}, "nbformat": 4}\n')
    project.commit("Start")
    return project


def _everywhere(actor: str) -> dict[str, object]:
    return {"repository": _repository(REPOSITORY), "sender": {"login": actor, "type": "User"}}


def _repository(full_name: str) -> dict[str, object]:
    owner, _, name = full_name.partition("/")
    return {
        "full_name": full_name,
        "name": name,
        "owner": {"login": owner},
        "fork": full_name != REPOSITORY,
        "default_branch": "main",
        "html_url": f"https://github.com/{full_name}",
    }
