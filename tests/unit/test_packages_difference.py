from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import pytest

from r2d_action.packages.asked import asked_for, words_in
from r2d_action.packages.debian import version_key
from r2d_action.packages.difference import difference
from r2d_action.packages.values import Change, Difference, Kind, Move, Package, PackageList
from r2d_action.packages.versions import is_big_step, move
from r2d_action.packages.words import MOST_ROWS, OPEN_ROWS, in_a_line, told

CONDA, PIP, R, APT = Kind


def installed(*packages: str, kind: Kind = PIP) -> PackageList:
    """``name version build place``, of which the last two may be missing."""
    parts = (f"{one}   ".split(" ") for one in packages)
    return PackageList(
        tuple(
            Package(kind=kind, name=name, version=version, build=build, place=place)
            for name, version, build, place, *_ in parts
        )
    )


def moved(old: PackageList, new: PackageList) -> list[tuple[str, str, str, str]]:
    return [(one.name, one.move.value, one.old, one.new) for one in difference(old, new)]


# Versions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        (PIP, "1.9", "1.10"),
        (PIP, "2.0rc1", "2.0"),
        (PIP, "1.0", "1.0.post1"),
        (PIP, "2!1.0", "2!1.1"),
        (CONDA, "2024a", "2024b"),
        (CONDA, "1.1.1v", "1.1.1w"),
        (CONDA, "9d", "9e"),
        (CONDA, "2.1.1_3", "2.1.1_12"),
        (R, "1.2.1", "1.2-3"),
        (R, "1.1.4", "1.1.4.9000"),
        (R, "0.9-9", "0.9-10"),
        (APT, "1.0~rc1-1", "1.0-1"),
        (APT, "9.9-1", "1:0.1-1"),
        (APT, "2.36-9+deb12u9", "2.36-9+deb12u10"),
    ],
)
def test_which_version_is_newer(kind: Kind, old: str, new: str) -> None:
    assert move(kind, old, new) is Move.UP
    assert move(kind, new, old) is Move.DOWN


def test_nobody_can_tell_which_name_is_newer() -> None:
    assert move(CONDA, "main", "1.0") is Move.CHANGED
    assert move(CONDA, "abc", "bcd") is Move.CHANGED
    assert move(PIP, "1.0", "1.0.0") is Move.CHANGED


def test_the_order_of_debians_versions() -> None:
    ascending = "0~~ 0~~a 0~ 0 0a 0+ 1.0~beta1-1 1.0-1 1.0-1.1 1.0-2 1.0a-1 1.0.1-1 1.10-1 1:0-1"
    for before, after in combinations(ascending.split(), 2):
        assert version_key(before) < version_key(after), (before, after)


def test_a_big_step() -> None:
    assert is_big_step("1.26.4", "2.0.0")
    assert is_big_step("1:9.1-2", "1:10.0-1")
    assert not is_big_step("1.26.4", "1.27.0")
    assert not is_big_step("2024.09", "2024.10")


# Difference ---------------------------------------------------------------------------------


def test_a_difference() -> None:
    old = installed("gone 1.0", "same 1.0", "up 1.9", "down 2.0")
    new = installed("come 3.0", "same 1.0", "up 1.10", "down 1.0")
    assert moved(old, new) == [
        ("come", "added", "", "3.0"),
        ("down", "down", "2.0", "1.0"),
        ("gone", "removed", "1.0", ""),
        ("up", "up", "1.9", "1.10"),
    ]
    assert not difference(old, old).changes


def test_one_name_of_two_kinds_is_two_packages() -> None:
    assert moved(installed("a 1", kind=CONDA), installed("a 2", kind=PIP)) == [
        ("a", "removed", "1", ""),
        ("a", "added", "", "2"),
    ]


def test_one_version_built_anew() -> None:
    old, new = installed("a 1.0 py311_0", kind=CONDA), installed("a 1.0 py311_1", kind=CONDA)
    assert moved(old, new) == [("a", "changed", "1.0 py311_0", "1.0 py311_1")]


def test_an_environment_may_be_called_otherwise() -> None:
    assert not moved(installed("a 1.0  /opt/env"), installed("a 1.0  /srv/env"))


def test_a_package_in_several_environments() -> None:
    old = installed("a 1.9  /one", "a 1.10  /two")
    assert moved(old, installed("a 1.10  /one", "a 1.10  /two")) == [("a", "up", "1.9", "1.10")]
    assert moved(old, installed("a 1.10  /two")) == [("a", "removed", "1.9", "")]
    assert moved(old, installed("a 1.11  /one", "a 2.0  /two")) == [
        ("a", "up", "1.9", "1.11"),
        ("a", "up", "1.10", "2.0"),
    ]


# Words --------------------------------------------------------------------------------------

FILES = """
name: course  # seaborn is not wanted
channels: [conda-forge]
dependencies:
  - conda-forge::numpy=1.26
  - scikit_learn>=1.3
  - pip:
      - nbgitpuller==1.2
"""


def test_packages_that_the_repository_names() -> None:
    words = words_in([FILES, "RUN apt-get install -y git \\\n    curl\n"])
    assert {"numpy", "scikit-learn", "nbgitpuller", "git", "curl"} <= words
    assert "seaborn" not in words


def test_the_files_of_a_repository_are_read(tmp_path: Path) -> None:
    (tmp_path / "binder").mkdir()
    (tmp_path / "binder" / "environment.yml").write_text(FILES)
    (tmp_path / "apt.txt").write_bytes(b"git\n\xff\n")
    (tmp_path / "README.md").write_text("pandas")
    words = asked_for(tmp_path)
    assert {"numpy", "git"} <= words
    assert "pandas" not in words


def changes(count: int) -> list[Change]:
    return [
        Change(kind=PIP, name=f"p{number}", move=Move.UP, old="1.1", new="1.2")
        for number in range(count)
    ]


def rows(text: str) -> list[str]:
    return re.findall(r"^\| (?:\*\*)?`([^`]+)`", text, re.MULTILINE)


def test_the_most_telling_first() -> None:
    difference_ = Difference(
        (
            *changes(3),
            Change(kind=APT, name="git", move=Move.UP, old="1:2.1-1", new="1:2.2-1"),
            Change(kind=PIP, name="lost", move=Move.REMOVED, old="1", new=""),
            Change(kind=PIP, name="jump", move=Move.UP, old="1.9", new="2.0"),
            Change(kind=CONDA, name="zlib", move=Move.UP, old="1.1", new="1.2"),
        )
    )
    text = told(difference_, frozenset({"p2", "git"}), since="0123456789ab")
    assert rows(text) == ["p2", "git", "lost", "jump", "zlib", "p0", "p1"]
    assert text.startswith("7 packages changed: 6 newer, 1 gone, compared with `0123456789ab`.")
    assert "| **`git`** | apt | `1:2.1-1` | `1:2.2-1` | newer |" in text
    assert "| `lost` | pip | `1` |  | gone |" in text
    assert "<details>" not in text


def test_nothing_changed() -> None:
    assert told(Difference(())) == "No package changed."
    assert in_a_line(Difference(tuple(changes(1)))) == "1 package changed: 1 newer"


def test_a_long_list_is_folded_and_ends_somewhere() -> None:
    text = told(Difference(tuple(changes(MOST_ROWS + 7))))
    shown, folded = text.split("<details>")
    assert len(rows(shown)) == OPEN_ROWS
    assert len(rows(folded)) == MOST_ROWS - OPEN_ROWS
    assert f"<summary>{MOST_ROWS + 7 - OPEN_ROWS} more</summary>" in folded
    assert "… and 7 more" in folded
    assert text.endswith("</details>")
    assert len(text) < 20_000


@pytest.mark.parametrize("number", [OPEN_ROWS + 1, MOST_ROWS - 1, MOST_ROWS])
def test_a_folded_list_is_whole(number: int) -> None:
    text = told(Difference(tuple(changes(number))))
    assert len(rows(text)) == number
    assert "not listed" not in text


def test_names_get_out_of_no_code_span() -> None:
    evil = Change(kind=PIP, name="a`|@you<b>\n\n# x", move=Move.ADDED, old="", new="1" * 500)
    text = told(Difference((evil,)))
    (row,) = (line for line in text.splitlines() if "@you" in line)
    assert row.count("|") == 6
    assert row.startswith("| `a@you<b># x` |")
    assert len(row) < 120
