"""The branch that gets the cache commit, and whether this job may push to it."""

from __future__ import annotations

import contextlib
import subprocess
from dataclasses import dataclass, replace

from r2d_action.binder.folder import DOCKERFILE
from r2d_action.binder.refusal import PushRefused, Refusal, require_accepted
from r2d_action.event import Event
from r2d_action.git import BRANCHES, Git

REMOTE = "origin"


@dataclass(frozen=True, slots=True)
class Destination:
    """A branch, or the ``reason`` why there is none."""

    branch: str = ""
    reason: str = ""


def find_destination(git: Git, event: Event, *, no_git_push: bool) -> Destination:
    """The branch that is checked out; where none is, the event's, if its commit is."""
    if no_git_push:
        return Destination(reason="NO_GIT_PUSH is true")
    if branch := git.branch:
        return Destination(branch)
    if event.is_pull_request:
        return Destination(
            reason="the checkout of a pull request is a trial merge, which is on no branch (for a "
            "commit on the pull request's own branch, give actions/checkout the line "
            "`ref: ${{ github.head_ref }}`)"
        )
    if event.git_tag:
        return Destination(reason=f"this run is for the tag {event.git_tag}, which is no branch")
    if event.branch and _is_checkout_of(git, event.sha):
        return Destination(event.branch)
    return Destination(reason="the checkout is on no branch")


def require_push(git: Git, destination: Destination) -> None:
    """Ask the server, before a long build, whether this job may push at all.

    What else may stand in the way now need not do so at the time of the real push.
    Raises :class:`~r2d_action.errors.BinderFailed`.
    """
    if not destination.branch:
        return
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            push(git, "HEAD", destination.branch, "--dry-run")
    except PushRefused as refused:
        if refused.refusal in {Refusal.NO_CREDENTIAL, Refusal.NO_PERMISSION}:
            raise refused.explained(destination.branch) from None


def push(git: Git, commit: str, branch: str, *options: str) -> None:
    """Never by force. Raises :class:`PushRefused`."""
    refspec = f"{commit}:{BRANCHES}{branch}"
    require_accepted(_in_english(git).attempt("push", "--porcelain", *options, REMOTE, refspec))


def fetch(git: Git, branch: str) -> str:
    """The newest commit of the branch, brought here. Raises :class:`PushRefused`."""
    options = ("--quiet", "--no-tags", "--no-recurse-submodules")
    require_accepted(_in_english(git).attempt("fetch", *options, REMOTE, f"{BRANCHES}{branch}"))
    return git.run("rev-parse", "--verify", "FETCH_HEAD^{commit}").text


def _in_english(git: Git) -> Git:
    return replace(git, env={**git.env, "LC_ALL": "C"})


def _is_checkout_of(git: Git, commit: str) -> bool:
    """Cache commits of earlier steps may lie on top, and nothing else."""
    but_ours = (".", f":(exclude){DOCKERFILE}")
    return git.attempt("diff", "--quiet", commit, "HEAD", "--", *but_ours).returncode == 0
