"""Which run is the newer one: moving tags go forwards only.

Git knows the order of commits, and the registry which of them were published. Where
git cannot be asked (no branch, no way to the remote), and for two images of one
commit, the times at which they were made have to do.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from r2d_action.git import Git
from r2d_action.plan.repo2docker import CREATED, REVISION
from r2d_action.plan.tagging import tag_of_commit
from r2d_action.process import CommandFailed
from r2d_action.reference import Repository, Tag
from r2d_action.registry.client import Client

REMOTE = "origin"
# Each costs a request. Commits that nobody published (changes of the docs) may be more in a row:
# then it counts of which commit the image is that has the tags.
LOOK_BACK = 20
TIME = "%Y-%m-%dT%H:%M:%S%z"


class Unknown(Exception):
    """Git cannot tell what came after a commit."""


@dataclass(frozen=True, slots=True)
class Made:
    """Of which commit an image was made and when, as its labels tell (ISO 8601, so that text
    compares as time does); empty where they do not."""

    commit: str
    created: str

    @classmethod
    def of(cls, labels: Mapping[str, str]) -> Made:
        return cls(str(labels.get(REVISION, "")), str(labels.get(CREATED, "")))

    @property
    def time(self) -> datetime | None:
        with suppress(ValueError):
            return datetime.strptime(self.created, TIME)
        return None

    def is_rebuilt_in(self, other: Made) -> bool:
        return bool(self.commit) and self.commit == other.commit and self.created < other.created


@dataclass(frozen=True, slots=True)
class Order:
    """``commit`` is the one being published, ``created`` what counts as its time (as in
    :class:`Made`) where git cannot tell; ``was_tip`` says whether it was the branch's last one
    when the run was started."""

    git: Git
    branch: str
    commit: str
    client: Client
    repository: Repository
    created: str
    was_tip: bool = False

    def newest_published(self, commits: Sequence[str]) -> Tag | None:
        """The tag of the first of ``commits`` whose image is published. Raises what the
        registry's client raises."""
        for commit in commits[:LOOK_BACK]:
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
            ours = () if self._was_dropped(tip) else (f"^{self.commit}",)
            listed = self.git.run("rev-list", tip, *ours)
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

    def _was_dropped(self, tip: str) -> bool:
        """Whether our commit was pushed away by force: all that the branch has now is newer then.
        One that never was on the branch (of an earlier step) is ahead of it."""
        if not self.was_tip:
            return False
        return self.git.attempt("merge-base", "--is-ancestor", self.commit, tip).returncode == 1

    def has_moved(self, git_tag: str) -> bool:
        """Whether the git tag names another commit than ours by now; no, where nobody knows."""
        name = f"refs/tags/{git_tag}"
        # An annotated tag is not the commit itself.
        found = self.git.line("ls-remote", REMOTE, f"{name}^{{}}")
        found = found or self.git.line("ls-remote", REMOTE, name)
        return bool(found) and found.split()[0] != self.commit
