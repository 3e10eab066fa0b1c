"""Small repositories, each broken in one way or a few, and healthy ones."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from r2d_action.context import read_context
from r2d_action.doctor import Finding, findings, settings_of
from r2d_action.doctor.table import RULES

HERE = Path(__file__).parent / "doctor"
BROKEN = sorted((HERE / "broken").iterdir())
HEALTHY = sorted((HERE / "healthy").iterdir())
TODAY = date(2026, 6, 1)


def found_in(top: Path) -> tuple[Finding, ...]:
    settings = replace(settings_of(top, workspace=top), today=TODAY)
    return findings(read_context(top, without=["expected.json"]), settings)


def expected_in(top: Path) -> set[tuple[str, int | None, str]]:
    listed = json.loads((top / "expected.json").read_text())
    return {(one["file"], one["line"], one["rule"]) for one in listed}


@pytest.mark.parametrize("top", BROKEN, ids=lambda top: top.name)
def test_what_is_broken_is_found_with_file_and_line_and_nothing_else(top: Path) -> None:
    found = {(one.place.path, one.place.line, one.rule) for one in found_in(top)}
    assert found == expected_in(top)


@pytest.mark.parametrize("top", HEALTHY, ids=lambda top: top.name)
def test_a_healthy_repository_has_no_finding(top: Path) -> None:
    assert found_in(top) == ()


@pytest.mark.parametrize("top", BROKEN, ids=lambda top: top.name)
def test_each_finding_says_what_and_what_to_do(top: Path) -> None:
    for finding in found_in(top):
        assert finding.message.endswith((".", "?"))
        assert finding.remedy
        assert "  " not in finding.message


def test_names_of_rules_are_unique() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
