"""What the keys of a hub's configuration mean: which name an image, which its tag, which are
words for people.

Charts and tools spell them differently (``name``, ``repository``, ``imageName``, ``newTag``,
``SINGLEUSER_IMAGE_TAG``); their last words tell what they are, the words before what they
belong to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

NEW = ("new",)
# With a letter in it, so that it has a word.
_NAME = re.compile(r"[\w./-]*[A-Za-z0-9][\w./-]*")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")
_FOR_PEOPLE = frozenset(
    {"about", "caption", "comment", "comments", "description", "display", "doc", "docs"}
    | {"documentation", "help", "hint", "info", "message", "note", "notes", "summary", "text"}
    | {"title", "tooltip"}
)
_FOR_TOOLS = frozenset({"annotations", "labels"})


class Part(Enum):
    NAME = "name"
    TAG = "tag"
    DIGEST = "digest"
    REGISTRY = "registry"


@dataclass(frozen=True, slots=True)
class Role:
    """``owner`` are the words for what the part belongs to; of several names of one owner, that
    of the lowest ``rank`` is the image's (``name`` may be the name of anything)."""

    part: Part
    owner: tuple[str, ...] = ()
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """The keys that say together what one image is."""

    name: str
    registry: str = ""
    tag: str = ""
    digest: str = ""


@lru_cache(maxsize=4096)
def words(key: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _WORD.findall(key))


@lru_cache(maxsize=4096)
def is_for_people(key: str) -> bool:
    return not _FOR_PEOPLE.isdisjoint(words(key)) and words(key)[-1] != "image"


@lru_cache(maxsize=4096)
def is_metadata(key: str) -> bool:
    """Kubernetes' free texts: they say where something comes from, and start nothing."""
    return words(key)[-1:] != () and words(key)[-1] in _FOR_TOOLS


@lru_cache(maxsize=4096)
def role(key: str) -> Role | None:
    *owner, last = words(key) if _NAME.fullmatch(key) else ("",)
    about_image = owner[-1:] == ["image"]
    before = tuple(owner[:-1] if about_image else owner)
    if last in ("repository", "repo"):
        return Role(Part.NAME, before, rank=0)
    if last == "image":
        return Role(Part.NAME, tuple(owner), rank=1)
    if last == "name":
        return Role(Part.NAME, before, rank=1 if about_image else 2)
    if last in ("tag", "digest", "registry"):
        return Role(Part(last), before)
    return None


def groups(keys: Iterable[str]) -> tuple[Group, ...]:
    """The images that the keys of one mapping speak of. ``keys`` are those with a plain value."""
    roles = {key: role(key) for key in keys}
    by_part = {part: _by_owner(roles, part) for part in Part}
    return tuple(_group(owner, key, by_part) for owner, key in by_part[Part.NAME].items())


def _by_owner(roles: Mapping[str, Role | None], part: Part) -> dict[tuple[str, ...], str]:
    found: dict[tuple[str, ...], tuple[int, str]] = {}
    for key, one in roles.items():
        if one is not None and one.part is part:
            best = found.get(one.owner)
            if best is None or one.rank < best[0]:
                found[one.owner] = (one.rank, key)
    return {owner: key for owner, (_, key) in found.items()}


def _group(
    owner: tuple[str, ...], name: str, by_part: Mapping[Part, Mapping[tuple[str, ...], str]]
) -> Group:
    # kustomize: `newName` and `newTag` belong together, and `newTag` to `name` without one.
    # https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/images/
    is_replaced = NEW in by_part[Part.NAME]
    owners = {(): ((),) if is_replaced else ((), NEW), NEW: (NEW, ())}.get(owner, (owner,))

    def key_of(part: Part) -> str:
        return next((by_part[part][one] for one in owners if one in by_part[part]), "")

    return Group(name, key_of(Part.REGISTRY), key_of(Part.TAG), key_of(Part.DIGEST))
