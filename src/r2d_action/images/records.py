"""What a job of the workflow leaves for later ones about the image that it built."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from r2d_action.errors import InputError


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
    records = (_read(path) for path in sorted(folder.rglob("*.json")))
    return {record.name: record for record in records}


def _read(path: Path) -> Record:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Record(found["name"], found["result"], dict(found["outputs"] or {}))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} is no record of an image; the workflow build-image.yml writes such."
        ) from error
