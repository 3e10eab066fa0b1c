"""Which run is the newer one: moving tags go forwards only.

Git knows the order of commits, and the registry which of them were published. Where
git cannot be asked (no branch, no way to the remote), the times at which the images
were made have to do.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

from r2d_action.git import Git
from r2d_action.plan.repo2docker import CREATED
from r2d_action.plan.tagging import tag_of_commit
from r2d_action.process import CommandFailed
from r2d_action.reference import Repository, Tag
from r2d_action.registry.client import Client

REMOTE = "origin"
# Commits that nobody published (changes of the docs) are rarely more in a row.
LOOK_BACK = 20


class Unknown(Exception):
    """Git cannot tell what came after a commit."""


@dataclass(frozen=True, slots=True)
class Order:
    """``commit`` is the one being published, ``created`` when its image was made, as in
    its label (ISO 8601, so that text compares as time does)."""

    git: Git
    branch: str
    commit: str
    client: Client
    repository: Repository
    created: str

    def newest_after_ours(self) -> Tag | None:
        """The tag of the newest commit after ours whose image is published.

        Raises :class:`Unknown`, and what the registry's client raises.
        """
        for commit in self.commits_after_ours()[:LOOK_BACK]:
            tag = tag_of_commit(commit)
            if self.client.digest(self.repository, str(tag)):
                return tag
        return None

    def commits_after_ours(self) -> tuple[str, ...]:
        """Newest first. Raises :class:`Unknown`."""
        tip = self._tip()
        if tip == self.commit:
            return ()
        try:
            # Into the store of objects and nowhere else: no ref of the checkout moves.
            self.git.run(
                "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--refmap=", REMOTE, tip
            )  # fmt: skip
            listed = self.git.run("rev-list", f"{self.commit}..{tip}")
        except (CommandFailed, FileNotFoundError, subprocess.TimeoutExpired) as error:
            raise Unknown from error
        return listed.lines

    def _tip(self) -> str:
        if not self.branch or not self.commit:
            raise Unknown
        answer = self.git.line("ls-remote", REMOTE, f"refs/heads/{self.branch}")
        if not answer:
            raise Unknown
        return answer.split()[0]

    def holds_newer(self, tag: Tag) -> bool:
        """Whether the image under ``tag`` was made after ours."""
        manifest = self.client.manifest(self.repository, str(tag))
        labels = self.client.labels(self.repository, manifest) if manifest else None
        return (labels or {}).get(CREATED, "") > self.created
