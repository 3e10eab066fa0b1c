"""The one walk, forwards only: an image goes through these stages, and never back.

Each stage takes the record of the run and gives it back with its own part filled
in; a stage that fails ends the walk, and the record tells how far it came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from functools import partial

from r2d_action.errors import Failure, UserError
from r2d_action.outcome import Outcome
from r2d_action.stages.binder import bindered
from r2d_action.stages.build import built
from r2d_action.stages.check import checked
from r2d_action.stages.examine import examined
from r2d_action.stages.hub import proposed
from r2d_action.stages.key import keyed
from r2d_action.stages.packages import kept, listed, recalled
from r2d_action.stages.permission import permitted
from r2d_action.stages.plan import planned
from r2d_action.stages.publish import adopted, published
from r2d_action.stages.site import Site

Stage = Callable[[Outcome, Site], Outcome]


def beside(aside: Stage, stage: Stage) -> Stage:
    """Two stages that wait for nothing of each other, as one: they start from one record, and
    each fills in its own part. ``aside`` should be short: whoever stops the run stops ``stage``,
    and waits for it."""

    def together(outcome: Outcome, site: Site) -> Outcome:
        with ThreadPoolExecutor(max_workers=1) as pool:
            other = pool.submit(_carried_out, aside, outcome, site)
            # Here, since signals reach the main thread only.
            record = _carried_out(stage, outcome, site)
            return _merged(outcome, (other.result(), record))

    return together


def _carried_out(stage: Stage, outcome: Outcome, site: Site) -> Outcome:
    """Every expected error ends up in the record; only our own bugs are raised."""
    try:
        return stage(outcome, site)
    except UserError as error:
        return replace(outcome, failure=Failure.of(error))


def _merged(outcome: Outcome, records: Iterable[Outcome]) -> Outcome:
    filled_in = {
        part.name: getattr(record, part.name)
        for record in records
        for part in fields(Outcome)
        if getattr(record, part.name) is not getattr(outcome, part.name)
    }
    return replace(outcome, **filled_in)


PLAN: tuple[Stage, ...] = (
    partial(planned, publishing=False),
    partial(keyed, look=False),
    examined,
)
BUILD: tuple[Stage, ...] = (
    partial(planned, publishing=False),
    examined,
    built,
    checked,
    listed,
)
RUN: tuple[Stage, ...] = (
    planned,
    keyed,
    permitted,
    examined,
    adopted,
    built,
    checked,
    recalled,
    beside(listed, published),
    kept,
    proposed,
    bindered,
)


def walk(stages: tuple[Stage, ...], site: Site, outcome: Outcome | None = None) -> Outcome:
    record = outcome or Outcome()
    for stage in stages:
        record = _carried_out(stage, record, site)
        if record.failure:
            break
    return record
