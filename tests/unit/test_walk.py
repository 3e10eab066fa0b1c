"""Stages one after the other, and side by side."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from threading import Barrier, current_thread, main_thread

import pytest

from r2d_action.errors import BuildFailed
from r2d_action.event import Event
from r2d_action.inputs import Inputs
from r2d_action.outcome import Keyed, Outcome
from r2d_action.packages.values import PackageList
from r2d_action.runner import Runner
from r2d_action.stages.site import Site
from r2d_action.walk import Stage, beside, walk

KEY = Keyed(value="0123")
PACKAGES = PackageList(())
PATIENCE_SECONDS = 60


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(
        inputs=Inputs(),
        event=Event(workspace=tmp_path),
        env=os.environ,
        temporary=tmp_path,
        runner=Runner(),
        now=datetime.now(timezone.utc),
    )


def keying(outcome: Outcome, _site: Site) -> Outcome:
    return replace(outcome, key=KEY)


def listing(outcome: Outcome, _site: Site) -> Outcome:
    return replace(outcome, installed=PACKAGES)


def failing(_outcome: Outcome, _site: Site) -> Outcome:
    raise BuildFailed("it does not work")


def broken(_outcome: Outcome, _site: Site) -> Outcome:
    raise ZeroDivisionError


def test_a_failure_ends_the_walk_and_keeps_what_was_done(site: Site) -> None:
    outcome = walk((keying, failing, listing), site)
    assert outcome.key == KEY
    assert outcome.installed is None
    assert outcome.failure is not None
    assert outcome.failure.what == "it does not work"


def test_stages_side_by_side_meet_and_fill_in_their_own_parts(site: Site) -> None:
    both = Barrier(2)

    def meeting(outcome: Outcome, _site: Site) -> Outcome:
        both.wait(PATIENCE_SECONDS)
        return keying(outcome, _site)

    def meeting_too(outcome: Outcome, _site: Site) -> Outcome:
        both.wait(PATIENCE_SECONDS)
        return listing(outcome, _site)

    outcome = walk((beside(meeting, meeting_too),), site)
    assert outcome == Outcome(key=KEY, installed=PACKAGES)


def test_signals_reach_the_stage_that_takes_long(site: Site) -> None:
    threads = []

    def noting(outcome: Outcome, _site: Site) -> Outcome:
        threads.append(current_thread())
        return outcome

    walk((beside(listing, noting),), site)
    assert threads == [main_thread()]


@pytest.mark.parametrize("stages", [(failing, listing), (listing, failing)])
def test_one_that_fails_does_not_take_the_others_part(
    stages: tuple[Stage, Stage], site: Site
) -> None:
    outcome = walk((beside(*stages), keying), site)
    assert outcome.installed == PACKAGES
    assert outcome.key is None
    assert outcome.failure is not None


def test_a_mistake_of_ours_is_raised(site: Site) -> None:
    with pytest.raises(ZeroDivisionError):
        walk((beside(listing, broken),), site)
