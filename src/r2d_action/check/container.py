"""Containers that a check starts and always takes away again, on any engine.

Files go in through the engine's API: the engine may be on another machine.
"""

from __future__ import annotations

import io
import json
import re
import secrets
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import resources
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException, NotFound
from docker.models.containers import Container

from r2d_action.errors import EngineError
from r2d_action.shown import as_shown

# In the root, which every image has and none mounts something over.
TOOLS = "/r2d-action-check"
# Faults of the image's; of an engine's own faults there are too many to tell.
UNUSABLE_COMMAND = re.compile(
    "executable file.* not found|no such file|permission denied|is a directory"
    "|unable to find (user|group)",
    re.IGNORECASE,
)
# Round its reason, the engine names each of its parts that the reason went through.
ROUND_A_REASON = re.compile(
    r"^.*(?:unable to start container process|OCI runtime create failed): |: unknown$"
)
# Where a shell speaks of a command from a script of Windows.
IN_A_NAME = re.compile(r"\r(?=: )")
LINE_LENGTH = 300


@contextmanager
def talking_about(image: str) -> Iterator[None]:
    try:
        yield
    except (DockerException, requests.RequestException) as error:
        raise EngineError(
            f"The engine could not run {image} to check it: {error}; run the job again, and on a "
            "runner of your own see with `docker info` that it answers."
        ) from error


def config_of(client: docker.DockerClient, image: str) -> dict[str, Any]:
    """The image's configuration, as the engine tells it. Raises :class:`EngineError`."""
    with talking_about(image):
        return dict(client.images.get(image).attrs["Config"])


@contextmanager
def throw_away(client: docker.DockerClient, image: str, **options: Any) -> Iterator[Container]:
    """A created container, removed with its volumes whatever happens.

    Raises :class:`EngineError` when the engine refuses it or goes away.
    """
    # Known before there is a container, so that none is lost to a Ctrl-C in between.
    name = f"r2d-action-check-{secrets.token_hex(6)}"
    try:
        with talking_about(image):
            yield client.containers.create(image, name=name, **options)
    finally:
        with suppress(DockerException, requests.RequestException):
            client.containers.get(name).remove(force=True, v=True)


def put(container: Container, directory: str, archive: bytes) -> bool:
    """Unpack a tar archive in ``directory``; false when the image has no such directory."""
    try:
        container.put_archive(directory, archive)
    except NotFound:
        return False
    return True


def put_tool(container: Container, script: str) -> str:
    """Place one of our own scripts in the container and give its path there."""
    content = resources.files("r2d_action.check.inside").joinpath(script).read_bytes()
    put(container, "/", archive_of({f"{TOOLS.strip('/')}/{script}": content}))
    return f"{TOOLS}/{script}"


def archive_of(files: Mapping[str, bytes]) -> bytes:
    """A tar archive whose files and folders every user may read and write.

    The container is thrown away, and which user the image runs as is its own affair.
    """
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for folder in sorted({parent for name in files for parent in _parents(name)}):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o777
            tar.addfile(entry)
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o777
            tar.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def _parents(name: str) -> Iterator[str]:
    folder = name.rpartition("/")[0]
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]


def read_file(container: Container, path: str) -> bytes:
    """A file of a running or ended container; empty when there is none."""
    try:
        chunks, _ = container.get_archive(path)
    except NotFound:
        return b""
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
        file = tar.extractfile(tar.getmembers()[0])
        return file.read() if file else b""


def start(container: Container) -> str:
    """Start it; the engine's reason when the image's command cannot be run, else nothing."""
    try:
        container.start()
    except APIError as error:
        if UNUSABLE_COMMAND.search(str(error.explanation)):
            return ROUND_A_REASON.sub("", str(error.explanation))
        raise
    return ""


def plain_lines(output: bytes) -> list[str]:
    """As a terminal shows them in the end, and none of them endless."""
    shown = (as_shown(IN_A_NAME.sub(r"\\r", line)) for line in lines_of([output]))
    return [line if len(line) <= LINE_LENGTH else f"{line[:LINE_LENGTH]} …" for line in shown]


def objects_in(output: bytes) -> Iterator[dict[str, Any]]:
    """One from each line that holds a whole one: a container that is killed may leave half a line
    behind, and the image's own Python may say something when it starts."""
    for line in output.decode("utf-8", "replace").splitlines():
        if line.startswith("{"):
            with suppress(json.JSONDecodeError):
                yield json.loads(line)


def lines_of(chunks: Iterable[bytes]) -> Iterator[str]:
    """Whole lines out of a stream that is cut anywhere, as soon as each is complete."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield _text(line)
    if rest:
        yield _text(rest)


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r")
