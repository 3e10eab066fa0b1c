"""What is known of the images of a repository before any of them is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from r2d_action.reference import Repository


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that an image is built from; ``bases`` are the images that its Dockerfile names,
    as written there."""

    path: str
    bases: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Image:
    """``image_name`` is the IMAGE_NAME that the action gets, ``repository`` what comes of it.
    ``parents`` are images of the same repository by name, each under what the Dockerfile says."""

    name: str
    path: str
    image_name: str
    repository: Repository
    parents: Mapping[str, str] = field(default_factory=dict)
