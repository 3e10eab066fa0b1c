"""From folders to images that know one another. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from r2d_action.errors import InputError
from r2d_action.images.values import Folder, Image
from r2d_action.reference import InvalidReference, Reference, Repository

PART = "{image}"
ALONE = "image"


def images_of(
    folders: Iterable[Folder], template: str, repository_of: Callable[[str], Repository]
) -> tuple[Image, ...]:
    """``template`` is IMAGE_NAME, ``repository_of`` what the action makes of such a name.

    Raises :class:`InputError`.
    """
    folders = tuple(folders)
    _require_part(template)
    images = tuple(_image(folder, template, repository_of) for folder in folders)
    _require_own_names(images)
    known = {image.repository.identity: image.name for image in images}
    return tuple(
        replace(image, parents=dict(_parents(folder, known)))
        for image, folder in zip(images, folders, strict=True)
    )


def only_image(path: str, image_name: str, repository: Repository) -> Image:
    if PART in image_name:
        raise InputError(
            f"IMAGE_NAME: {image_name!r} has the part {PART}, and there is one image only; write "
            f"its name out, or name the folders of several in IMAGES."
        )
    return Image(ALONE, path, image_name, repository)


def _image(folder: Folder, template: str, repository_of: Callable[[str], Repository]) -> Image:
    image_name = template.replace(PART, folder.name.lower())
    return Image(folder.name, folder.path, image_name, repository_of(image_name))


def _parents(folder: Folder, known: dict[tuple[str, str], str]) -> Iterator[tuple[str, str]]:
    """``known`` has the names of images by the identities of their repositories."""
    for base in folder.bases:
        try:
            reference = Reference.parse(base)
        except InvalidReference:
            continue
        # One that names a digest has chosen for good.
        if reference.digest is None and reference.repository.identity in known:
            yield base, known[reference.repository.identity]


def _require_part(template: str) -> None:
    if PART not in template:
        given = f"{template!r} names one image only" if template else "is missing"
        raise InputError(
            f"IMAGE_NAME: it {given}, and this repository has several; write for example "
            f"`IMAGE_NAME: my-community/{PART}`, where {PART} stands for the name of the folder."
        )


def _require_own_names(images: Iterable[Image]) -> None:
    paths: dict[str, str] = {}
    for image in images:
        other = paths.setdefault(image.name.lower(), image.path)
        if other != image.path:
            raise InputError(
                f"IMAGES: {other} and {image.path} would both be called {image.name}; rename one "
                "of the two folders."
            )
