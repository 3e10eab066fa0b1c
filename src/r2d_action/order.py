"""Which run is the newer one: moving tags go forwards only.

Git knows the order of commits, and the registry which of them were published. Where
git cannot be asked (no branch, no way to the remote), for two images of one commit,
and between two states of a pull request, the times at which they were made have to do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from r2d_action.git import BRANCHES, NO_ANSWER, Git
from r2d_action.plan.repo2docker import ASKED, CREATED, REVISION
from r2d_action.plan.tagging import tag_of_commit
from r2d_action.process import Completed
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
    compares as time does), and for which inputs; empty where they do not."""

    commit: str
    created: str
    asked: str

    @classmethod
    def of(cls, labels: Mapping[str, str]) -> Made:
        return cls(*(str(labels.get(name, "")) for name in (REVISION, CREATED, ASKED)))

    @property
    def time(self) -> datetime | None:
        with suppress(ValueError):
            return datetime.strptime(self.created, TIME)
        return None

    def is_rebuilt_in(self, other: Made) -> bool:
        """Other inputs of the same commit are those of another job of a matrix."""
        alike = self.commit == other.commit and self.asked == other.asked
        return bool(self.commit) and alike and self.created < other.created


@dataclass(frozen=True, slots=True)
class Order:
    """``refs`` are where the newest commit is found: a branch, or what there is of a pull request.
    ``commit`` is the one being published, ``created`` what counts as its time (as in
    :class:`Made`) where git cannot tell; ``was_tip`` says whether it was the branch's last one
    when the run was started, ``is_stray`` that it may be of any branch. ``logged_in`` is asked
    where ``git`` is not let in."""

    git: Git
    refs: tuple[str, ...]
    commit: str
    client: Client
    repository: Repository
    created: str
    was_tip: bool = False
    is_stray: bool = False
    logged_in: Git | None = None

    @property
    def knows_all_between(self) -> bool:
        """Not in a pull request: of what it was between two states, nothing is kept."""
        return all(ref.startswith(BRANCHES) for ref in self.refs)

    def newest_published(self, commits: Sequence[str]) -> Tag | None:
        """The tag of the first of ``commits`` whose image is published. Raises what the
        registry's client raises."""
        for commit in commits[:LOOK_BACK]:
            tag = tag_of_commit(commit)
            if self.client.digest(self.repository, str(tag)):
                return tag
        return None

    def commits_after_ours(self) -> tuple[str, ...]:
        """Newest first; of a pull request, what it is now. Raises :class:`Unknown`."""
        tips = self._tips()
        if self.commit in tips:
            return ()
        if not self.knows_all_between:
            return tips
        [tip] = tips
        try:
            # Into the store of objects and nowhere else: no ref of the checkout moves.
            self._ask(
                "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--refmap=", REMOTE, tip
            )  # fmt: skip
            listed = self.git.run("rev-list", tip, *self._no_newer(tip))
        except NO_ANSWER as error:
            raise Unknown from error
        return listed.lines

    def _tips(self) -> tuple[str, ...]:
        tips = self._listed(*self.refs) if self.refs and self.commit else ()
        if not tips:
            raise Unknown
        return tips

    def _listed(self, *refs: str) -> tuple[str, ...]:
        """The commits that ``refs`` name at the remote; none where it does not answer."""
        try:
            answer = self._ask("ls-remote", REMOTE, *refs)
        except NO_ANSWER:
            return ()
        return tuple(line.split()[0] for line in answer.lines)

    def _ask(self, *arguments: str) -> Completed:
        """Of the remote. A checkout that keeps no login is enough for a public repository alone."""
        answer = self.git.attempt(*arguments)
        if answer.returncode and self.logged_in:
            answer = self.logged_in.attempt(*arguments)
        return answer.require_success()

    def _no_newer(self, tip: str) -> tuple[str, ...]:
        """What tells git of the commits at ``tip`` that do not come after ours. Raises
        :class:`Unknown`."""
        ancestor = self.git.attempt("merge-base", "--is-ancestor", self.commit, tip).returncode
        if ancestor == 0:
            # Nor do those that a merge brought along: in a shallow checkout, which does not know
            # what ours came after, that would be the whole history.
            return "--ancestry-path", f"^{self.commit}"
        if self.is_stray:
            raise Unknown
        # Where ours was pushed away by force, all that the branch has now is newer. A commit that
        # never was on the branch (of an earlier step, or of a git tag) is ahead of it.
        return () if self.was_tip and ancestor == 1 else (f"^{self.commit}",)

    def has_moved(self, git_tag: str) -> bool:
        """Whether the git tag names another commit than ours by now; no, where nobody knows."""
        name = f"refs/tags/{git_tag}"
        # An annotated tag is not the commit itself.
        found = self._listed(f"{name}^{{}}") or self._listed(name)
        return bool(found) and found[0] != self.commit
