from __future__ import annotations

from pathlib import Path
from typing import Any

import docker
import pytest

from r2d_action.engine import free_bytes


class EngineAt(docker.DockerClient):
    """Says where it keeps its images, and nothing else."""

    def __init__(self, root: str) -> None:
        self.root = root

    def info(self) -> dict[str, Any]:
        return {"DockerRootDir": self.root}


def test_room_is_where_the_engine_keeps_its_images(tmp_path: Path) -> None:
    assert free_bytes(EngineAt(str(tmp_path)))


@pytest.mark.parametrize("root", ["", "/nonexistent", "/" + "x" * 300])
def test_a_folder_that_cannot_be_looked_at_has_no_known_room(root: str) -> None:
    assert free_bytes(EngineAt(root)) is None
