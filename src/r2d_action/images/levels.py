"""Which images are built, and which of them before which. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from r2d_action.errors import InputError
from r2d_action.images.values import Image

# One job of the reusable workflow for each.
MOST_LEVELS = 3


def levels(images: Sequence[Image]) -> tuple[tuple[Image, ...], ...]:
    """Each image is in a later level than those it is built on.

    Raises :class:`InputError` where they are built on one another in a circle.
    """
    found: list[tuple[Image, ...]] = []
    waiting = list(images)
    while waiting:
        names = {image.name for image in waiting}
        ready = tuple(one for one in waiting if not names.intersection(one.parents.values()))
        if not ready:
            raise InputError(_circle(waiting))
        found.append(ready)
        waiting = [image for image in waiting if image not in ready]
    if len(found) > MOST_LEVELS:
        raise InputError(_too_deep(found))
    return tuple(found)


def with_children(names: Iterable[str], images: Sequence[Image]) -> tuple[Image, ...]:
    """The images of these names, and all that are built on them, in the order of ``images``."""
    found = set(names)
    while more := {one.name for one in images if found.intersection(one.parents.values())} - found:
        found |= more
    return tuple(image for image in images if image.name in found)


def touched(
    images: Sequence[Image], paths: Iterable[str], shared: Collection[str]
) -> tuple[str, ...]:
    """Names of the images that a change of ``paths`` reaches; one in ``shared`` (a file, or a
    folder with a slash behind it) reaches all."""
    paths = tuple(paths)
    if any(_is_in(path, shared) for path in paths):
        return tuple(image.name for image in images)
    return tuple(
        image.name for image in images if any(_is_in(path, (f"{image.path}/",)) for path in paths)
    )


def _is_in(path: str, places: Collection[str]) -> bool:
    return any(
        path == place or (place.endswith("/") and path.startswith(place)) for place in places
    )


def _circle(images: Sequence[Image]) -> str:
    names = " → ".join(_around({image.name: image for image in images}))
    return (
        f"IMAGES: {names} (each is built on the next) go round in a circle, so none of them can be "
        "the first; let one start from another image in its Dockerfile."
    )


def _around(images: dict[str, Image]) -> Iterator[str]:
    """From any image to one of those it waits for, until one comes again."""
    name, seen = next(iter(images)), list[str]()
    while name not in seen:
        seen.append(name)
        name = next(parent for parent in images[name].parents.values() if parent in images)
    yield from (*seen[seen.index(name) :], name)


def _too_deep(found: Sequence[Sequence[Image]]) -> str:
    last = ", ".join(image.name for image in found[MOST_LEVELS])
    return (
        f"IMAGES: {last} would be built after {MOST_LEVELS} others that wait for one another, and "
        f"the workflow has {MOST_LEVELS} steps; build it from an image further down."
    )
