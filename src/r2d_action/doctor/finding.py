"""What doctor says of a repository: one finding for each thing that will go wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from r2d_action.doctor.repository import Repository
from r2d_action.errors import Place


class Severity(Enum):
    """An error fails the build, or makes an image that does not start or must not be
    published; a warning is most likely not what was meant; a note is advice."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One place where a rule is broken. ``message`` is one sentence, ``remedy`` may end in
    lines to paste."""

    place: Place
    message: str
    remedy: str


Check = Callable[[Repository], Iterator[Trouble]]


@dataclass(frozen=True, slots=True)
class Rule:
    """``summary`` says in the reference what is found."""

    name: str
    severity: Severity
    summary: str
    check: Check

    def findings(self, repository: Repository) -> Iterator[Finding]:
        for trouble in self.check(repository):
            yield Finding(self.name, self.severity, trouble.place, trouble.message, trouble.remedy)


@dataclass(frozen=True, slots=True)
class Finding:
    rule: str
    severity: Severity
    place: Place
    message: str
    remedy: str
