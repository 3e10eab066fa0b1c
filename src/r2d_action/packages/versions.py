"""Which of two versions is the newer one. Pure."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

from packaging.version import InvalidVersion, Version

from r2d_action.packages.debian import version_key
from r2d_action.packages.values import Kind, Move


def move(kind: Kind, old: str, new: str) -> Move:
    """From one version to another; ``CHANGED`` where nobody can tell."""
    before, after = _keys(kind, old, new)
    if before == after or not (old[:1].isdecimal() and new[:1].isdecimal()):
        return Move.CHANGED
    return Move.UP if before < after else Move.DOWN


def is_big_step(old: str, new: str) -> bool:
    """The first number of the version, which by custom tells of what may break."""
    return _first_number(old) != _first_number(new)


def _first_number(version: str) -> str:
    match = re.match(r"(?:\d+:)?0*(\d+)", version)
    return match[1] if match else ""


def _keys(kind: Kind, old: str, new: str) -> tuple[Any, Any]:
    if kind is Kind.R:
        # A dash parts numbers as a dot does:
        # https://stat.ethz.ch/R-manual/R-devel/library/base/html/numeric_version.html
        return _numbers(old), _numbers(new)
    if kind is not Kind.APT:
        # Conda's versions need not be Python's.
        with suppress(InvalidVersion):
            return Version(old), Version(new)
    return version_key(old), version_key(new)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))
