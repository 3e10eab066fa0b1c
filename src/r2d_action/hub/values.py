"""What is changed in a hub's configuration, as values."""

from __future__ import annotations

from dataclasses import dataclass

from r2d_action.reference import Digest, Repository, Tag


@dataclass(frozen=True, slots=True)
class NewImage:
    """The image that a hub is to run; without a digest where only the tag is known."""

    repository: Repository
    tag: Tag
    digest: Digest | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One place that names the image. ``selector`` finds it again, ``old`` and ``new`` are the
    references (``tag`` or ``tag@digest``) before and after; ``aliases`` are the selectors of
    further places that take their value from this one by a YAML alias."""

    path: str
    selector: str
    old: str
    new: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileEdit:
    """``before`` and ``after`` are a file's whole content; ``notes`` are sentences about what
    was seen and left as it is, and why."""

    path: str
    before: bytes
    after: bytes
    changes: tuple[Change, ...]
    notes: tuple[str, ...] = ()
