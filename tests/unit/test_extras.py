"""Libraries for some runs only are locked like everything else, and nobody else needs them."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from r2d_action.environments import APPLICATION_LOCK, EXTRAS, LOCKS, provide_extra

ROOT = Path(__file__).resolve().parents[2]
PROJECT = (ROOT / "pyproject.toml").read_text()
PARTS = re.MULTILINE | re.DOTALL
OPTIONAL = re.search(
    r"^\[project.optional-dependencies\]\n(.*?)^$", PROJECT, re.MULTILINE | re.DOTALL
)

# By the name of what is installed, which is hardly ever that of what is imported.
LIBRARIES = {
    "aws": "botocore",
    "azure": "azure-identity",
    "google": "google-auth",
    "hub": "pygithub",
    "lock": "uv",
    "terminal": "rich",
}
each_extra = pytest.mark.parametrize("extra", EXTRAS)


def entries(lock: Path) -> list[str]:
    return lock.read_text().replace("\\\n", " ").splitlines()


def names(lock: Path) -> set[str]:
    return {entry.partition("==")[0] for entry in entries(lock)}


def test_they_are_the_optional_dependencies_of_the_package() -> None:
    assert OPTIONAL
    declared = re.findall(r'^(\w+) = \["([\w-]+)>=', OPTIONAL[1], re.MULTILINE)
    assert {extra: library.lower() for extra, library in declared} == LIBRARIES


@each_extra
def test_every_package_is_pinned_with_its_hashes(extra: str) -> None:
    for entry in entries(LOCKS / f"{extra}.txt"):
        assert re.fullmatch(r"[a-z0-9-]+==[^ ]+( ; [^-]+?)?( +--hash=sha256:[0-9a-f]{64})+", entry)


@each_extra
def test_what_we_need_anyway_is_pinned_alike(extra: str) -> None:
    ours, beside = APPLICATION_LOCK, LOCKS / f"{extra}.txt"
    common = names(ours) & names(beside)
    assert "requests" in common
    pins = [{e for e in entries(lock) if e.partition("==")[0] in common} for lock in (ours, beside)]
    assert pins[0] == pins[1]


@each_extra
def test_a_plain_installation_has_nothing_of_it(extra: str) -> None:
    library = LIBRARIES[extra]
    assert library in names(LOCKS / f"{extra}.txt")
    assert library not in names(APPLICATION_LOCK)


@each_extra
def test_what_can_be_imported_already_is_taken(extra: str) -> None:
    path = list(sys.path)
    provide_extra(extra, {}, lambda _: pytest.fail("there is nothing to install"))
    assert sys.path == path
