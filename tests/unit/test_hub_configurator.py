"""The configurator's data, and records of changes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from r2d_action.errors import HubFailed, InputError
from r2d_action.hub.configurator import settings_in, spelled
from r2d_action.hub.rollback import roll_back
from r2d_action.reference import Reference

DIGEST = f"sha256:{'a' * 64}"


def current(config: object, **traits: str) -> dict[str, Any]:
    fields = {name: {"type": "string", "traitlet": trait} for name, trait in traits.items()}
    return {"config": config, "schema": {"type": "object", "properties": fields}}


def test_the_current_format_names_traits_in_its_schema() -> None:
    data = current({"url": "/lab"}, picture="KubeSpawner.image", url="Spawner.default_url")
    settings = settings_in(data)
    assert (settings.field, settings.image) == ("picture", None)
    assert settings.with_image("org/i:2").config == {"url": "/lab", "picture": "org/i:2"}


def test_the_flat_format_has_traits_as_keys() -> None:
    settings = settings_in({"KubeSpawner.image": "org/i:1", "Spawner.default_url": "/lab"})
    assert (settings.field, settings.image) == ("KubeSpawner.image", "org/i:1")
    assert settings.with_image(None).config == {"Spawner.default_url": "/lab"}


def test_a_flat_field_may_be_called_config() -> None:
    assert settings_in({"config": 1, "KubeSpawner.image": "org/i:1"}).field == "KubeSpawner.image"


@pytest.mark.parametrize(
    ("data", "word"),
    [
        ({}, "no field for an image"),
        ({"Spawner.default_url": "/lab"}, "no field for an image"),
        ({"KubeSpawner.image": "a:1", "DockerSpawner.image": "b:1"}, "several fields"),
        (current({}, a="KubeSpawner.image", b="DockerSpawner.image"), "several fields"),
        (current({}, url="Spawner.default_url"), "no field for an image"),
        (current({}, policy="KubeSpawner.image_pull_policy"), "no field for an image"),
        (current([], picture="KubeSpawner.image"), "is no object"),
        ({"config": {}, "schema": "x"}, "is no object"),
        ({"config": {}, "schema": {"properties": {"a": 1}}}, "no field for an image"),
    ],
)
def test_data_that_is_not_understood(data: dict[str, Any], word: str) -> None:
    with pytest.raises(HubFailed, match=word):
        settings_in(data)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (None, "org/i:2"),
        ("", "org/i:2"),
        ("org/i:1", "org/i:2"),
        (f"org/i:1@{DIGEST}", f"org/i:2@{DIGEST}"),
        ("Not An Image", "org/i:2"),
    ],
)
def test_a_new_image_is_written_as_the_old_one(old: str | None, new: str) -> None:
    assert spelled(old, Reference.parse(f"org/i:2@{DIGEST}")) == new


def test_a_record_goes_back_its_own_road() -> None:
    roads = {
        "configurator": lambda part: f"back from {json.loads(part)['new']}",
        "pull_request": lambda _: pytest.fail("the other road"),
    }
    back = roll_back('{"configurator": {"new": "org/i:2"}}', roads)
    assert back == {"configurator": "back from org/i:2"}


@pytest.mark.parametrize("record", ["", "[]", "{}", "1", '{"else": {}}', '{"a": 1, "b": 2}'])
def test_a_record_that_is_none(record: str) -> None:
    with pytest.raises(InputError, match="no record of a change"):
        roll_back(record, {"a": str, "b": str})
