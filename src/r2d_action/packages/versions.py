"""Which of two versions is the newer one. Pure."""

from __future__ import annotations

import re
from typing import Any

from packaging.version import InvalidVersion, Version

from r2d_action.packages import debian
from r2d_action.packages.values import Kind, Move


def move(kind: Kind, old: str, new: str) -> Move:
    """From one version to another; ``CHANGED`` where nobody can tell."""
    before, after = _key(kind, old), _key(kind, new)
    if not (old[:1].isdecimal() and new[:1].isdecimal()) or type(before) is not type(after):
        return Move.CHANGED
    if before == after:
        return Move.CHANGED
    return Move.UP if before < after else Move.DOWN


def is_big_step(old: str, new: str) -> bool:
    """The first number of the version, which by custom tells of what may break."""
    return _first_number(old) != _first_number(new)


def _first_number(version: str) -> str:
    match = re.match(r"(?:\d+:)?0*(\d+)", version)
    return match[1] if match else ""


def _key(kind: Kind, version: str) -> Any:
    if kind is Kind.R:
        # https://rdrr.io/r/base/numeric_version.html: a dash parts numbers as a dot does.
        return [int(number) for number in re.findall(r"\d+", version)]
    if kind is Kind.APT:
        return debian.version_key(version)
    try:
        return Version(version)
    except InvalidVersion:
        return None
