"""What publishing leaves behind."""

from __future__ import annotations

from dataclasses import dataclass

from r2d_action.errors import Failure
from r2d_action.reference import Digest, Reference, Repository, Tag


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """``compressed_size`` in bytes, as the registry holds it, and that of the image which had the
    tags before (None for the first one); ``tags`` those that hold the image now, the one that
    names its commit first."""

    reference: Reference
    digest: Digest
    tags: tuple[Tag, ...]
    compressed_size: int
    seconds: float
    previous_size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What a repository has now, or why it has not got the image. ``published`` is None where it
    has none of the plan's tags."""

    repository: Repository
    reference: Reference | None = None
    published: Published | None = None
    error: Failure | None = None
