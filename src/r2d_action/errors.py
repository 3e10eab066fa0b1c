"""What may go wrong, in words for the person who has to mend it.

Every expected error is one sentence that names the place, the reason and the
remedy. Anything that is not a :class:`UserError` is a bug of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Place:
    """A line of one of the user's files; ``path`` is relative to the checkout."""

    path: str
    line: int | None = None

    def __str__(self) -> str:
        return self.path if self.line is None else f"{self.path}, line {self.line}"


class UserError(Exception):
    """An error that its reader can mend.

    ``what`` is one sentence: place, reason, remedy. ``remedy`` may add what to
    type or paste, over several lines; ``link`` a page that explains it.
    """

    exit_code: ClassVar[int] = 1
    title: ClassVar[str] = "r2d-action could not go on"

    def __init__(
        self,
        what: str,
        *,
        remedy: str = "",
        place: Place | None = None,
        link: str = "",
    ) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
        self.place = place
        self.link = link

    def __str__(self) -> str:
        return "\n".join(part for part in (self.what, self.remedy, self.link) if part)


class InputError(UserError):
    """Refused before any work: an input, or what it names, is not usable."""

    exit_code = 2
    title = "An input cannot be used"


class EngineError(UserError):
    """The container engine is missing, unreachable or lacks something we need."""

    exit_code = 3
    title = "The container engine cannot be used"


class BuildFailed(UserError):
    exit_code = 4
    title = "The image could not be built"


class CheckFailed(UserError):
    """The image was built and a check says that it must not be published."""

    exit_code = 5
    title = "The image did not pass its checks"


class PublishFailed(UserError):
    """The registry has the old tags or the complete new ones, as the text says."""

    exit_code = 6
    title = "The image could not be published"


class LoginFailed(PublishFailed):
    """No credential for a registry could be had, or it was refused; nothing was pushed."""

    title = "The login at the registry failed"


class HubFailed(UserError):
    """The hub's configuration, or the hub itself, is as the text says."""

    exit_code = 8
    title = "The hub was not updated"


class BinderFailed(UserError):
    exit_code = 7
    title = "The Binder cache could not be updated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An error as a value: what is told of it, now or by a later job."""

    title: str
    what: str
    remedy: str
    place: Place | None
    link: str
    exit_code: int

    @classmethod
    def of(cls, error: UserError) -> Failure:
        return cls(
            title=error.title,
            what=error.what,
            remedy=error.remedy,
            place=error.place,
            link=error.link,
            exit_code=error.exit_code,
        )
