"""The form in which an image must lie in its registry for BinderHub to find it.

BinderHub asks for OCI manifests first, but names no type of manifest at all once a registry
has sent it for a token. Registries then keep back OCI manifests, and indexes in any case; a
single manifest in Docker's form is found both ways.
https://github.com/jupyterhub/binderhub/blob/main/binderhub/registry.py
https://github.com/distribution/distribution/blob/main/registry/handlers/manifests.go
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from r2d_action.errors import PublishFailed
from r2d_action.registry.manifest import DOCKER_MANIFEST, OCI_MANIFEST, Manifest

# The same blobs, by the names that each of the two forms has for them.
# https://github.com/opencontainers/image-spec/blob/main/media-types.md#compatibility-matrix
_DOCKER_TYPES = {
    "application/vnd.oci.image.config.v1+json": "application/vnd.docker.container.image.v1+json",
    "application/vnd.oci.image.layer.v1.tar+gzip": (
        "application/vnd.docker.image.rootfs.diff.tar.gzip"
    ),
}


def findable_manifest(manifest: Manifest) -> Manifest:
    """The same image as a manifest that BinderHub finds everywhere.

    One whose layers have no name in Docker's form (zstd) stays as it is, which BinderHub finds
    where its registry takes a password at once. Raises :class:`PublishFailed` for an index.
    """
    if manifest.media_type == DOCKER_MANIFEST:
        return manifest
    if manifest.media_type != OCI_MANIFEST:
        raise PublishFailed(
            "BINDERHUB_IMAGE_PREFIX: the image is a list of images for several platforms, which "
            "BinderHub does not look for; build it for one platform, without attestations "
            "(`--provenance=false`)."
        )
    content = manifest.content
    described = [content["config"], *content["layers"]]
    if any(each["mediaType"] not in _DOCKER_TYPES for each in described):
        return manifest
    config, *layers = (_in_dockers_form(each) for each in described)
    body = {
        "schemaVersion": 2, "mediaType": DOCKER_MANIFEST, "config": config, "layers": layers
    }  # fmt: skip
    return Manifest(DOCKER_MANIFEST, json.dumps(body, indent=3).encode())


def _in_dockers_form(descriptor: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "mediaType": _DOCKER_TYPES[descriptor["mediaType"]],
        "size": descriptor["size"],
        "digest": descriptor["digest"],
    }
