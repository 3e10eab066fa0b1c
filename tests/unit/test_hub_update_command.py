"""`r2d-action update-hub --directory`: what is written, printed and refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from r2d_action.cli.group import cli
from r2d_action.cli.hub import update_hub
from r2d_action.errors import HubFailed, InputError

IMAGE = "quay.io/example-org/user-image"
DIGEST = "sha256:" + "1f" * 32


def run(directory: Path, *options: str) -> Result:
    assert cli.get_command(click.Context(cli), "update-hub") is update_hub
    arguments = ["--directory", str(directory), "--image", IMAGE, "--tag", "v2", *options]
    return CliRunner().invoke(update_hub, arguments)


def record(result: Result) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(result.stdout)
    return read


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    Path(tmp_path, "config").mkdir()
    Path(tmp_path, "config", "staging.yaml").write_text(f"image: {IMAGE}:v1\n", encoding="utf-8")
    Path(tmp_path, "config", "prod.yaml").write_text(f"image: {IMAGE}:v0\n", encoding="utf-8")
    Path(tmp_path, "hub.py").write_text(f'c.Spawner.image = "{IMAGE}:v0"\n', encoding="utf-8")
    return tmp_path


def contents(hub: Path) -> dict[str, str]:
    return {
        path.relative_to(hub).as_posix(): path.read_text(encoding="utf-8")
        for path in hub.rglob("*.*")
    }


def test_the_files_that_are_named_are_edited_in_place(hub: Path) -> None:
    before = contents(hub)
    result = run(hub, "--files", "config/staging.yaml")
    assert result.exit_code == 0
    assert contents(hub) == before | {"config/staging.yaml": f"image: {IMAGE}:v2\n"}
    assert record(result) == {
        "image": IMAGE,
        "tag": "v2",
        "changes": [
            {
                "file": "config/staging.yaml",
                "place": "image",
                "old": "v1",
                "new": "v2",
                "aliases": [],
            }
        ],
        "refusals": [],
        "notes": [],
    }


def test_done_again_there_is_nothing_to_do(hub: Path) -> None:
    run(hub, "--files", "config/staging.yaml")
    result = run(hub, "--files", "config/staging.yaml")
    assert result.exit_code == 0
    assert record(result)["changes"] == []
    assert f"the hub has {IMAGE}:v2 already" in result.stderr


def test_what_is_refused_is_told_with_its_candidates_and_nothing_is_written(hub: Path) -> None:
    before = contents(hub)
    result = run(hub)
    assert isinstance(result.exception, HubFailed)
    assert result.exception.exit_code == 8
    assert contents(hub) == before
    printed = record(result)
    assert printed["changes"] == []
    [refusal] = printed["refusals"]
    assert refusal["reason"].startswith("config/prod.yaml and 1 more file: ")
    assert refusal["candidates"] == [
        {"file": "config/prod.yaml", "place": "image", "old": "v0"},
        {"file": "config/staging.yaml", "place": "image", "old": "v1"},
    ]
    assert "config/prod.yaml has v0: image" in result.exception.remedy


def test_selectors_choose_the_places(hub: Path) -> None:
    path = Path(hub, "config", "prod.yaml")
    path.write_text(f"old: {IMAGE}:v0\nnew: {IMAGE}:v1@{DIGEST}\n", encoding="utf-8")
    result = run(hub, "--files", "config/prod.yaml", "--select", "new", "--digest", DIGEST)
    assert result.exit_code == 0
    assert path.read_text(encoding="utf-8") == f"old: {IMAGE}:v0\nnew: {IMAGE}:v2@{DIGEST}\n"


def test_python_is_edited_where_it_is_named(hub: Path) -> None:
    assert run(hub, "--files", "*.py").exit_code == 0
    assert contents(hub)["hub.py"] == f'c.Spawner.image = "{IMAGE}:v2"\n'


def test_line_ends_stay_as_they_are(hub: Path) -> None:
    path = Path(hub, "config", "staging.yaml")
    path.write_bytes(f"\ufeffimage: {IMAGE}:v1\r\n".encode())
    run(hub, "--files", "config/staging.yaml")
    assert path.read_bytes() == f"\ufeffimage: {IMAGE}:v2\r\n".encode()


def test_links_are_not_followed(hub: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.yaml"
    outside.write_text(f"image: {IMAGE}:v1\n", encoding="utf-8")
    Path(hub, "config", "link.yaml").symlink_to(outside)
    result = run(hub, "--files", "config/link.yaml")
    assert isinstance(result.exception, HubFailed)
    assert "no file in" in str(result.exception)
    assert outside.read_text(encoding="utf-8") == f"image: {IMAGE}:v1\n"


def test_a_hub_that_does_not_name_the_image_is_warned_about(hub: Path) -> None:
    Path(hub, "config", "other.yaml").write_text("image: quay.io/other:v1\n", encoding="utf-8")
    result = run(hub, "--files", "config/other.yaml")
    assert result.exit_code == 0
    assert f"No file that was looked at names {IMAGE}" in result.stderr


def test_what_was_left_alone_is_told(hub: Path) -> None:
    path = Path(hub, "config", "staging.yaml")
    path.write_text(f"image: {IMAGE}:v1\ndescription: {IMAGE}:v1\n", encoding="utf-8")
    note = "line 2: description: for people to read, not for the hub; left as it is"
    result = run(hub, "--files", "config/staging.yaml")
    assert record(result)["notes"] == [{"file": "config/staging.yaml", "note": note}]
    assert f"config/staging.yaml, {note}" in result.stderr


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--image", "Quay.io/Org"), "is not a legal image name"),
        (("--image", f"{IMAGE}:v1"), "carries a tag"),
        (("--tag", "a b"), "is not a legal tag"),
        (("--digest", "sha256:1"), "is not a sha256 digest"),
        (("--select", "a..b"), "cannot be read"),
    ],
)
def test_options_that_cannot_be_used(hub: Path, options: tuple[str, str], reason: str) -> None:
    result = run(hub, *options)
    assert isinstance(result.exception, InputError)
    assert reason in str(result.exception)
