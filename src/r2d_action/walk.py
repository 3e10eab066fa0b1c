"""The one walk, forwards only: an image goes through these stages, and never back.

Each stage takes the record of the run and gives it back with its own part filled
in; a stage that fails ends the walk, and the record tells how far it came.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from r2d_action.errors import Failure, UserError
from r2d_action.outcome import Outcome
from r2d_action.stages.binder import bindered
from r2d_action.stages.build import built
from r2d_action.stages.check import checked
from r2d_action.stages.examine import examined
from r2d_action.stages.hub import proposed
from r2d_action.stages.key import keyed
from r2d_action.stages.packages import kept, listed
from r2d_action.stages.permission import permitted
from r2d_action.stages.plan import planned
from r2d_action.stages.publish import published
from r2d_action.stages.site import Site

Stage = Callable[[Outcome, Site], Outcome]

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
    built,
    checked,
    listed,
    published,
    kept,
    proposed,
    bindered,
)


def walk(stages: tuple[Stage, ...], site: Site, outcome: Outcome | None = None) -> Outcome:
    """Every expected error ends up in the record; only our own bugs are raised."""
    record = outcome or Outcome()
    for stage in stages:
        try:
            record = stage(record, site)
        except UserError as error:
            record = replace(record, failure=Failure.of(error))
        if record.failure:
            break
    return record
