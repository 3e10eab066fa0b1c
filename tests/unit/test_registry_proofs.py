"""The page that says which login was proven by which test tells the truth."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

REGISTRIES = Path(__file__).resolve().parents[2] / "docs" / "registries"
PROOFS = REGISTRIES / "proofs.md"
TESTS = re.findall(r"\[`(\w+)`\]\(([\w./]+\.py)\)", PROOFS.read_text())
ROWS = [line for line in PROOFS.read_text().splitlines() if line.startswith("| ")]


@cache
def functions_in(file: Path) -> frozenset[str]:
    nodes = ast.parse(file.read_text()).body
    return frozenset(node.name for node in nodes if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize(("test", "file"), TESTS)
def test_every_test_that_is_named_exists(test: str, file: str) -> None:
    assert test in functions_in((REGISTRIES / file).resolve())


def test_every_row_names_a_test() -> None:
    assert len(TESTS) == len([row for row in ROWS if not row.startswith("| Login")])


def test_every_registry_has_a_section_with_a_proof() -> None:
    sections = PROOFS.read_text().split("\n## ")[1:]
    proven = {
        page for text in sections if TESTS for page in re.findall(r"\]\(([\w-]+\.md)\)", text)
    }
    pages = {page.name for page in REGISTRIES.glob("*.md")} - {"index.md", PROOFS.name}
    assert proven == pages
    assert all("test_" in text for text in sections)


def test_every_file_of_proofs_is_named() -> None:
    tests = Path(__file__).resolve().parents[1] / "integration"
    named = {(REGISTRIES / file).resolve() for _, file in TESTS}
    assert named == set(tests.glob("test_provider_*.py"))
