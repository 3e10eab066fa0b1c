"""Which manifest BinderHub is given, whatever form the image was pushed in."""

from __future__ import annotations

import json

import pytest

from r2d_action.binder.binderhub_manifest import findable_manifest
from r2d_action.errors import PublishFailed
from r2d_action.registry.manifest import DOCKER_MANIFEST, OCI_MANIFEST, Manifest

OCI = "application/vnd.oci.image."
DOCKER = "application/vnd.docker."


def described(media_type: str, digit: str) -> dict[str, object]:
    return {"mediaType": media_type, "size": 7, "digest": f"sha256:{digit * 64}"}


def manifest(media_type: str, config: str, *layers: str, **more: object) -> Manifest:
    content = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": described(config, "c"),
        "layers": [described(layer, str(number)) for number, layer in enumerate(layers)],
        **more,
    }
    return Manifest(media_type, json.dumps(content).encode())


GZIP = f"{OCI}layer.v1.tar+gzip"


def test_oci_manifest_is_put_in_dockers_form() -> None:
    pushed = manifest(OCI_MANIFEST, f"{OCI}config.v1+json", GZIP, GZIP, annotations={"a": "b"})
    made = findable_manifest(pushed)
    in_dockers_form = manifest(
        DOCKER_MANIFEST,
        f"{DOCKER}container.image.v1+json",
        *[f"{DOCKER}image.rootfs.diff.tar.gzip"] * 2,
    )
    assert made.media_type == DOCKER_MANIFEST
    assert made.content == in_dockers_form.content
    assert made.blobs == pushed.blobs


def test_same_image_has_the_same_digest_each_time() -> None:
    pushed = manifest(OCI_MANIFEST, f"{OCI}config.v1+json", GZIP)
    assert findable_manifest(pushed).digest == findable_manifest(pushed).digest


@pytest.mark.parametrize(
    "pushed",
    [
        manifest(DOCKER_MANIFEST, f"{DOCKER}container.image.v1+json"),
        manifest(OCI_MANIFEST, f"{OCI}config.v1+json", GZIP, f"{OCI}layer.v1.tar+zstd"),
    ],
    ids=["in Docker's form already", "zstd, which has none"],
)
def test_manifest_stays_as_it_is(pushed: Manifest) -> None:
    assert findable_manifest(pushed) is pushed


@pytest.mark.parametrize(
    "media_type", [f"{OCI}index.v1+json", f"{DOCKER}distribution.manifest.list.v2+json"]
)
def test_index_is_refused(media_type: str) -> None:
    with pytest.raises(PublishFailed, match="one platform"):
        findable_manifest(Manifest(media_type, b'{"manifests": []}'))
