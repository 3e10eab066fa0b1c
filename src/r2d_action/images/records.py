"""What a job of the workflow leaves for later ones about the image that it built: a folder with
``image.json``, and ``hub.json`` (what the stage of the hub hands over) if a hub is to have it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from r2d_action.errors import InputError
from r2d_action.json_text import from_json
from r2d_action.outcome import Outcome

IMAGE, HUB = "image.json", "hub.json"


@dataclass(frozen=True, slots=True)
class Record:
    """``result`` is success, failure, cancelled or skipped, as GitHub says it of the step;
    ``outputs`` are those of the action."""

    name: str
    result: str
    outputs: Mapping[str, str]

    @property
    def image(self) -> str:
        return self.outputs.get("IMAGE_NAME", "")

    @property
    def digest(self) -> str:
        return self.outputs.get("IMAGE_DIGEST", "")


def read_records(folder: Path) -> dict[str, Record]:
    """By the names of the images, in their order. Raises :class:`InputError`."""
    records = (_read(path) for path in sorted(folder.rglob(IMAGE)))
    return {record.name: record for record in records}


def read_handed_over(folder: Path) -> dict[str, Outcome]:
    """What is to be proposed to a hub, by the names of the images. One whose job failed after
    all is none of them. Raises :class:`InputError`."""
    pairs = ((_read(path.with_name(IMAGE)), path) for path in sorted(folder.rglob(HUB)))
    return {
        record.name: _read_outcome(path) for record, path in pairs if record.result == "success"
    }


def _read(path: Path) -> Record:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Record(found["name"], found["result"], dict(found["outputs"] or {}))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _no_record(path) from error


def _read_outcome(path: Path) -> Outcome:
    try:
        outcome = from_json(path.read_text(encoding="utf-8"), Outcome)
    except Exception as error:  # cattrs raises groups of whatever its hooks raise
        raise _no_record(path) from error
    if outcome.published is None:
        raise _no_record(path)
    return outcome


def _no_record(path: Path) -> InputError:
    return InputError(f"{path} is no record of an image; the workflow build-image.yml writes such.")
