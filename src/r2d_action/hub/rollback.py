"""The way back: undo what an update of a hub has done, by the record that it printed.

A record is a JSON object with one key, which names the road that the update took.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from r2d_action.errors import InputError

NO_RECORD = (
    "This is no record of a change at a hub; `r2d-action update-hub … > record.json` and "
    "`r2d-action configure-hub IMAGE > record.json` write one."
)
Road = Callable[[str], object]
"""Takes a road's own part of the record, as JSON, and gives the record of the way back."""


def roll_back(record: str, roads: Mapping[str, Road]) -> dict[str, object]:
    """The record of what was done, by which it can be undone in turn.

    Raises :class:`InputError` for a text that is no record, and what the road raises.
    """
    try:
        ((name, part),) = json.loads(record).items()
        road = roads[name]
    except (ValueError, KeyError, AttributeError):
        raise InputError(NO_RECORD) from None
    return {name: road(json.dumps(part))}
