"""A walk that somebody watches at a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TextIO

from r2d_action.environments import provide_extra
from r2d_action.errors import UserError
from r2d_action.outcome import Outcome
from r2d_action.progress.state import Mark, Progress
from r2d_action.progress.times import Times, times_file
from r2d_action.stages.build import built
from r2d_action.stages.check import checked
from r2d_action.stages.examine import examined
from r2d_action.stages.packages import listed
from r2d_action.stages.plan import planned
from r2d_action.stages.site import Site
from r2d_action.walk import Stage

if TYPE_CHECKING:
    from r2d_action.progress.screen import LiveScreen

TITLES: Mapping[Callable[..., Outcome], str] = {
    planned: "Plan",
    examined: "Look for problems",
    built: "Build",
    checked: "Check",
    listed: "List packages",
}
EXTRA = "terminal"


@contextmanager
def watched(stages: Sequence[Stage], site: Site) -> Iterator[tuple[Stage, ...]]:
    """The same stages. At a terminal they are drawn as they go, and timed for the next run;
    elsewhere nothing is different."""
    if not is_watched(site.env, site.runner.stream) or not _has_library(site):
        yield tuple(stages)
        return
    from r2d_action.progress.screen import drawn  # noqa: PLC0415 - a plain install lacks rich

    progress = Progress([title_of(stage) for stage in stages])
    with drawn(progress, site.runner.stream) as screen, site.runner.shown_on(screen):
        try:
            yield tuple(partial(_followed, stage, screen) for stage in stages)
        finally:
            progress.times.write()


def is_watched(env: Mapping[str, str], stream: TextIO) -> bool:
    """By a person, at a terminal that can move its cursor and was not asked to be plain.

    https://no-color.org; CI is set by most services that run jobs, which may give them a terminal.
    """
    plain = env.get("TERM", "dumb") in {"", "dumb", "unknown"} or env.get("NO_COLOR")
    return stream.isatty() and not (plain or env.get("CI") or env.get("GITHUB_ACTIONS"))


def title_of(stage: Stage) -> str:
    return TITLES[getattr(stage, "func", stage)]


def _has_library(site: Site) -> bool:
    try:
        provide_extra(EXTRA, site.env, site.runner.say)
    except UserError as error:
        site.runner.say(f"progress is shown line by line, for want of a library: {error}")
        return False
    return True


def _followed(stage: Stage, screen: LiveScreen, outcome: Outcome, site: Site) -> Outcome:
    mark = Mark.STOPPED
    screen.progress.begin(title_of(stage))
    try:
        after = stage(outcome, site)
        mark = Mark.FAILED if after.failure else Mark.DONE
    except Exception:
        mark = Mark.FAILED
        raise
    finally:
        screen.end(mark)
    _remember(after, site, screen.progress)
    return after


def _remember(outcome: Outcome, site: Site, progress: Progress) -> None:
    """Once it is known for which image the times are."""
    if outcome.plan and progress.times.file is None:
        file = times_file(site.env, site.build_root, str(outcome.plan.repository))
        progress.times = Times.read(file) if file else progress.times
