"""What ``.dockerignore`` leaves out, by the rules of Docker's own builder.

https://docs.docker.com/build/concepts/context/#dockerignore-files
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

from docker.utils.build import Pattern
from docker.utils.fnmatch import translate


@dataclass(frozen=True, slots=True)
class Rule:
    """``matches`` takes a path relative to the context's top."""

    matches: Callable[[str], object]
    brings_back: bool


def rules_in(text: str) -> tuple[Rule, ...]:
    lines = (line.strip() for line in text.splitlines())
    return tuple(_rule(line) for line in lines if line and not line.startswith("#"))


def kept(paths: Iterable[str], rules: tuple[Rule, ...]) -> Iterable[str]:
    return [path for path in paths if not _is_left_out(path, rules)] if rules else paths


def _is_left_out(path: str, rules: tuple[Rule, ...]) -> bool:
    # The last rule that speaks of a path decides.
    return next((not rule.brings_back for rule in reversed(rules) if rule.matches(path)), False)


@cache
def _rule(line: str) -> Rule:
    pattern = Pattern(line)
    # `translate` ends its expression at the end of the path; a folder takes what is in it along.
    expression = translate(pattern.cleaned_pattern).removesuffix("$")
    return Rule(re.compile(f"(?:{expression})(?:/.*)?\\Z", re.DOTALL).match, pattern.exclusion)
