from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import docker
import pytest

from fakes.ecr import ImmutableTags
from integration.conftest import Lab
from integration.front import Answer, Seen, in_front_of
from lab.registry import RunningRegistry

PASSWORD = "correct-horse-battery"


@pytest.fixture
def registry(
    new_registry: Callable[..., RunningRegistry], engine: docker.DockerClient, small_image: str
) -> RunningRegistry:
    registry = new_registry(htpasswd={"robot": PASSWORD})
    name = f"{registry.host}/org/image"
    engine.images.get(small_image).tag(name, "1")
    engine.images.push(name, "1", auth_config={"username": "robot", "password": PASSWORD})
    engine.images.remove(f"{name}:1", noprune=True)
    return registry


def retag(lab: Lab, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    source = Path(__file__).resolve().parents[2] / "src"
    login = {"R2D_DOCKER_USERNAME": "robot", "R2D_DOCKER_PASSWORD": PASSWORD}
    env = {**lab.env, **login, "PYTHONPATH": str(source), "DOCKER_CONFIG": str(folder)}
    command = [sys.executable, "-m", "r2d_action", "retag", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True)


def test_an_image_gets_further_tags(lab: Lab, registry: RunningRegistry, tmp_path: Path) -> None:
    image = f"{registry.host}/org/image"
    done = retag(lab, tmp_path, f"{image}:1", "v1", "2026-spring")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["tags"] == ["v1", "2026-spring"]
    by_digest = retag(lab, tmp_path, f"{image}@{told['digest']}", "v2")
    assert json.loads(by_digest.stdout)["digest"] == told["digest"]
    puts = [r.path.rpartition("/")[2] for r in registry.requests() if r.method == "PUT"]
    assert puts[-3:] == ["v1", "2026-spring", "v2"]
    assert not [r for r in registry.requests() if r.method == "GET" and "/blobs/" in r.path]


@pytest.mark.parametrize(
    ("image", "tag", "code", "word"),
    [
        ("{host}/org/image:1", "a b", 2, "not a legal tag"),
        ("{host}/org/IMAGE:1", "v1", 2, "lower-case"),
        ("{host}/org/image:missing", "v1", 6, "has no"),
    ],
)
def test_what_cannot_be_retagged(
    lab: Lab, registry: RunningRegistry, tmp_path: Path, image: str, tag: str, code: int, word: str
) -> None:
    done = retag(lab, tmp_path, image.replace("{host}", registry.host), tag)
    assert done.returncode == code
    assert word in done.stderr


def test_a_tag_that_cannot_move_and_has_the_image_is_as_it_should_be(
    lab: Lab, registry: RunningRegistry, tmp_path: Path
) -> None:
    with in_front_of(registry.host, ImmutableTags(strict=True)) as front:
        image = f"{front.host}/org/image:1"
        assert retag(lab, tmp_path, image, "v1").returncode == 0
        again = retag(lab, tmp_path, image, "v1", "v2")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["tags"] == ["v1", "v2"]
    puts = [r.path.rpartition("/")[2] for r in registry.requests() if r.method == "PUT"]
    assert puts[-2:] == ["v1", "v2"]


def test_a_tag_that_cannot_move_and_has_another_image(
    lab: Lab, registry: RunningRegistry, tmp_path: Path
) -> None:
    rule = ImmutableTags(held={"/v2/org/image/manifests/v1": "another image's digest"})
    with in_front_of(registry.host, rule) as front:
        done = retag(lab, tmp_path, f"{front.host}/org/image:1", "v1")
    assert done.returncode == 6
    assert "cannot be overwritten because the tag is immutable" in done.stderr
    assert "engine" not in done.stderr


def test_what_was_written_is_read_back(lab: Lab, registry: RunningRegistry, tmp_path: Path) -> None:
    def forgets(seen: Seen) -> Answer | None:
        return Answer(201) if seen.method == "PUT" else None

    with in_front_of(registry.host, forgets) as front:
        done = retag(lab, tmp_path, f"{front.host}/org/image:1", "v1")
    assert done.returncode == 6
    assert "org/image:v1 should be sha256:" in done.stderr
    assert "and is nothing" in done.stderr
