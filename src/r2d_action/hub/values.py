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
    """One place that names the image. ``selector`` finds it again; ``old`` and ``new`` are what
    stands behind the image's name: ``tag``, ``tag@digest`` or ``@digest``. ``aliases`` are the
    selectors of further places that take their value from this one by a YAML alias."""

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


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place that names the image, and the selector to paste for it alone; the selector is
    empty where nothing tells the place from another one."""

    path: str
    selector: str
    old: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing may be written: one sentence with place, reason and remedy."""

    what: str
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class Edited:
    """``files`` are those in which there is something to change or to say. Where anything is
    refused, none of them may be written.

    ``names_image`` is false when no file names the image at all: then there is nothing to do
    either, but hardly because the hub has the image already.
    """

    files: tuple[FileEdit, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    names_image: bool = True

    @property
    def changed(self) -> tuple[FileEdit, ...]:
        return tuple(file for file in self.files if file.changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """``status`` is opened, updated, unchanged, closed, current (the hub has it already), absent
    (the hub does not name the image), declined (a person closed the same one), overtaken (a
    newer image is there or proposed), or dispatched (the hub's own automation was told)."""

    status: str
    note: str
    url: str = ""
    number: int | None = None
    branch: str = ""
    commit: str = ""
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
