"""The folders of a checkout that images are built from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from r2d_action.context import CONFIG_DIRS, ENVIRONMENT_FILES
from r2d_action.errors import InputError
from r2d_action.images.values import Folder
from r2d_action.key import NoKey
from r2d_action.key.bases import images_in

USUAL = "images/*"
PLACES = (*CONFIG_DIRS, ".")


def folders_in(checkout: Path, globs: Sequence[str]) -> tuple[Folder, ...]:
    """Those that ``globs`` name, or without any the usual ones, of which there may be none.

    Raises :class:`InputError`.
    """
    found = [path for glob in globs for path in _named(checkout, glob)]
    if not globs:
        found = [path for path in sorted(checkout.glob(USUAL)) if _is_built(path)]
    paths = dict.fromkeys(path.relative_to(checkout).as_posix() for path in found)
    return tuple(Folder(path, _bases(checkout / path)) for path in paths)


def _named(checkout: Path, glob: str) -> list[Path]:
    pattern = glob.strip("/")
    usable = pattern and ".." not in pattern.split("/")
    found = sorted(path for path in checkout.glob(pattern) if path.is_dir()) if usable else []
    if not found:
        raise InputError(
            f"IMAGES: {glob!r} names no folder of this repository; write for example "
            f"`IMAGES: {USUAL}`."
        )
    return found


def _is_built(folder: Path) -> bool:
    """A folder `images` may just as well hold pictures."""
    return any(path.is_file() for path in _environment_files(folder))


def _environment_files(folder: Path) -> Iterator[Path]:
    for place in PLACES:
        yield from (folder / place / name for name in ENVIRONMENT_FILES)


def _bases(folder: Path) -> tuple[str, ...]:
    place = next(place for place in PLACES if (folder / place).is_dir())
    try:
        return images_in((folder / place / "Dockerfile").read_text(encoding="utf-8"), {})
    except (OSError, UnicodeDecodeError, NoKey):
        return ()
