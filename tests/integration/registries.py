"""Registries of a test's own, clients for them, and images small enough to be made by hand."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from lab.registry import RunningRegistry, start_registry
from r2d_action.reference import Digest, Registry, Repository
from r2d_action.registry.auth import Credential
from r2d_action.registry.blobs import Blobs
from r2d_action.registry.client import Client
from r2d_action.registry.login import Login
from r2d_action.registry.manifest import Blob, Manifest
from r2d_action.retry import Retry

USER, PASSWORD = "robot", "correct-horse-battery-7"
ROBOT = Credential(USER, PASSWORD, "the test")
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"


@dataclass
class Registries:
    """Starts registries and makes clients; ``said`` and ``waits`` are those of all clients."""

    folder: Path
    running: ExitStack
    said: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def start(self, **how: Any) -> RunningRegistry:
        folder = self.folder / f"registry-{len(list(self.folder.glob('registry-*')))}"
        registry = start_registry(folder, **how)
        self.running.callback(registry.stop)
        return registry

    def client(self, host: str, login: Login | Credential | None = None) -> Client:
        if not isinstance(login, Login):
            login = Login.of(login)
        session = self.running.enter_context(requests.Session())
        return Client(session, Registry(host), login, self.retry)

    @property
    def retry(self) -> Retry:
        return Retry(self.waits.append, self.said.append)


@dataclass(frozen=True)
class Image:
    """``blobs`` are the bytes that the manifest is made of, the configuration last."""

    manifest: Manifest
    blobs: tuple[bytes, ...]


def blob_of(data: bytes) -> Blob:
    return Blob(Digest(f"sha256:{hashlib.sha256(data).hexdigest()}"), len(data))


def image(*layers: bytes, **labels: str) -> Image:
    blobs = (*layers, json.dumps({"config": {"Labels": labels}}).encode())
    *described, config = map(_descriptor, blobs)
    content = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": config,
        "layers": described,
    }
    return Image(Manifest(OCI_MANIFEST, json.dumps(content).encode()), blobs)


def index(*images: Image) -> Manifest:
    children = [
        {
            "mediaType": each.manifest.media_type,
            "digest": str(each.manifest.digest),
            "size": len(each.manifest.body),
        }
        for each in images
    ]
    content = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children}
    return Manifest(OCI_INDEX, json.dumps(content).encode())


def _descriptor(data: bytes) -> Mapping[str, Any]:
    blob = blob_of(data)
    kind = "application/vnd.oci.image.layer.v1.tar"
    return {"mediaType": kind, "digest": str(blob.digest), "size": blob.size}


def noise(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)  # noqa: S311


def push(client: Client, repository: Repository, pushed: Image, *tags: str) -> None:
    for data in pushed.blobs:
        upload(client, repository, data)
    for tag in tags or (str(pushed.manifest.digest),):
        client.put_manifest(repository, tag, pushed.manifest)


def upload(client: Client, repository: Repository, data: bytes) -> Blob:
    blob = blob_of(data)
    Blobs(client, repository).upload(blob, lambda start, end: _pieces(data[start:end]))
    return blob


def _pieces(data: bytes, size: int = 1 << 16) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]
