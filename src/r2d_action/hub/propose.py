"""One rolling pull request per image and target: opened, updated, closed, or left alone.

The run looks, decides (:mod:`r2d_action.hub.rolling`) and acts, and looks again when somebody
was quicker: every write names the commit that it expects to find.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from github.PullRequest import PullRequest

from r2d_action.errors import HubFailed
from r2d_action.hub.description import Facts, body, closed_body, commit_message, title
from r2d_action.hub.github import (
    NAMES,
    PULL_REQUESTS,
    WRITE,
    Choose,
    HubRepository,
    blob_id,
)
from r2d_action.hub.refusal import Stale, Task
from r2d_action.hub.rolling import (
    Branch,
    Close,
    Describe,
    Leave,
    Open,
    Standing,
    Step,
    Update,
    Wish,
    next_step,
    nothing_to_do,
)
from r2d_action.hub.target import Source, Target
from r2d_action.hub.values import Edited, FileEdit, NewImage, Proposal, Refusal

# Somebody would have to be quicker every time.
LOOKS = 4

Edit = Callable[[Mapping[str, bytes]], Edited]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be proposed, and why. ``going_back`` asks for an older image on purpose."""

    image: NewImage
    target: Target
    source: Source = field(default_factory=Source)
    facts: Facts = field(default_factory=Facts)
    going_back: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """What a new pull request gets; a reviewer is a login, or a team as ``org/team``."""

    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    auto_merge: bool = False


def propose(
    wanted: Wanted,
    hub: HubRepository,
    edit: Edit,
    choose: Choose,
    extras: Extras,
) -> Proposal:
    """Raises :class:`HubFailed` for refusals of GitHub's and of ``edit``, and what ``choose``
    raises."""
    said = ""
    for _ in range(LOOKS):
        try:
            return _proposed(wanted, hub, edit, choose, extras)
        except Stale as stale:
            said = str(stale)
    raise HubFailed(
        f"{hub.name} was changed by somebody else each of the {LOOKS} times that this run wanted "
        f"to propose its change ({said}); run this job again."
    )


def _proposed(
    wanted: Wanted,
    hub: HubRepository,
    edit: Edit,
    choose: Choose,
    extras: Extras,
) -> Proposal:
    edited = edit(hub.files(wanted.target.branch, choose))
    if edited.refusals:
        raise _refused(edited.refusals)
    edits = edited.changed
    names = _names(wanted.target.proposal_branch(wanted.image.repository))
    standing = hub.look(wanted.target, names, [one.path for one in edits])
    _require_same(standing, edits)
    wish = Wish(
        image=wanted.image,
        source=wanted.source,
        edits=edits,
        is_named=edited.names_image,
        going_back=wanted.going_back,
    )
    return _Action(hub, standing, wish, wanted.facts, extras).take(next_step(standing, wish))


def _refused(refusals: Sequence[Refusal]) -> HubFailed:
    lines = [
        f"  {one.selector or '(no selector)'}   ({one.path} has {one.old})"
        for refusal in refusals
        for one in refusal.candidates
    ]
    return HubFailed(
        " ".join([*(refusal.what for refusal in refusals), "Nothing was proposed."]),
        remedy="\n".join(("Put the places that are meant into HUB_SELECT:", *lines))
        if lines
        else "",
    )


def _names(first: str) -> tuple[str, ...]:
    return (first, *(f"{first}-{n}" for n in range(2, NAMES + 1)))


def _require_same(standing: Standing, edits: Sequence[FileEdit]) -> None:
    """An archive is made for a work tree: attributes of git may have changed what is in it, and
    the branch may have moved since."""
    for edit in edits:
        if standing.blobs[edit.path] != blob_id(edit.before):
            raise Stale(
                f"{edit.path} is not what the archive of the repository said; a .gitattributes "
                "that rewrites this file has the same effect"
            )


@dataclass(frozen=True, slots=True)
class _Action:
    hub: HubRepository
    standing: Standing
    wish: Wish
    facts: Facts
    extras: Extras

    def take(self, step: Step) -> Proposal:
        match step:
            case Leave():
                return self._leave(step)
            case Close():
                return self._close(step)
            case Describe():
                return self._describe(step)
            case Update():
                return self._update(step)
            case Open():
                return self._open(step)

    def _leave(self, step: Leave) -> Proposal:
        pull = step.pull
        return Proposal(
            status=step.status,
            note=step.why,
            url=pull.url if pull else "",
            number=pull.number if pull else None,
        )

    def _close(self, step: Close) -> Proposal:
        why = nothing_to_do(self.wish)
        self.hub.close(step.pull, closed_body(step.pull.body, why))
        self.hub.delete(self.standing, step.branch)
        return Proposal(
            status="closed",
            note=f"{step.pull.url} was closed: {why}",
            url=step.pull.url,
            number=step.pull.number,
            branch=step.branch.name,
        )

    def _describe(self, step: Describe) -> Proposal:
        self.hub.describe(step.pull, title(self.wish), body(self.wish, self.facts))
        return self._done("updated", step.pull.url, step.pull.number, step.branch.name)

    def _update(self, step: Update) -> Proposal:
        commit = self._put_on(step.branch)
        self.hub.describe(step.pull, title(self.wish), body(self.wish, self.facts))
        return self._done("updated", step.pull.url, step.pull.number, step.branch.name, commit)

    def _open(self, step: Open) -> Proposal:
        branch, left = step.branch, step.left_alone
        commit = self._put_on(branch)
        text = body(self.wish, self.facts, left.number if left else None)
        pull = self.hub.open_pull(self.standing.base, branch.name, title(self.wish), text)
        done = self._done("opened", pull.html_url, pull.number, branch.name, commit)
        notes = [*done.notes, *self._decorated(pull)]
        if left:
            notes.append(
                f"{left.url} carries commits by others, so it was left as it is and a fresh pull "
                "request was opened."
            )
        return dataclasses.replace(done, notes=tuple(notes))

    def _put_on(self, branch: Branch) -> str:
        """The branch as the edits on top of the base, in one commit; its id.

        GitHub closes a pull request whose branch is, for a moment, the base. A branch that is
        there may have one, since we looked: so its commit is made beside it and put in its
        place at once.
        """
        standing = self.standing
        if branch.mark and branch.mark.change == self.wish.mark.change:
            return branch.head
        if not branch.head:
            return self._commit(branch.name, branch.head)
        commit = self._commit(standing.draft, standing.draft_head)
        self.hub.move(standing, branch.name, branch.head, commit)
        return commit

    def _commit(self, branch: str, head: str) -> str:
        message = commit_message(self.wish)
        return self.hub.commit(self.standing, branch, head, message, self.wish.edits)

    def _decorated(self, pull: PullRequest) -> Iterator[str]:
        """What could not be had: the pull request is there, so nothing of this is a failure."""
        extras = self.extras
        people = [one for one in extras.reviewers if "/" not in one]
        teams = [one.rpartition("/")[2] for one in extras.reviewers if "/" in one]
        if extras.labels:
            yield from self._try(
                "add the labels", PULL_REQUESTS, lambda: self.hub.label(pull, extras.labels)
            )
        if extras.reviewers:
            yield from self._try(
                "ask for reviews",
                PULL_REQUESTS,
                lambda: pull.create_review_request(people, teams),
            )
        if extras.auto_merge:
            method = self.standing.merge_method
            yield from self._try(
                "switch on auto-merge", WRITE, lambda: pull.enable_automerge(method)
            )

    def _try(self, doing: str, permission: str, action: Callable[[], object]) -> Iterator[str]:
        try:
            self.hub.ask(Task(self.hub.name, doing, permission), action)
        except HubFailed as refusal:
            yield refusal.what

    def _done(self, status: str, url: str, number: int, branch: str, commit: str = "") -> Proposal:
        return Proposal(
            status=status,
            note=f"{title(self.wish)}: {url}",
            url=url,
            number=number,
            branch=branch,
            commit=commit,
            changes=tuple(change for edit in self.wish.edits for change in edit.changes),
            notes=tuple(f"{edit.path}, {note}" for edit in self.wish.edits for note in edit.notes),
        )
