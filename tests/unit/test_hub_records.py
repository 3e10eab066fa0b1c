"""What jobs that build leave for the job of the hub, and how that one is asked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from r2d_action.cli.hub import update_hub
from r2d_action.errors import InputError
from r2d_action.images.records import read_handed_over, read_records
from r2d_action.json_text import to_json
from unit.test_outcome import complete


def leave(folder: Path, result: str, hub: str = "") -> None:
    folder.mkdir()
    record = {"name": folder.name, "result": result, "outputs": {}}
    (folder / "image.json").write_text(json.dumps(record))
    if hub:
        (folder / "hub.json").write_text(hub)


def test_what_was_handed_over_comes_back_by_name(tmp_path: Path) -> None:
    outcome = replace(complete(), built=None)
    leave(tmp_path / "new", "success", to_json(outcome))
    leave(tmp_path / "as-before", "success")
    leave(tmp_path / "broken", "failure", to_json(outcome))
    assert read_handed_over(tmp_path) == {"new": outcome}
    assert set(read_records(tmp_path)) == {"new", "as-before", "broken"}


@pytest.mark.parametrize("text", ["x", "[]", '{"plan": {}}'])
def test_what_is_no_record_is_refused(text: str, tmp_path: Path) -> None:
    leave(tmp_path / "image", "success", text)
    with pytest.raises(InputError, match="no record of an image"):
        read_handed_over(tmp_path)


@pytest.mark.parametrize("more", [("--image", "o/i"), ("--tag", "1"), ("--select", "x")])
def test_records_say_which_images_there_are(more: tuple[str, str], tmp_path: Path) -> None:
    refused = CliRunner().invoke(update_hub, ["--records", str(tmp_path), *more]).exception
    assert isinstance(refused, InputError)
    assert "leave out" in refused.what


@pytest.mark.parametrize("given", [(), ("--image", "o/i"), ("--tag", "1")])
def test_without_records_there_is_an_image_to_name(given: tuple[str, ...]) -> None:
    refused = CliRunner().invoke(update_hub, given).exception
    assert isinstance(refused, InputError)
    assert "--image quay.io/org/image --tag 0123456789ab" in refused.what
