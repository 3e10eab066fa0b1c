"""A hub's repository at a GitHub of the tests', and the token that opens it.

``served`` serves what a test's own fixture ``github`` is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from fakes.github.git import BareRepository, Person
from fakes.github.model import GitHub, Grant
from fakes.github.server import Served, serving

HUB = "org/hub"
TOKEN = "ghp_thehubbotstokenforthetests"
BOT = Person("hub-bot", "hub-bot@example.org")
WRITE = {"contents": "write", "pull_requests": "write"}


def hub_with(folder: Path, files: Mapping[str, bytes]) -> GitHub:
    github = GitHub(HUB, BareRepository.make(folder, "main"))
    github.tokens[TOKEN] = Grant(BOT, WRITE)
    github.push(files)
    return github


@pytest.fixture
def served(github: GitHub) -> Iterator[Served]:
    with serving(github) as served:
        yield served
    assert served.violations == []
