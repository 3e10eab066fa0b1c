"""The last words of a command at a terminal, in place of its record. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from r2d_action.outcome import Outcome
from r2d_action.plan import Plan
from r2d_action.report.checks import as_sentence, passed_checks
from r2d_action.report.summary import megabytes


def ending(outcome: Outcome) -> str:
    """Empty where all has been said, of a failure for one."""
    return "" if outcome.failure else "\n".join(_lines(outcome))


def _lines(outcome: Outcome) -> Iterator[str]:
    if outcome.published:
        yield f"Published: {outcome.published.reference}"
    elif outcome.built and outcome.plan:
        yield from _in_the_engine(outcome.plan, outcome.built.size)
    yield from map(as_sentence, passed_checks(outcome))


def _in_the_engine(plan: Plan, size: int) -> Iterator[str]:
    image = plan.commit_reference.tagged_name
    yield f"Built {image} ({megabytes(size)}). To try it:"
    # 8888 is what repo2docker's images and nearly all others serve Jupyter at.
    yield f"  docker run --rm -it -p 8888:8888 {image}"
