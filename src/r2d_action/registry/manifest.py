"""Manifests and the blobs that they are made of.

https://github.com/opencontainers/image-spec/blob/main/manifest.md
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from r2d_action.reference import Digest

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEX_TYPES = (OCI_INDEX, DOCKER_INDEX)
MANIFEST_TYPES = (OCI_MANIFEST, DOCKER_MANIFEST, *INDEX_TYPES)


@dataclass(frozen=True, slots=True)
class Blob:
    """``size`` in bytes, as it travels."""

    digest: Digest
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest byte for byte as the registry holds it: its digest is that of ``body``."""

    media_type: str
    body: bytes

    @property
    def digest(self) -> Digest:
        return Digest(f"sha256:{hashlib.sha256(self.body).hexdigest()}")

    @property
    def content(self) -> Mapping[str, Any]:
        content: Mapping[str, Any] = json.loads(self.body)
        return content

    @property
    def layer_sizes(self) -> tuple[int, ...]:
        """Compressed bytes of each layer, lowest first; empty for an index."""
        return tuple(layer["size"] for layer in self.content.get("layers") or ())

    @property
    def blobs(self) -> tuple[Blob, ...]:
        """Layers and configuration, each once; none of an index. Layers with addresses of
        their own (Windows has some) are not kept in registries."""
        content = self.content
        config = (content["config"],) if "config" in content else ()
        layers = (layer for layer in content.get("layers", ()) if not layer.get("urls"))
        return _described((*layers, *config))

    @property
    def children(self) -> tuple[Blob, ...]:
        """The manifests of an index."""
        if self.media_type not in INDEX_TYPES:
            return ()
        return _described(self.content.get("manifests", ()))


def _described(descriptors: Iterable[Mapping[str, Any]]) -> tuple[Blob, ...]:
    blobs = (Blob(Digest(each["digest"]), int(each["size"])) for each in descriptors)
    return tuple(dict.fromkeys(blobs))
