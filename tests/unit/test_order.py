"""Where a run looks for what is newer than itself."""

from __future__ import annotations

import base64
import io
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from r2d_action.context import Context
from r2d_action.event import Event
from r2d_action.git import TIMEOUT_SECONDS
from r2d_action.inputs import Inputs
from r2d_action.order import Order
from r2d_action.plan import make_plan
from r2d_action.runner import Runner
from r2d_action.stages.clients import nobody, order_of
from r2d_action.stages.site import Site

NOW = datetime(2026, 8, 3, tzinfo=timezone.utc)
COMMIT = "a" * 40
TOKEN = "ghs_of-this-job-alone"


def order(
    token: str = "",
    env: dict[str, str] | None = None,
    *,
    runner: Runner | None = None,
    **event: Any,
) -> Order:
    inputs = Inputs(docker_registry="quay.io", image_name="org/image", github_token=token)
    site = Site(
        inputs=inputs,
        event=Event(workspace=Path("/checkout"), default_branch="main", sha=COMMIT, **event),
        env=env or {},
        temporary=Path("/temporary"),
        runner=runner or Runner(),
        now=NOW,
    )
    context = Context(Path("/checkout"), ("Dockerfile",), (), ())
    plan = make_plan(
        inputs, site.event, context, appendix="", commit=COMMIT, now=NOW, publishing=True
    )
    return order_of(plan, nobody(plan.repository.registry, site), site)


@pytest.mark.parametrize(
    ("event", "refs", "was_tip"),
    [
        ({"name": "push", "ref": "refs/heads/course"}, ("refs/heads/course",), True),
        # An old commit may get a tag: what is on the default branch is newer.
        ({"name": "push", "ref": "refs/tags/v1"}, ("refs/heads/main",), False),
        (
            {"name": "pull_request", "ref": "refs/pull/5/merge", "pull_request": 5},
            ("refs/pull/5/merge", "refs/pull/5/head"),
            True,
        ),
        # This one runs for the branch that it would go to, and builds what it is told to.
        (
            {"name": "pull_request_target", "ref": "refs/heads/main", "pull_request": 5},
            ("refs/pull/5/merge", "refs/pull/5/head"),
            True,
        ),
        # What is built is the branch that the pull request went to.
        (
            {"name": "pull_request", "ref": "refs/heads/main", "is_merged": True},
            ("refs/heads/main",),
            True,
        ),
        ({}, (), True),
    ],
)
def test_where_the_newest_commit_is(
    event: dict[str, Any], refs: tuple[str, ...], was_tip: bool
) -> None:
    made = order(**event)
    assert (made.refs, made.was_tip) == (refs, was_tip)


def test_the_token_goes_to_the_server_of_the_job_and_to_no_other() -> None:
    kept = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "a.b", "GIT_CONFIG_VALUE_0": "c"}
    runner = Runner(stream=io.StringIO())
    made = order(TOKEN, kept, runner=runner, server_url="https://github.example.org/")
    assert made.logged_in
    shown = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
    assert made.logged_in.env == {
        **kept,
        "GIT_CONFIG_KEY_1": "http.https://github.example.org/.extraHeader",
        "GIT_CONFIG_VALUE_1": f"Authorization: Basic {shown}",
        "GIT_CONFIG_COUNT": "2",
    }
    assert made.git.env == kept
    assert shown not in runner.redact(f"git says: {shown}")


def test_a_remote_that_is_slow_holds_up_no_image() -> None:
    made = order(TOKEN)
    assert made.logged_in
    assert made.git.timeout == made.logged_in.timeout < TIMEOUT_SECONDS


def test_without_a_token_git_is_asked_once() -> None:
    assert order().logged_in is None
