"""Whose image goes where: the two ends of a change of a hub's configuration."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from r2d_action.reference import Repository

OWN_BRANCHES = "r2d-action/"
_COMMIT = re.compile(r"[0-9a-f]{7,40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A part of a hub repository. ``repository`` is ``owner/name``; ``branch`` is empty for
    the default one; ``files`` are globs and ``select`` selectors, empty for all."""

    repository: str
    branch: str = ""
    files: tuple[str, ...] = ()
    select: tuple[str, ...] = ()

    def proposal_branch(self, image: Repository) -> str:
        """The same for every run that brings this image here, another for any other target."""
        name = "/".join(image.identity)
        parts = (name, self.branch, *sorted(self.files), "", *sorted(self.select))
        digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
        return f"{OWN_BRANCHES}{image.path.rpartition('/')[2]}-{digest[:8]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the image comes from.

    ``url`` is the home page of its repository, ``created`` when the image was made (ISO 8601,
    so that text compares as time does), ``newer`` the commits that came after ``commit``:
    None where git cannot tell.
    """

    commit: str = ""
    url: str = ""
    created: str = ""
    run_url: str = ""
    pull_request: int | None = None
    newer: tuple[str, ...] | None = None

    @property
    def commit_url(self) -> str:
        return f"{self.url}/commit/{self.commit}" if self.url and self.commit else ""

    def precedes(self, commit: str, created: str = "") -> bool:
        """Whether an image of ``commit`` is newer than ours; no, where nobody knows."""
        if self.newer is not None and commit:
            return any(one.startswith(commit) for one in self.newer)
        return bool(self.created) and created > self.created


def as_commit(tag: str) -> str:
    """The commit that a tag is named after, as far as it is written out; empty for other tags."""
    name = tag.partition("@")[0]
    return name if _COMMIT.fullmatch(name) else ""
