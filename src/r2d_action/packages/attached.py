"""The list is kept with the image: a manifest of its own that names the image as its subject.

The image stays what it was, digest and all, and no tag of it moves.
https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-manifests-with-subject
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from http import HTTPStatus
from typing import Any

from r2d_action.json_text import from_json, to_json
from r2d_action.packages.values import ImageSize, Kept, PackageList
from r2d_action.reference import Digest, Repository
from r2d_action.registry.blobs import Blobs
from r2d_action.registry.client import Client
from r2d_action.registry.manifest import OCI_INDEX, OCI_MANIFEST, Blob, Manifest
from r2d_action.registry.refusal import RegistryError

ARTIFACT_TYPE = "application/vnd.r2d-action.packages.v1+json"
EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
EMPTY = b"{}"
DAY = len("2026-08-03")
# What other tools call it when they fetch it.
NAMED = {"org.opencontainers.image.title": "packages.json"}
CREATED = "org.opencontainers.image.created"
# Of the list's own manifest, which is read anyway: the sizes of the last images cost no request.
SIZES = "io.github.jupyterhub.r2d-action.sizes"
# The answer to a manifest whose subject the registry has understood.
UNDERSTOOD = "OCI-Subject"
# Of registries that do not know of referrers; not all of them say 404.
UNKNOWN = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.BAD_REQUEST})

Descriptor = Mapping[str, Any]


def attach(
    client: Client,
    repository: Repository,
    digest: Digest,
    packages: PackageList,
    now: datetime,
    sizes: Sequence[ImageSize] = (),
) -> None:
    """Keep the list with the image ``digest``, once, and the ``sizes`` of the last images up to
    it. Raises as :class:`Client` does."""
    subject = client.manifest(repository, str(digest))
    if subject is None:
        raise _lost(client, digest)
    if packages_of(client, repository, digest) == packages:
        return
    data = to_json(packages).encode()
    for content in (EMPTY, data):
        _upload(Blobs(client, repository), content)
    listing = _listing(subject, data, now, sizes)
    name = f"manifests/{listing.digest}"
    headers = {"Content-Type": listing.media_type}
    answer = client.ask("PUT", repository, name, headers, body=listing.body, push=True)
    if UNDERSTOOD not in client.accepted(answer).headers:
        _put_into_index(client, repository, digest, listing)


def packages_of(client: Client, repository: Repository, digest: Digest) -> PackageList | None:
    """As :func:`kept_with`, without the rest."""
    kept = kept_with(client, repository, digest)
    return kept.packages if kept else None


def kept_with(client: Client, repository: Repository, digest: Digest) -> Kept | None:
    """None for an image that has no list, or one that is of no kind known here. Raises as
    :class:`Client` does."""
    for descriptor in _lists(client, repository, digest):
        listing = client.manifest(repository, str(descriptor["digest"]))
        data = _data(client, repository, listing) if listing else None
        if listing and data and (packages := _parsed(data)):
            notes = listing.content.get("annotations") or {}
            made = str(notes.get(CREATED, ""))[:DAY]
            return Kept(packages=packages, made=made, sizes=_sizes(str(notes.get(SIZES, ""))))
    return None


def _sizes(text: str) -> tuple[ImageSize, ...]:
    try:
        sizes = from_json(text, tuple[ImageSize, ...])
    except Exception:  # noqa: BLE001 - cattrs raises groups of whatever its hooks raise
        return ()
    return sizes if all(one.is_sound for one in sizes) else ()


def _data(client: Client, repository: Repository, listing: Manifest) -> bytes | None:
    """None where it is lost, or not what the manifest says."""
    layer = next(iter(listing.blobs), None)
    if layer is None:
        return None
    answer = client.ask("GET", repository, f"blobs/{layer.digest}")
    return answer.content if _blob(answer.content) == layer else None


def _parsed(data: bytes) -> PackageList | None:
    try:
        packages = from_json(data.decode(), PackageList)
    except Exception:  # noqa: BLE001 - cattrs raises groups of whatever its hooks raise
        return None
    return packages if all(one.is_sound for one in packages) else None


def _lists(client: Client, repository: Repository, digest: Digest) -> Iterator[Descriptor]:
    """The newest first. A registry may have come to know of referrers since then."""
    for ask in (_referrers, _index):
        found = _manifests(ask(client, repository, digest))
        ours = (one for one in found if one.get("artifactType") == ARTIFACT_TYPE)
        yield from sorted(ours, key=_created, reverse=True)


def _created(descriptor: Descriptor) -> str:
    return str((descriptor.get("annotations") or {}).get(CREATED, ""))


def _referrers(client: Client, repository: Repository, digest: Digest) -> Mapping[str, Any]:
    """https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers"""
    answer = client.ask("GET", repository, f"referrers/{digest}", {"Accept": OCI_INDEX})
    if answer.status_code in UNKNOWN:
        return {}
    try:
        content = client.accepted(answer).json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _index(client: Client, repository: Repository, digest: Digest) -> Mapping[str, Any]:
    """What stands in for the answer of registries that do not know of referrers.

    https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema
    """
    manifest = client.manifest(repository, _index_tag(digest))
    return manifest.content if manifest else {}


def _index_tag(digest: Digest) -> str:
    return str(digest).replace(":", "-")


def _manifests(index: Mapping[str, Any]) -> list[Descriptor]:
    return [one for one in index.get("manifests") or () if one.get("digest")]


def _put_into_index(
    client: Client, repository: Repository, digest: Digest, listing: Manifest
) -> None:
    """What others have attached to the image (signatures, for one) stays."""
    descriptor = {
        **_descriptor(listing.media_type, listing.body),
        "artifactType": ARTIFACT_TYPE,
        "annotations": listing.content["annotations"],
    }
    before = _manifests(_index(client, repository, digest))
    others = [one for one in before if one.get("digest") != descriptor["digest"]]
    content = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [*others, descriptor],
    }
    index = Manifest(OCI_INDEX, json.dumps(content).encode())
    client.put_manifest(repository, _index_tag(digest), index)


def _listing(subject: Manifest, data: bytes, now: datetime, sizes: Sequence[ImageSize]) -> Manifest:
    notes = {CREATED: now.isoformat(timespec="seconds")}
    if sizes:
        notes[SIZES] = json.dumps([asdict(one) for one in sizes])
    content = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": ARTIFACT_TYPE,
        "config": _descriptor(EMPTY_TYPE, EMPTY),
        "layers": [{**_descriptor(ARTIFACT_TYPE, data), "annotations": NAMED}],
        "subject": _descriptor(subject.media_type, subject.body),
        "annotations": notes,
    }
    return Manifest(OCI_MANIFEST, json.dumps(content).encode())


def _descriptor(media_type: str, content: bytes) -> Descriptor:
    blob = _blob(content)
    return {"mediaType": media_type, "digest": str(blob.digest), "size": blob.size}


def _blob(content: bytes) -> Blob:
    return Blob(Digest(f"sha256:{hashlib.sha256(content).hexdigest()}"), len(content))


def _upload(blobs: Blobs, content: bytes) -> None:
    blob = _blob(content)
    if not blobs.has(blob):
        blobs.upload(blob, lambda start, end: iter((content[start:end],)))


def _lost(client: Client, digest: Digest) -> RegistryError:
    return RegistryError(
        client.host, HTTPStatus.NOT_FOUND, "MANIFEST_UNKNOWN", f"{digest} is not there"
    )
