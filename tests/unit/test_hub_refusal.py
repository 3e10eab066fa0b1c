from __future__ import annotations

from typing import Any

import pytest
from github import GithubException

from r2d_action.errors import HubFailed
from r2d_action.hub.refusal import GithubRefusal, Stale, Task, Unseen, explained, temporary

TASK = Task("org/hub", "commit the change", "Contents: write")
NOW = 1_700_000_000.0


def refused(status: int, message: str = "", kind: str = "", **headers: str) -> GithubRefusal:
    data: dict[str, Any] = {"message": message}
    if kind:
        data = {"data": None, "errors": [{"type": kind, "message": message}]}
    return GithubRefusal.of(
        GithubException(status, data, {k.replace("_", "-"): v for k, v in headers.items()})
    )


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (refused(401, "Bad credentials"), "make a new one"),
        (refused(403, "Resource protected by organization SAML enforcement."), "Configure SSO"),
        (refused(403, "Repository was archived so is read-only."), "HUB_REPO"),
        (
            refused(403, "GitHub Actions is not permitted to create or approve pull requests."),
            "Settings → Actions → General",
        ),
        (refused(400, "Repository rule violations found\n\nNo.", "UNPROCESSABLE"), "(… No)"),
        (refused(403, "Resource not accessible by integration"), "“Contents: write”"),
        (refused(400, "Resource not accessible by integration", "FORBIDDEN"), "“Contents: write”"),
        (refused(400, "Your token has not been granted", "INSUFFICIENT_SCOPES"), "“Contents: w"),
        (refused(404, "Not Found"), "may not see it"),
        (refused(404, "Could not resolve to a Repository", "NOT_FOUND"), "may not see it"),
        (refused(422, "Validation Failed"), "refused to commit the change in org/hub: Validation"),
    ],
)
def test_each_refusal_is_one_sentence_with_a_remedy(answer: GithubRefusal, words: str) -> None:
    error = explained(answer, TASK)
    assert isinstance(error, HubFailed)
    assert words.replace("(… No)", "Repository rule violations found No") in error.what
    assert "\n" not in error.what


def test_what_is_not_there_is_told_apart() -> None:
    assert isinstance(explained(refused(404), TASK), Unseen)


def test_in_a_race_a_refusal_without_another_reason_means_that_somebody_was_quicker() -> None:
    racing = Task("org/hub", "commit the change", "Contents: write", races=True)
    assert isinstance(explained(refused(400, "Expected branch", "STALE_DATA"), racing), Stale)
    assert isinstance(explained(refused(403, "No"), racing), HubFailed)


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (refused(403, "You have exceeded a secondary rate limit", retry_after="30"), 30.0),
        (refused(429, "Too many requests"), 60.0),
        (refused(403, "You have exceeded a secondary rate limit"), 60.0),
        (refused(200, "limited", "RATE_LIMITED"), 60.0),
        (
            refused(
                403, "API rate limit exceeded",
                x_ratelimit_remaining="0", x_ratelimit_reset=str(int(NOW) + 90),
            ),
            90.0,
        ),
        (refused(502, "Bad gateway"), None),
    ],
)  # fmt: skip
def test_what_is_temporary_is_waited_for(answer: GithubRefusal, wait: float | None) -> None:
    again = temporary(answer, NOW, longest_wait=120.0)
    assert again is not None
    assert again.retry_after == wait


@pytest.mark.parametrize("answer", [refused(403, "No"), refused(404), refused(422), refused(401)])
def test_the_rest_is_not_tried_again(answer: GithubRefusal) -> None:
    assert temporary(answer, NOW, longest_wait=120.0) is None


def test_a_long_wait_is_refused() -> None:
    with pytest.raises(HubFailed, match="for 10 minutes"):
        temporary(refused(403, "rate limit", retry_after="600"), NOW, longest_wait=300.0)


def test_an_answer_that_is_no_json_is_no_bug() -> None:
    error = explained(GithubRefusal.of(GithubException(422, "<html>", {})), TASK)
    assert isinstance(error, HubFailed)
    assert error.what.endswith("status 422.")
