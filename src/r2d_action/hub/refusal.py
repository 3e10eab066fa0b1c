"""What GitHub's refusals mean for the person who set up the run. Pure.

https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from github import GithubException

from r2d_action.errors import HubFailed
from r2d_action.retry import Temporary

PERMISSIONS_HELP = (
    "https://docs.github.com/rest/authentication/permissions-required-for-github-apps"
)
RATE_HELP = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api"
SERVER_ERRORS = range(500, 600)
# What GitHub asks for where it names no time.
UNTOLD_WAIT = 60.0


class Unseen(HubFailed):
    """There is no such thing, or the token may not see it: GitHub does not say which."""


class Stale(Exception):
    """Somebody changed the hub repository since we looked: look again."""


@dataclass(frozen=True, slots=True)
class Task:
    """``doing`` goes after "could not"; ``permission`` is the one that it needs. Where a task
    ``races`` with other runs, a refusal for no other reason means that one was quicker."""

    repository: str
    doing: str
    permission: str
    races: bool = False


@dataclass(frozen=True, slots=True)
class GithubRefusal:
    """``words`` is all that GitHub said, ``kinds`` the GraphQL types of its errors."""

    status: int
    words: str
    kinds: frozenset[str]
    headers: Mapping[str, str]

    @classmethod
    def of(cls, error: GithubException) -> GithubRefusal:
        data: Mapping[str, Any] = error.data if isinstance(error.data, dict) else {}
        errors = [one for one in data.get("errors") or () if isinstance(one, dict)]
        headers = {str(k).lower(): str(v) for k, v in (error.headers or {}).items()}
        return cls(
            status=error.status,
            words=" ".join(_words(data)),
            kinds=frozenset(str(one.get("type", "")) for one in errors),
            headers=headers,
        )

    def says(self, *parts: str) -> bool:
        return any(part in self.words.lower() for part in parts)

    @property
    def is_rate_limit(self) -> bool:
        limited = self.status in {HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS}
        return (
            self.status == HTTPStatus.TOO_MANY_REQUESTS
            or "RATE_LIMITED" in self.kinds
            or (limited and ("retry-after" in self.headers or self.says("rate limit")))
        )

    def wait(self, now: float) -> float | None:
        """Seconds to wait before another try, None where another try is no use.

        ``now`` is in seconds since 1970.
        """
        if not self.is_rate_limit:
            return 0.0 if self.status in SERVER_ERRORS else None
        asked = self.headers.get("retry-after", "")
        if asked.isdigit():
            return float(asked)
        reset = self.headers.get("x-ratelimit-reset", "")
        if self.headers.get("x-ratelimit-remaining") == "0" and reset.isdigit():
            return max(float(reset) - now, 0.0)
        return UNTOLD_WAIT


def _words(data: Mapping[str, Any]) -> Iterator[str]:
    yield str(data.get("message") or "")
    errors = data.get("errors") or ()
    for one in errors if isinstance(errors, list) else ():
        yield str(one.get("message") or "") if isinstance(one, dict) else str(one)


def temporary(refusal: GithubRefusal, now: float, longest_wait: float) -> Temporary | None:
    """Raises :class:`HubFailed` for a wait that is longer than anybody wants to pay for."""
    wait = refusal.wait(now)
    if wait is None:
        return None
    if wait > longest_wait:
        raise HubFailed(
            f"GitHub takes no more requests from this token for {wait / 60:.0f} minutes; run "
            "this job again after that.",
            link=RATE_HELP,
        )
    reason = "GitHub asks for a pause" if refusal.is_rate_limit else "GitHub has a fault"
    return Temporary(f"{reason} ({refusal.status})", wait if refusal.is_rate_limit else None)


def explained(refusal: GithubRefusal, task: Task) -> HubFailed | Stale:
    """The sentence for the first reason that fits."""
    said = (" ".join(refusal.words.split()) or f"status {refusal.status}").rstrip(".")
    for reason in _REASONS:
        if reason.applies(refusal):
            return reason.kind(
                reason.sentence.format(
                    repository=task.repository,
                    doing=task.doing,
                    permission=task.permission,
                    said=said,
                ),
                link=reason.link,
            )
    if task.races:
        return Stale(said)
    return HubFailed(f"GitHub refused to {task.doing} in {task.repository}: {said}.")


def _status(*statuses: int) -> Callable[[GithubRefusal], bool]:
    return lambda refusal: refusal.status in statuses


def _says(*parts: str) -> Callable[[GithubRefusal], bool]:
    return lambda refusal: refusal.says(*parts)


def _forbidden(refusal: GithubRefusal) -> bool:
    return refusal.status == HTTPStatus.FORBIDDEN or bool(
        refusal.kinds & {"FORBIDDEN", "INSUFFICIENT_SCOPES"}
    )


def _unseen(refusal: GithubRefusal) -> bool:
    return refusal.status == HTTPStatus.NOT_FOUND or "NOT_FOUND" in refusal.kinds


@dataclass(frozen=True, slots=True)
class _Reason:
    """``sentence`` may name a task's fields, and ``{said}``, which is what GitHub said."""

    applies: Callable[[GithubRefusal], bool]
    sentence: str
    link: str = ""
    kind: type[HubFailed] = HubFailed


_REASONS = (
    _Reason(
        _status(401),
        "GitHub does not accept the token for {repository}: it has expired, was revoked, or is "
        "not complete; make a new one and store it as the secret behind HUB_TOKEN.",
        "https://docs.github.com/authentication/keeping-your-account-and-data-secure/"
        "managing-your-personal-access-tokens",
    ),
    _Reason(
        _says("saml"),
        "The organization of {repository} wants single sign-on, and the token in HUB_TOKEN is "
        "not authorized for it; open GitHub's list of your tokens and press “Configure SSO” "
        "beside this one.",
        "https://docs.github.com/authentication/authenticating-with-single-sign-on/"
        "authorizing-a-personal-access-token-for-use-with-single-sign-on",
    ),
    _Reason(
        _says("archived"),
        "{repository} is archived, so nobody can change it; name the repository that the hub is "
        "configured from today in HUB_REPO.",
    ),
    _Reason(
        _says("not permitted to create or approve pull requests"),
        "The settings of {repository} do not let workflows open pull requests; allow it under "
        "Settings → Actions → General → Workflow permissions, or use a GitHub App "
        "(HUB_APP_ID, HUB_APP_PRIVATE_KEY).",
        "https://docs.github.com/repositories/managing-your-repositorys-settings-and-features/"
        "enabling-features-for-your-repository/managing-github-actions-settings-for-a-repository",
    ),
    _Reason(
        _says("rule violations", "protected branch", "protected ref"),
        "A rule of {repository} forbids what is needed to {doing} ({said}); exempt branches named "
        "r2d-action/** from it, or the token's account, under Settings → Rules.",
        "https://docs.github.com/repositories/configuring-branches-and-merges-in-your-repository/"
        "managing-rulesets",
    ),
    _Reason(
        _forbidden,
        "The token may not {doing} in {repository} ({said}); give it the permission "
        "“{permission}” for this repository: for a fine-grained token in its settings under "
        "Developer settings, for a GitHub App under Permissions & events, where an owner has to "
        "accept the change.",
        PERMISSIONS_HELP,
    ),
    _Reason(
        _unseen,
        "GitHub knows no repository {repository}, or the token in HUB_TOKEN may not see it; check "
        "HUB_REPO, and that the token or the App was given this repository.",
        PERMISSIONS_HELP,
        Unseen,
    ),
)
