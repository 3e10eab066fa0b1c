"""The packages of an image that the engine has."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from importlib import resources

import docker

from r2d_action.check.container import archive_of, put, read_file, start, throw_away
from r2d_action.errors import UserError
from r2d_action.packages.found import packages_in
from r2d_action.packages.values import PackageList

FOLDER = "/r2d-action-packages"
SCRIPT = "collect.sh"
# Big images have hundreds of thousands of files to be looked through.
PATIENCE_SECONDS = 300


def read_packages(client: docker.DockerClient, image: str) -> PackageList:
    """Nothing of the image is started but its shell, without a network; an image needs neither
    Python nor conda for it. Raises :class:`EngineError`, and :class:`UserError` for an image
    that has no shell or no tar."""
    return packages_in(dict(_files_in(_collected(client, image))))


def _collected(client: docker.DockerClient, image: str) -> bytes:
    """A tar archive of the files that tell of packages."""
    command = {
        "entrypoint": ["sh", f"{FOLDER}/{SCRIPT}"],
        "command": [FOLDER],
        "user": "0",
        "network_mode": "none",
        "working_dir": "/",
    }
    script = resources.files("r2d_action.packages.inside").joinpath(SCRIPT).read_bytes()
    with throw_away(client, image, **command) as container:
        put(container, "/", archive_of({f"{FOLDER.strip('/')}/{SCRIPT}": script}))
        why_not = start(container)
        if not why_not:
            container.wait(timeout=PATIENCE_SECONDS)
            archive = read_file(container, f"{FOLDER}/found.tar")
            if archive:
                return archive
            why_not = container.logs(tail=3).decode("utf-8", "replace").strip()
    raise UserError(
        f"The packages of {image} cannot be listed, since it lacks a shell, find or tar; images "
        f"of a Linux distribution have them. It said: {why_not or 'nothing'}"
    )


def _files_in(archive: bytes) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for entry in tar:
            # Of a file with two names, the second one is a link to the first.
            if file := tar.extractfile(entry):
                yield f"/{entry.name.removeprefix('./')}", file.read()
