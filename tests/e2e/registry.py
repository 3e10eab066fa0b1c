"""What a registry holds, read with plain requests: nothing of ours takes part."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import requests

OURS = "r2d-"
# What a registry that cannot attach anything to an image has under a name instead.
ATTACHED = "sha256-"
MANIFEST_TYPES = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
)


@dataclass(frozen=True)
class RegistryView:
    """The registry at ``host``, as the user with this password sees it."""

    host: str
    user: str
    password: str

    def get(self, path: str, **headers: str) -> requests.Response:
        return requests.get(
            f"http://{self.host}/v2/{path}",
            auth=(self.user, self.password),
            headers=headers,
            timeout=30,
        )

    def tags(self, repository: str) -> set[str]:
        """Those that a user asked for; none at all where nothing was pushed."""
        found = self._all_tags(repository)
        return {tag for tag in found if not tag.startswith((OURS, ATTACHED))}

    def own_tags(self, repository: str) -> set[str]:
        """Those by which later runs find the image and its layers, without their digits."""
        found = {tag for tag in self._all_tags(repository) if tag.startswith(OURS)}
        return {re.sub(r"(?<=r2d-key-)[0-9a-f]{24}$", "*", tag) for tag in found}

    def _all_tags(self, repository: str) -> set[str]:
        answer = self.get(f"{repository}/tags/list")
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return set()
        answer.raise_for_status()
        return set(answer.json()["tags"] or ())

    def digest(self, repository: str, tag: str) -> str:
        return self._manifest(repository, tag).headers["Docker-Content-Digest"]

    def repositories(self) -> set[str]:
        answer = self.get("_catalog?n=1000")
        answer.raise_for_status()
        return set(answer.json()["repositories"])

    def config(self, repository: str, tag: str) -> dict[str, Any]:
        digest = self._manifest(repository, tag).json()["config"]["digest"]
        config: dict[str, Any] = self._blob(repository, digest).json()
        return config

    def files(self, repository: str, tag: str) -> Iterator[tuple[str, bytes]]:
        """Path and content of every file of every layer, also of those that a later layer
        hides, and of the image's configuration."""
        manifest = self._manifest(repository, tag).json()
        yield "(configuration)", self._blob(repository, manifest["config"]["digest"]).content
        for layer in manifest["layers"]:
            blob = self._blob(repository, layer["digest"]).content
            with tarfile.open(fileobj=io.BytesIO(blob)) as archive:
                for member in archive:
                    content = archive.extractfile(member) if member.isreg() else None
                    yield member.name, content.read() if content else b""

    def _manifest(self, repository: str, tag: str) -> requests.Response:
        accept = ", ".join(MANIFEST_TYPES)
        answer = self.get(f"{repository}/manifests/{tag}", Accept=accept)
        answer.raise_for_status()
        return answer

    def _blob(self, repository: str, digest: str) -> requests.Response:
        answer = self.get(f"{repository}/blobs/{digest}")
        answer.raise_for_status()
        return answer
