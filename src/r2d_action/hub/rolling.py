"""What becomes of the one pull request of an image and a target. Pure.

All that has to be remembered between two runs is in the message of the proposal's commit:
whoever moves the branch moves it along, and no text that people edit is needed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from r2d_action.errors import HubFailed
from r2d_action.hub.target import Source, as_commit
from r2d_action.hub.values import FileEdit, NewImage

OPEN, CLOSED, MERGED = "OPEN", "CLOSED", "MERGED"
# In the text of a pull request that we closed: whoever else closes one has declined it.
CLOSED_BY_US = "<!-- r2d-action: closed, nothing left to do -->"
# The committer of everything that is made on GitHub's own pages, or as if it were.
GITHUB_COMMITTER = "noreply@"
_TRAILER = re.compile(r"^([A-Z][A-Za-z-]+): (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What a commit of ours says about itself. ``image`` is the tag (or ``tag@digest``) that it
    writes, ``change`` the digest of what it makes of the files; ``commit`` and ``created`` are
    those of the image's source."""

    image: str
    change: str
    commit: str
    created: str = ""

    def trailers(self) -> Iterator[tuple[str, str]]:
        yield "Hub-Image", self.image
        yield "Hub-Change", self.change
        yield "Source-Revision", self.commit or "unknown"
        if self.created:
            yield "Image-Created", self.created

    @classmethod
    def parse(cls, message: str) -> Mark | None:
        """None for the message of a commit that is not ours."""
        found = dict(_TRAILER.findall(message.replace("\r\n", "\n")))
        image, change = found.get("Hub-Image"), found.get("Hub-Change")
        if not image or not change:
            return None
        commit = found.get("Source-Revision", "")
        return cls(
            image=image,
            change=change,
            commit="" if commit == "unknown" else commit,
            created=found.get("Image-Created", ""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """``committer`` is an e-mail address, ``parents`` counts them."""

    message: str
    committer: str
    parents: int

    @property
    def is_ours(self) -> bool:
        """Whether nobody's work is lost with it: made by us and not amended since, or a merge
        of the base by the button on GitHub's page."""
        if not self.committer.startswith(GITHUB_COMMITTER):
            return False
        return self.parents > 1 or Mark.parse(self.message) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """``mark`` is that of its newest commit of ours, None where it has none."""

    number: int
    url: str
    state: str
    body: str
    mark: Mark | None

    @property
    def was_closed_by_us(self) -> bool:
        return self.state == CLOSED and CLOSED_BY_US in self.body


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A branch that a proposal may have. ``head`` is empty where there is none; ``commits``
    are those that the base has not, None where they cannot be told."""

    name: str
    head: str = ""
    commits: tuple[Commit, ...] | None = ()
    pulls: tuple[Pull, ...] = ()

    @property
    def has_work_of_others(self) -> bool:
        return self.commits is None or not all(commit.is_ours for commit in self.commits)

    @property
    def mark(self) -> Mark | None:
        """That of the newest commit of ours."""
        marks = (Mark.parse(commit.message) for commit in reversed(self.commits or ()))
        return next((mark for mark in marks if mark), None)

    @property
    def open_pull(self) -> Pull | None:
        return next((pull for pull in self.pulls if pull.state == OPEN), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The hub repository at one moment. ``base`` and ``base_head`` are the target's branch and
    its commit, ``blobs`` the files there that we mean to change, by path; ``draft_head`` is
    the commit of ``draft``, the branch on which a new commit is made, empty without one."""

    repository_id: str
    base: str
    base_head: str
    blobs: Mapping[str, str]
    merge_method: str
    branches: tuple[Branch, ...]
    draft: str
    draft_head: str = ""

    @property
    def newest_pull(self) -> Pull | None:
        pulls = [pull for branch in self.branches for pull in branch.pulls]
        return max(pulls, key=lambda pull: pull.number, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a run wants the hub to have. ``edits`` are those that change something, ``is_named``
    says whether the hub names the image at all; ``going_back`` that an older image is wanted
    on purpose."""

    image: NewImage
    source: Source
    edits: tuple[FileEdit, ...]
    is_named: bool = True
    going_back: bool = False

    @property
    def mark(self) -> Mark:
        digest = hashlib.sha256()
        for edit in sorted(self.edits, key=lambda edit: edit.path):
            content = hashlib.sha256(edit.after).hexdigest()
            digest.update(f"{content} {edit.path}\0".encode())
        return Mark(
            image=" ".join(sorted({change.new for edit in self.edits for change in edit.changes})),
            change=digest.hexdigest(),
            commit=self.source.commit,
            created=self.source.created,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """Nothing is to be done, for the reason that ``why`` tells in a sentence."""

    status: str
    why: str
    pull: Pull | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    pull: Pull
    branch: Branch


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """Commit to ``branch``, which no open pull request has, and open one. ``left_alone`` carries
    commits of others and is replaced by it."""

    branch: Branch
    left_alone: Pull | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Put another commit in the place of the one that ``pull`` has."""

    pull: Pull
    branch: Branch


@dataclass(frozen=True, slots=True, kw_only=True)
class Describe:
    """The commit is right, the words of the pull request are those of an earlier one."""

    pull: Pull
    branch: Branch


Step = Leave | Close | Open | Update | Describe


def next_step(standing: Standing, wish: Wish) -> Step:
    """Raises :class:`HubFailed` when others work on every branch that we might use."""
    if not wish.going_back and (leave := _overtaken(standing, wish)):
        return leave
    rolling = _rolling(standing)
    if not wish.edits:
        return _nothing_to_change(rolling, wish)
    if (kept := _kept_by_others(standing, wish)) is not None:
        return kept
    if rolling and rolling.open_pull:
        return _with_open_pull(rolling, rolling.open_pull, wish)
    if not wish.going_back and (leave := _declined(standing.newest_pull, wish)):
        return leave
    return Open(branch=_free(standing), left_alone=_taken_over(standing))


def _rolling(standing: Standing) -> Branch | None:
    """The branch with our open pull request."""
    branches = (one for one in standing.branches if not one.has_work_of_others)
    return next((one for one in branches if one.open_pull), None)


def _free(standing: Standing) -> Branch:
    for branch in standing.branches:
        if not branch.has_work_of_others:
            return branch
    names = ", ".join(branch.name for branch in standing.branches)
    raise HubFailed(
        f"Every branch that a proposal of this image may have carries commits by others "
        f"({names}), which are never overwritten; merge or delete one of these branches."
    )


def _taken_over(standing: Standing) -> Pull | None:
    branches = (one for one in standing.branches if one.has_work_of_others)
    return next((one.open_pull for one in branches if one.open_pull), None)


def _overtaken(standing: Standing, wish: Wish) -> Leave | None:
    open_pulls = [one.open_pull for one in standing.branches if one.open_pull]
    for pull in (standing.newest_pull, *open_pulls):
        if pull and pull.mark and wish.source.precedes(pull.mark.commit, pull.mark.created):
            return Leave(
                status="overtaken",
                pull=pull,
                why=f"{pull.url} is about a newer image ({pull.mark.image}) than this run's "
                f"({wish.image.tag}), so it stays as it is.",
            )
    for change in (change for edit in wish.edits for change in edit.changes):
        if (commit := as_commit(change.old)) and wish.source.precedes(commit):
            return Leave(
                status="overtaken",
                why=f"{change.path} names a newer image ({change.old}) than this run's "
                f"({wish.image.tag}), so the hub is left as it is.",
            )
    return None


def _nothing_to_change(rolling: Branch | None, wish: Wish) -> Step:
    if rolling and rolling.open_pull:
        return Close(pull=rolling.open_pull, branch=rolling)
    return Leave(status="current" if wish.is_named else "absent", why=nothing_to_do(wish))


def nothing_to_do(wish: Wish) -> str:
    if wish.is_named:
        return f"The hub already has {wish.image.tag}, so there is nothing to do."
    return (
        f"No file that was looked at names {wish.image.repository}; put it into the hub's "
        "configuration once by hand."
    )


def _kept_by_others(standing: Standing, wish: Wish) -> Leave | None:
    """A pull request that others work on is left to them while it proposes what we would."""
    pull = _taken_over(standing)
    branch = next((one for one in standing.branches if pull and one.open_pull == pull), None)
    if branch is None or branch.mark is None or branch.mark.change != wish.mark.change:
        return None
    return Leave(
        status="unchanged",
        pull=pull,
        why="The open pull request proposes this image already; others have added to it.",
    )


def _with_open_pull(branch: Branch, pull: Pull, wish: Wish) -> Step:
    if branch.mark is None or branch.mark.change != wish.mark.change:
        return Update(pull=pull, branch=branch)
    if written_for(wish) not in pull.body:
        return Describe(pull=pull, branch=branch)
    return Leave(
        status="unchanged", pull=pull, why="The open pull request proposes this image already."
    )


def _declined(pull: Pull | None, wish: Wish) -> Leave | None:
    """Who closes a proposal, or takes it back after the merge, is not asked the same again."""
    if pull is None or pull.mark is None or pull.mark.image != wish.mark.image:
        return None
    if pull.was_closed_by_us:
        return None
    if pull.state == MERGED:
        why = (
            f"{pull.url} brought this very image to the hub, and it was taken out again since, "
            "so it is not proposed a second time. The next image gets a new pull request."
        )
    else:
        why = (
            f"Somebody closed {pull.url}, which proposed this very image, so it is not proposed "
            "again; reopen that pull request if it is wanted after all. The next image gets a "
            "new one."
        )
    return Leave(status="declined", pull=pull, why=why)


def written_for(wish: Wish) -> str:
    """Unseen in the text of a pull request: which change it describes."""
    return f"<!-- r2d-action: {wish.mark.change} -->"
