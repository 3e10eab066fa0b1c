"""Images that stand in for those that a Dockerfile names: the parents that were built just now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from r2d_action.errors import BuildFailed, InputError
from r2d_action.images.records import Record
from r2d_action.key.bases import place_of
from r2d_action.reference import InvalidReference, Reference

EXAMPLE = f"quay.io/org/base:latest=quay.io/org/base@sha256:{'0123456789abcdef' * 4}"


def read_pins(pairs: Iterable[str]) -> dict[str, Reference]:
    """From BASE_IMAGES: what a Dockerfile says, and the image that is taken.

    Raises :class:`InputError`.
    """
    return dict(map(_pin, pairs))


def _pin(pair: str) -> tuple[str, Reference]:
    # An image's name has no equals sign.
    name, _, image = pair.partition("=")
    try:
        reference = Reference.parse(image)
    except InvalidReference:
        reference = None
    if not name or reference is None or reference.digest is None:
        raise InputError(
            f"BASE_IMAGES: {pair!r} does not say which image stands in for which, with a digest; "
            f"write for example `BASE_IMAGES: {EXAMPLE}`."
        )
    return name, reference


def stand_in(name: str, pins: Mapping[str, Reference]) -> Reference | None:
    """The image that is taken for ``name``, however it is spelled here and in ``pins``."""
    places = {place_of(one): image for one, image in pins.items()}
    return places.get(place_of(name))


def pins_from(parents: Mapping[str, str], records: Mapping[str, Record]) -> Iterator[str]:
    """The pairs of BASE_IMAGES. A parent that was not pushed (a pull request from a fork) has none.

    Raises :class:`BuildFailed` for a parent that failed.
    """
    for written, name in parents.items():
        record = records.get(name)
        if record is None or record.result != "success":
            raise BuildFailed(
                f"This image is built on {name}, which was not built; mend {name} first, and this "
                "one follows."
            )
        if record.digest:
            yield f"{written}={record.image}@{record.digest}"
