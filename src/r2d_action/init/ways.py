"""The four ways to an image, and the files that each begins with.

The files lie in ``files/``, in layers. Each name ends in ``.in`` there, so that nobody's tools
take the file for one of this project's own (a linter, a scanner of dependencies), and
``%{name}`` stands for what differs between communities.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SUFFIX = ".in"
WORKFLOW = ".github/workflows/image.yml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A file of a later layer replaces that of an earlier one. ``inputs`` are for the workflow;
    ``edited`` is what people change afterwards, as the README words it."""

    name: str
    summary: str
    layers: tuple[str, ...]
    edited: str
    inputs: tuple[tuple[str, str], ...] = ()
    publishes: bool = True


COMMUNITY = Way(
    name="community",
    summary="use a community image as it is; newer ones are tried with your tests",
    layers=("all", "docker", "community"),
    edited="the `Dockerfile`",
    inputs=(("NO_PUSH", "true"),),
    publishes=False,
)
INHERIT = Way(
    name="inherit",
    summary="take a community image, and add to it (a short Dockerfile)",
    layers=("all", "package", "inherit"),
    edited="`requirements.txt` or the `Dockerfile`",
)
REPO2DOCKER = Way(
    name="repo2docker",
    summary="list packages, and let repo2docker make the image (environment.yml)",
    layers=("all", "package", "repo2docker"),
    edited="`environment.yml`",
    # Over the home folder, where the files go otherwise, a hub mounts the user's own.
    inputs=(("REPO_DIR", "/srv/repo"),),
)
OWN = Way(
    name="own",
    summary="write the whole Dockerfile yourself",
    layers=("all", "docker", "package", "own"),
    edited="`requirements.txt` or the `Dockerfile`",
)
WAYS: Mapping[str, Way] = {way.name: way for way in (COMMUNITY, INHERIT, REPO2DOCKER, OWN)}

_FILES = Path(__file__).with_name("files")


class _Text(string.Template):
    # Dockerfiles and workflows have uses of their own for a dollar.
    delimiter = "%"


def filled(text: str, values: Mapping[str, str]) -> str:
    return _Text(text).substitute(values)


def files_of(way: Way, values: Mapping[str, str]) -> dict[str, str]:
    """The texts by their paths, but for those that are written for each community."""
    found: dict[str, str] = {}
    for layer in way.layers:
        for path, text in _texts_in(_FILES / layer):
            found[path] = filled(text, values)
    return found


def readme_part(name: str, values: Mapping[str, str]) -> str:
    return filled((_FILES / "readme" / f"{name}.md{SUFFIX}").read_text("utf-8"), values)


def _texts_in(layer: Path) -> Iterator[tuple[str, str]]:
    for file in layer.rglob(f"*{SUFFIX}"):
        yield file.relative_to(layer).as_posix().removesuffix(SUFFIX), file.read_text("utf-8")
