from pathlib import Path

import pytest

from lab.engine import mounts_below, outside
from lab.home import Home

MOUNTS = r"""
overlay / overlay rw 0 0
overlay /the\040lab/data/overlay2/1/merged overlay rw 0 0
nsfs /the\040lab/data/overlay2/1/merged/run/netns nsfs rw 0 0
tmpfs /the\040laboratory tmpfs rw 0 0
""".strip()


def test_inner_mounts_are_let_go_first() -> None:
    merged = "/the lab/data/overlay2/1/merged"
    assert mounts_below(Path("/the lab"), MOUNTS) == [f"{merged}/run/netns", merged]


def test_the_labs_own_engine_does_not_pass_for_the_machines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/lab/bin:/usr/bin")
    monkeypatch.setenv("DOCKER_HOST", "unix:///lab/graphdriver/docker.sock")
    assert outside(Home(Path("/lab"))) == {"PATH": "/usr/bin", "DOCKER_HOST": ""}


def test_an_engine_that_the_user_chose_stays_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.setenv("DOCKER_HOST", "tcp://engine:2376")
    assert outside(Home(Path("/lab")))["DOCKER_HOST"] == "tcp://engine:2376"
