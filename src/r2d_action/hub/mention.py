"""Whether a text is the name of our image, and what stands behind the name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from r2d_action.reference import Digest, InvalidReference, Repository, Tag

# What chartpress and its like replace before the hub sees it: `set-by-chartpress`. Any other
# word, be it `PLACEHOLDER`, is a tag that may wait for its first image.
_PLACEHOLDER = re.compile(r"set-(?:by|on|in|at|during)-[\w.-]+")
# `NAME=image` in a list of variables or options, `docker://image` in tools that know several
# kinds of images.
_BEFORE = re.compile(r"(?:-{0,2}[A-Za-z_][\w.-]*=)?(?:docker://)?")


@dataclass(frozen=True, slots=True)
class Mention:
    """A text that is our image's name and nothing else. ``head`` is what stands before the tag,
    as it is written, ``tail`` the rest (``:tag``, ``:tag@digest``, ``@digest`` or nothing)."""

    head: str
    tail: str

    @property
    def tag(self) -> str:
        return self.tail.partition("@")[0].removeprefix(":")

    @property
    def digest(self) -> str:
        return self.tail.partition("@")[2]


@dataclass(frozen=True, slots=True)
class Image:
    """A repository under any of its spellings: Docker Hub's hosts are one, hosts know no case."""

    host: str
    path: str

    @classmethod
    def of(cls, repository: Repository) -> Image:
        host = "docker.io" if repository.registry.is_docker_hub else repository.registry.host
        return cls(host.lower(), repository.path)

    @property
    def needle(self) -> str:
        """What every spelling of the name contains, to look for before anything is parsed."""
        return self.path.rpartition("/")[2]

    def is_called(self, name: str) -> bool:
        return _image_called(name) == self

    def mentioned_by(self, text: str) -> Mention | None:
        if self.needle not in text:
            return None
        stripped = text.strip()
        if " " in stripped or "\n" in stripped:
            return None
        before = _BEFORE.match(stripped)
        start = before.end() if before else 0
        name, _, _ = stripped[start:].partition("@")
        name = _without_tag(name)
        if not self.is_called(name):
            return None
        end = start + len(name)
        return Mention(stripped[:end], stripped[end:])

    def is_in(self, text: str) -> bool:
        """Whether a longer text speaks of the image."""
        return self.needle in text and any(
            self.mentioned_by(word) for word in re.findall(r"[^\s\"'`,;()\[\]{}<>|]+", text)
        )


@lru_cache(maxsize=4096)
def _image_called(name: str) -> Image | None:
    try:
        return Image.of(Repository.parse(name))
    except InvalidReference:
        return None


def _without_tag(name: str) -> str:
    before, colon, behind = name.rpartition(":")
    return before if colon and "/" not in behind else name


def why_not_a_tag(tag: str, digest: str) -> str:
    """Why what stands for tag and digest is not one that a person chose; empty if it is."""
    if _PLACEHOLDER.fullmatch(tag):
        return f"{tag!r} is replaced by another tool"
    try:
        if tag:
            Tag(tag)
        if digest:
            Digest(digest)
    except InvalidReference:
        return f"{tag + ('@' if digest else '') + digest!r} is filled in by another tool"
    return ""
