"""One readable screen of what doctor found."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from r2d_action.doctor.buildpack import DEFAULT, DOCKER, Decision
from r2d_action.doctor.finding import Finding, Severity
from r2d_action.report.diagnose.words import listed

WIDTH = 88
INDENT = " " * 9


def screen(decision: Decision, found: Sequence[Finding]) -> str:
    parts = [_wrapped(_what_happens(decision), "")]
    parts += ["\n".join(_finding(finding)) for finding in found]
    return "\n\n".join([*parts, _count(found)])


def _what_happens(decision: Decision) -> str:
    if decision.buildpack is DOCKER:
        return f"repo2docker builds {listed(decision.reads)}, and reads no other environment file."
    where = f"in the folder `{decision.folder}`" if decision.folder else "at the top"
    if not decision.reads:
        return f"repo2docker finds no environment file {where}, and builds its default Python."
    title = "its default Python" if decision.buildpack is DEFAULT else decision.buildpack.title
    return f"repo2docker reads {listed(decision.reads)}, and builds with {title}."


def _finding(finding: Finding) -> Iterator[str]:
    yield f"{finding.severity.value:8} {finding.place} ({finding.rule})"
    yield _wrapped(finding.message, INDENT)
    yield _wrapped(finding.remedy, INDENT)


def _wrapped(text: str, indent: str) -> str:
    """Sentences fit the screen; lines to paste stay as they are."""
    return "\n".join(
        indent + line
        if line.startswith(" ")
        else textwrap.fill(
            line,
            WIDTH,
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in text.splitlines()
    )


def _count(found: Sequence[Finding]) -> str:
    if not found:
        return "Nothing to mend."
    counts = [(one, sum(finding.severity is one for finding in found)) for one in Severity]
    words = (f"{n} {one.value}{'s' * (n > 1)}" for one, n in counts if n)
    return f"{', '.join(words)}."
