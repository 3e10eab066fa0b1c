"""The rules as a page of the documentation."""

from __future__ import annotations

from collections.abc import Iterator

from r2d_action.doctor.finding import Severity
from r2d_action.doctor.table import RULES

_SEVERITIES = {
    Severity.ERROR: "The build fails, or the image does not start or must not be published. The "
    "command ends with exit code 2.",
    Severity.WARNING: "Most likely not what was meant.",
    Severity.NOTE: "Advice. `r2d-action run` does not show it.",
}


def rules_page(generated: str) -> str:
    """``generated`` is the remark for those who would change the page."""
    return "\n".join(_lines(generated)) + "\n"


def _lines(generated: str) -> Iterator[str]:
    yield "# What `r2d-action doctor` looks for"
    yield ""
    yield f"<!-- {generated} -->"
    yield ""
    yield "`r2d-action doctor` reads a repository and says, without building it, what repo2docker"
    yield "will do with it and what will go wrong. With `--json`, it prints that as JSON."
    for severity in Severity:
        yield ""
        yield f"## {severity.value.capitalize()}s"
        yield ""
        yield _SEVERITIES[severity]
        yield ""
        yield "| Rule | What is found |"
        yield "|---|---|"
        rules = (rule for rule in RULES if rule.severity is severity)
        yield from (f"| `{rule.name}` | {rule.summary} |" for rule in rules)
