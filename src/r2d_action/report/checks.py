"""The checks that an image passed, in a few words each. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from r2d_action.outcome import Outcome


def passed_checks(outcome: Outcome) -> Iterator[str]:
    checked = outcome.checked
    if outcome.reused:
        yield "the checks passed when this image was built"
    if checked and checked.tests and checked.tests.passed:
        number = len(checked.tests.tests)
        yield f"{number} test{'s' if number != 1 else ''} in image-tests/ passed"
    if checked and checked.hub_start and checked.hub_start.ok:
        yield f"started as on a hub in {checked.hub_start.seconds:.1f} s"


def as_sentence(phrase: str) -> str:
    return f"{phrase[0].upper()}{phrase[1:]}."
