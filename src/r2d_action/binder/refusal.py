"""Why git could not fetch or push, read from what git and GitHub say about it.

Both say it in English sentences only (git under ``LC_ALL=C``), and this is the one place
that knows them.
"""

from __future__ import annotations

import re
from enum import Enum

from r2d_action.errors import BinderFailed
from r2d_action.process import Completed
from r2d_action.retry import Temporary


class Refusal(Enum):
    PROTECTED = "the branch is protected"
    NO_PERMISSION = "the job may only read"
    NO_CREDENTIAL = "the job has no credential"
    BRANCH_GONE = "the branch is not there any more"
    MOVED_ON = "somebody else has pushed meanwhile"
    TEMPORARY = "the repository cannot be reached"
    OTHER = "git was refused"

    @property
    def may_pass(self) -> bool:
        return self in {Refusal.MOVED_ON, Refusal.TEMPORARY}


# The first match counts: a missing permission may also end in "the remote end hung up".
_SIGNS = {
    Refusal.PROTECTED: r"\bGH0(06|13)\b|protected branch hook declined|rule violations",
    Refusal.NO_PERMISSION: (
        r"Permission to \S+ denied|Write access to repository not granted|returned error: 403"
        r"|marked as read only|Resource not accessible"
    ),
    Refusal.NO_CREDENTIAL: (
        r"could not read (Username|Password)|Authentication failed|returned error: 401"
        r"|Permission denied \(publickey"
    ),
    Refusal.BRANCH_GONE: r"couldn't find remote ref",
    Refusal.MOVED_ON: (
        r"\((fetch first|non-fast-forward|cannot lock ref|incorrect old value"
        r"|failed to update ref)"
    ),
    Refusal.TEMPORARY: (
        r"returned error: (429|5\d\d)|Internal Server Error|Could not resolve host"
        r"|Connection (reset|refused|timed out)|Failed to connect|timed out|early EOF"
        r"|unexpected disconnect|hung up unexpectedly|Empty reply from server"
    ),
}

_PERMISSION_ADVICE = """\
Add this to the job in the workflow file and run it again:

    permissions:
      contents: write
"""
_CREDENTIAL_ADVICE = """\
Let the checkout step keep its credential (`persist-credentials: false` takes it away), and give
the job the right to push:

    permissions:
      contents: write
    steps:
      - uses: actions/checkout@v7
        with:
          persist-credentials: true
"""
_PROTECTED_ADVICE = """\
Let GitHub Actions push to this branch (repository settings, Rules or Branches), or give
`actions/checkout` the token of an account that may push, or set `NO_GIT_PUSH: true` and bring
the commit there yourself.
"""

_ADVICE = {
    Refusal.PROTECTED: (
        _PROTECTED_ADVICE,
        "https://docs.github.com/repositories/configuring-branches-and-merges-in-your-repository",
    ),
    Refusal.NO_PERMISSION: (
        _PERMISSION_ADVICE,
        "https://docs.github.com/actions/reference/workflow-syntax-for-github-actions#permissions",
    ),
    Refusal.NO_CREDENTIAL: (_CREDENTIAL_ADVICE, "https://github.com/actions/checkout#usage"),
    Refusal.MOVED_ON: ("Run the job again; nothing of anybody was overwritten.", ""),
    Refusal.TEMPORARY: ("Run the job again.", ""),
}


class PushRefused(Exception):
    """``git fetch`` or ``git push`` failed; ``said`` is what it said on both its streams."""

    def __init__(self, said: str, refusal: Refusal) -> None:
        super().__init__(said)
        self.said = said
        self.refusal = refusal

    def explained(self, branch: str) -> BinderFailed:
        advice, link = _ADVICE.get(self.refusal, ("", ""))
        return BinderFailed(
            f"binder/Dockerfile could not be pushed to `{branch}`: {self.refusal.value}.",
            remedy="\n".join(part for part in (advice, _quoted(self.said)) if part),
            link=link,
        )


class PushDelayed(PushRefused, Temporary):
    """The same push may succeed in a moment."""

    def __init__(self, said: str, refusal: Refusal) -> None:
        super().__init__(said, refusal)
        self.reason = refusal.value


def require_accepted(completed: Completed) -> None:
    """Raises :class:`PushRefused` for a ``git fetch`` or ``git push`` that failed."""
    if completed.returncode != 0:
        said = f"{completed.text}\n{completed.stderr}"
        refusal = read_refusal(said)
        raise PushDelayed(said, refusal) if refusal.may_pass else PushRefused(said, refusal)


def read_refusal(said: str) -> Refusal:
    for refusal, pattern in _SIGNS.items():
        if re.search(pattern, said):
            return refusal
    return Refusal.OTHER


def _quoted(said: str) -> str:
    lines = (line.strip() for line in said.splitlines() if not line.startswith("hint:"))
    return "\n".join(["git said:", *(f"    {line}" for line in lines if line)])
