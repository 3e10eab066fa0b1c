"""What happened on the code host that made this run: the ``GITHUB_*`` variables and
the payload of the event, read once.

https://docs.github.com/actions/reference/variables-reference
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from r2d_action.git import BRANCHES

GITHUB = "https://github.com"
GITHUB_API = "https://api.github.com"
PULL_REQUESTS = "refs/pull/"
DEPENDABOT = "dependabot[bot]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The run's cause. At a laptop everything but ``workspace`` is empty.

    ``ref`` is the full git ref (``refs/heads/main``), ``sha`` the commit of the
    event, which need not be the one that is checked out. ``before`` is the commit that a push
    or a pull request starts from, empty where there is none or its history was rewritten.
    ``is_merged`` says of a pull request that it is closed and merged: ``ref`` is the branch then.
    ``workflow`` is the file of the workflow, as the repository has it, empty where another
    repository's runs; ``job`` is the name that the job has there.
    """

    workspace: Path
    name: str = ""
    repository: str = ""
    actor: str = ""
    ref: str = ""
    sha: str = ""
    before: str = ""
    server_url: str = GITHUB
    run_url: str = ""
    pull_request: int | None = None
    is_merged: bool = False
    head_repository: str = ""
    head_branch: str = ""
    base_branch: str = ""
    default_branch: str = ""
    workflow: str = ""
    job: str = ""

    @property
    def is_pull_request(self) -> bool:
        """Not one that is merged: that run is for the branch."""
        return self._is_of_pull_request and not self.is_merged

    @property
    def is_fork_pull_request(self) -> bool:
        """A merged one, too: what its run may do and know is the same."""
        is_of_fork = self.head_repository.lower() != self.repository.lower()
        return self._is_of_pull_request and is_of_fork

    @property
    def _is_of_pull_request(self) -> bool:
        # A review runs for what is reviewed: the same trial merge.
        is_of_one = self.ref.startswith(PULL_REQUESTS)
        return is_of_one or self.name in {"pull_request", "pull_request_target"}

    @property
    def is_dependabot(self) -> bool:
        return self.actor == DEPENDABOT

    @property
    def is_at_github(self) -> bool:
        """Whether services that know GitHub's repositories by name alone know this one."""
        return self.server_url.rstrip("/") == GITHUB

    @property
    def repository_url(self) -> str:
        return f"{self.server_url}/{self.repository}" if self.repository else ""

    @property
    def repository_name(self) -> str:
        return self.repository.rpartition("/")[2]

    @property
    def branch(self) -> str:
        return self.ref.removeprefix(BRANCHES) if self.ref.startswith(BRANCHES) else ""

    @property
    def git_tag(self) -> str:
        return self.ref.removeprefix("refs/tags/") if self.ref.startswith("refs/tags/") else ""


def read_event(env: Mapping[str, str], working_directory: Path) -> Event:
    """The event that ``env`` describes; an unreadable payload counts as an empty one."""
    payload = _read_payload(env.get("GITHUB_EVENT_PATH", ""))
    server_url = env.get("GITHUB_SERVER_URL") or GITHUB
    repository = env.get("GITHUB_REPOSITORY", "")
    pull_request = _mapping(payload, "pull_request")
    run_id, ref = env.get("GITHUB_RUN_ID", ""), env.get("GITHUB_REF", "")
    return Event(
        workspace=Path(env.get("GITHUB_WORKSPACE") or working_directory).resolve(),
        name=env.get("GITHUB_EVENT_NAME", ""),
        repository=repository,
        actor=env.get("GITHUB_ACTOR", ""),
        ref=ref,
        sha=env.get("GITHUB_SHA", ""),
        before=_before(payload),
        server_url=server_url,
        run_url=f"{server_url}/{repository}/actions/runs/{run_id}" if run_id else "",
        pull_request=pull_request.get("number"),
        # What runs for the trial merge builds it later on, too.
        is_merged=pull_request.get("merged") is True and not ref.startswith(PULL_REQUESTS),
        # A deleted fork leaves no repository behind: not ours, so treated as a fork.
        head_repository=_mapping(pull_request, "head", "repo").get("full_name", ""),
        head_branch=_mapping(pull_request, "head").get("ref", ""),
        base_branch=_mapping(pull_request, "base").get("ref", ""),
        default_branch=_mapping(payload, "repository").get("default_branch", ""),
        workflow=_workflow(env.get("GITHUB_WORKFLOW_REF", ""), repository),
        job=env.get("GITHUB_JOB", ""),
    )


def api_url(env: Mapping[str, str]) -> str:
    """GitHub's interface: of an enterprise's own server, where the job runs at one."""
    return env.get("GITHUB_API_URL") or GITHUB_API


def _workflow(reference: str, repository: str) -> str:
    """``owner/name/.github/workflows/build.yml@refs/heads/main`` without what is round the path."""
    path = reference.partition("@")[0]
    return path.removeprefix(f"{repository}/") if path.startswith(f"{repository}/") else ""


def _before(payload: dict[str, Any]) -> str:
    if base := _mapping(payload, "pull_request", "base").get("sha"):
        return str(base)
    # A first push says that it was nothing before: forty zeros.
    found = "" if payload.get("forced") else str(payload.get("before") or "")
    return found if found.strip("0") else ""


def _read_payload(path: str) -> dict[str, Any]:
    try:
        payload = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return payload if isinstance(payload, dict) else {}


def _mapping(value: dict[str, Any], *keys: str) -> dict[str, Any]:
    for key in keys:
        found = value.get(key)
        value = found if isinstance(found, dict) else {}
    return value
