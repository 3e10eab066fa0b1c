"""The packages of an image that the engine has."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from tempfile import TemporaryFile
from typing import IO

import docker
from docker.models.containers import Container

from r2d_action.check.container import archive_of, put, start, throw_away
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
    with (
        TemporaryFile() as spool,
        # It is read while the engine takes its time to end the container.
        _collected(client, image, spool),
        tarfile.open(fileobj=spool) as outer,
        tarfile.open(fileobj=outer.extractfile(outer.getmembers()[0])) as tar,
    ):
        return packages_in(_Files(tar))


class _Files(Mapping[str, bytes]):
    """Those of an archive, by their paths in the image. Together they can be very long."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._entries = {f"/{one.name.removeprefix('./')}": one for one in tar}

    def __getitem__(self, path: str) -> bytes:
        # Of a file with two names, the second one is a link to the first.
        file = self._tar.extractfile(self._entries[path])
        return file.read() if file else b""

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


@contextmanager
def _collected(client: docker.DockerClient, image: str, spool: IO[bytes]) -> Iterator[None]:
    """Fills ``spool`` with the engine's archive of one file, which is our archive of what tells of
    packages; the container that it comes from is removed in the end."""
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
        _require_success(container, image)
        spool.writelines(container.get_archive(f"{FOLDER}/found.tar")[0])
        spool.seek(0)
        yield


def _require_success(container: Container, image: str) -> None:
    why_not = start(container)
    if not why_not and container.wait(timeout=PATIENCE_SECONDS)["StatusCode"] == 0:
        return
    why_not = why_not or container.logs(tail=3).decode("utf-8", "replace").strip()
    raise UserError(
        f"The packages of {image} cannot be listed: its own shell, find and tar are needed for "
        f"it, which every Linux distribution has. It said: {why_not}"
    )
