"""`r2d-action login --check`: as whom, and what that may do."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import docker
import pytest

from integration.conftest import Lab, forget_images
from lab.registry import RunningRegistry

PASSWORD = "correct-horse-battery"
LOGIN = {"R2D_DOCKER_USERNAME": "robot", "R2D_DOCKER_PASSWORD": PASSWORD}
NewRegistry = Callable[..., RunningRegistry]


def check(lab: Lab, folder: Path, env: Mapping[str, str], *arguments: str) -> tuple[int, Any, str]:
    done = subprocess.run(
        [sys.executable, "-m", "r2d_action", "login", "--check", *arguments],
        cwd=folder,
        env={**lab.env, "PYTHONPATH": str(Path("src").resolve()), "HOME": str(folder), **env},
        capture_output=True,
        text=True,
    )
    assert PASSWORD not in done.stdout + done.stderr
    return done.returncode, json.loads(done.stdout), done.stderr


def test_who_is_known_may_pull_and_push(
    lab: Lab, tmp_path: Path, new_registry: NewRegistry, small_image: str,
    engine: docker.DockerClient,
) -> None:  # fmt: skip
    registry = new_registry(htpasswd={"robot": PASSWORD})
    name = f"{registry.host}/org/image"
    code, [before], _ = check(lab, tmp_path, LOGIN, "--image-name", name)
    assert code == 0
    assert before["login"] == "DOCKER_USERNAME and DOCKER_PASSWORD"
    assert before["pull"] == {"granted": True, "why": "there is no image in it yet"}
    assert before["push"]["granted"]
    assert not before["public"]["granted"]

    engine.images.get(small_image).tag(name, "1")
    engine.images.push(name, "1", auth_config={"username": "robot", "password": PASSWORD})
    forget_images(engine, name)
    _, [after], screen = check(lab, tmp_path, LOGIN, "--image-name", name)
    assert after["pull"] == {"granted": True, "why": "it has 1 tag"}
    assert "push        yes\n" in screen
    assert "login       DOCKER_USERNAME and DOCKER_PASSWORD\n" in screen


@pytest.mark.parametrize("password", ["", "wrong-password"])
def test_who_is_not_known_may_nothing(
    lab: Lab, tmp_path: Path, new_registry: NewRegistry, password: str
) -> None:
    registry = new_registry(htpasswd={"robot": PASSWORD})
    login = {**LOGIN, "R2D_DOCKER_PASSWORD": password}
    code, [found], screen = check(
        lab, tmp_path, login, "--image-name", f"{registry.host}/org/image"
    )
    assert code == 6
    assert [found[right]["granted"] for right in ("pull", "push", "public")] == [False] * 3
    assert "does not let this run push" in found["push"]["why"]
    assert f"A run could not push to {registry.host}/org/image" in screen
    assert "wrong-password" not in screen


def test_an_open_registry_is_public(
    lab: Lab, tmp_path: Path, new_registry: NewRegistry, small_image: str,
    engine: docker.DockerClient,
) -> None:  # fmt: skip
    registry, further = new_registry(), new_registry()
    name = f"{registry.host}/org/image"
    engine.images.get(small_image).tag(name, "1")
    engine.images.push(name, "1")
    forget_images(engine, name)
    code, found, _ = check(
        lab, tmp_path, {}, "--image-name", name, "--push-to", f"{further.host}/org/copy"
    )
    assert code == 0
    assert [one["public"]["granted"] for one in found] == [True, False]
    assert [one["login"] for one in found] == ["none", "none"]
