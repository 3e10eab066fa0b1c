"""BINDER_CACHE: a commit of ``binder/Dockerfile``, which lets Binder pull the pushed image.

Commits are put together beside the work tree, in an index of their own, and pushed
without force: what else is staged or changed, and the configuration of the checkout,
play no part in it, and a shallow clone is enough.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from r2d_action.binder.destination import Destination, fetch, push
from r2d_action.binder.folder import DOCKERFILE, write_dockerfile
from r2d_action.binder.refusal import PushRefused, Refusal
from r2d_action.errors import BinderFailed
from r2d_action.git import Git
from r2d_action.process import CommandFailed
from r2d_action.reference import Reference
from r2d_action.retry import Retry

# The account that GitHub shows for the commits of a workflow.
# https://github.com/actions/checkout#push-a-commit-using-the-built-in-token
BOT_NAME = "github-actions[bot]"
BOT_EMAIL = "41898282+github-actions[bot]@users.noreply.github.com"


@dataclass(frozen=True, slots=True)
class CacheCommit:
    reference: Reference
    message: str
    destination: Destination


class CacheOutcome(str, Enum):
    PUSHED = "pushed"
    UNCHANGED = "unchanged"
    # Committed in the checkout alone: as the destination says, or because what the branch
    # holds by now must not be replaced.
    KEPT = "kept"
    OVERTAKEN = "overtaken"


@dataclass(frozen=True, slots=True)
class CacheResult:
    """``commit`` is the one on the branch when pushed, else the one in the checkout."""

    outcome: CacheOutcome
    commit: str
    note: str


@dataclass(frozen=True, slots=True)
class _Made:
    """The commit in the checkout; ``before`` and ``blob`` are the file's blobs round it."""

    base: str
    before: str
    blob: str
    commit: str


def commit_cache(git: Git, wanted: CacheCommit, *, retry: Retry) -> CacheResult:
    """Commit the file that names the image, and push it to its destination.

    Where the branch has moved on, the same change is made on top of it. A
    ``binder/Dockerfile`` that somebody else put there meanwhile stays.

    Raises :class:`BinderFailed`.
    """
    with _as_binder_failure():
        made = _commit_in_checkout(git, wanted)
        if made.commit == made.base:
            note = f"{DOCKERFILE} already names {wanted.reference}."
            return CacheResult(CacheOutcome.UNCHANGED, made.base, note)
        if not wanted.destination.branch:
            note = f"{DOCKERFILE} is committed but not pushed: {wanted.destination.reason}."
            return CacheResult(CacheOutcome.KEPT, made.commit, note)
        return _publish(git, wanted, made, retry)


def _commit_in_checkout(git: Git, wanted: CacheCommit) -> _Made:
    base = git.head
    write_dockerfile(git.directory, wanted.reference)
    blob = git.run("hash-object", "-w", "--no-filters", DOCKERFILE).text
    before = _blob_at(git, base)
    if before == blob:
        return _Made(base, before, blob, base)
    commit = _commit_onto(git, base, blob, wanted.message)
    git.run("update-ref", "-m", "binder cache", "HEAD", commit, base)
    git.run("update-index", "--add", "--cacheinfo", f"100644,{blob},{DOCKERFILE}")
    return _Made(base, before, blob, commit)


def _commit_onto(git: Git, parent: str, blob: str, message: str) -> str:
    """A commit on ``parent`` that differs in the one file, whatever the checkout holds."""
    with tempfile.TemporaryDirectory() as folder:
        own = {
            "GIT_AUTHOR_NAME": BOT_NAME,
            "GIT_AUTHOR_EMAIL": BOT_EMAIL,
            "GIT_COMMITTER_NAME": BOT_NAME,
            "GIT_COMMITTER_EMAIL": BOT_EMAIL,
            "GIT_INDEX_FILE": str(Path(folder) / "index"),
        }
        aside = replace(git, env={**git.env, **own})
        aside.run("read-tree", parent)
        aside.run("update-index", "--add", "--cacheinfo", f"100644,{blob},{DOCKERFILE}")
        # Checked, each file that a partial clone left out would be downloaded.
        tree = aside.run("write-tree", "--missing-ok").text
        return aside.run("commit-tree", tree, "-p", parent, "-m", message).text


def _publish(git: Git, wanted: CacheCommit, made: _Made, retry: Retry) -> CacheResult:
    branch = wanted.destination.branch
    try:
        return retry(f"Push to {branch}", lambda: _publish_once(git, wanted, made))
    except PushRefused as refused:
        if refused.refusal is Refusal.BRANCH_GONE:
            return _overtaken(made, branch, refused.refusal.value)
        raise refused.explained(branch) from None


def _publish_once(git: Git, wanted: CacheCommit, made: _Made) -> CacheResult:
    branch = wanted.destination.branch
    tip = fetch(git, branch)
    there = _blob_at(git, tip)
    if there == made.blob:
        note = f"{DOCKERFILE} on {branch} already names {wanted.reference}."
        return CacheResult(CacheOutcome.UNCHANGED, tip, note)
    commit = made.commit
    if git.attempt("merge-base", "--is-ancestor", tip, made.base).returncode != 0:
        if there != made.before:
            return _overtaken(made, branch, "it was changed there while this run was building")
        _require_nothing_left_behind(git, tip, made.base, branch)
        commit = _commit_onto(git, tip, made.blob, wanted.message)
    push(git, commit, branch)
    note = f"{DOCKERFILE} on {branch} names {wanted.reference} since commit {commit[:12]}."
    return CacheResult(CacheOutcome.PUSHED, commit, note)


def _overtaken(made: _Made, branch: str, reason: str) -> CacheResult:
    note = f"{DOCKERFILE} was not pushed to {branch}: {reason}."
    return CacheResult(CacheOutcome.OVERTAKEN, made.commit, note)


def _require_nothing_left_behind(git: Git, tip: str, base: str, branch: str) -> None:
    """Commits of the checkout that the branch lacks would be missing from our push, unseen."""
    span = f"{tip}...{base}"
    only_here = git.run("rev-list", "--cherry-pick", "--right-only", "--no-merges", span).lines
    if only_here:
        raise BinderFailed(
            f"{DOCKERFILE} was not pushed: `{branch}` has changed on the server, and this "
            f"checkout holds commits that are not on it (the newest is {only_here[0][:12]}); "
            "run the workflow on the newest commit of the branch, or push those commits first."
        )


def _blob_at(git: Git, commit: str) -> str:
    """Empty when the commit has no such file."""
    return git.line("rev-parse", "--verify", "--quiet", f"{commit}:{DOCKERFILE}")


@contextmanager
def _as_binder_failure() -> Iterator[None]:
    try:
        yield
    except CommandFailed as failure:
        raise BinderFailed(
            f"{DOCKERFILE} could not be committed: {failure}; mend what git says, and run the job "
            "again.",
            remedy=failure.completed.stderr.strip(),
        ) from failure
    except subprocess.TimeoutExpired as expired:
        raise BinderFailed(
            f"{DOCKERFILE} could not be committed: git gave no answer within "
            f"{expired.timeout:.0f} seconds; run the job again."
        ) from expired
    except FileNotFoundError as missing:
        raise BinderFailed(
            f"{DOCKERFILE} could not be committed, because there is no git here; install git."
        ) from missing
    except OSError as error:
        raise BinderFailed(
            f"{DOCKERFILE} could not be committed: {error}; see that no other step of the job "
            "changes or takes away what is in the checkout."
        ) from error
