"""Bring an image from one repository to another, byte for byte: its digest stays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, reduce
from http import HTTPStatus

from r2d_action.reference import Repository
from r2d_action.registry.blobs import Blobs, Verified
from r2d_action.registry.client import Client
from r2d_action.registry.manifest import Blob, Manifest
from r2d_action.registry.refusal import RegistryError

MOUNTED = ""
NO_MOUNTING = frozenset({400, 401, 403, 404, 405})


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobCounts:
    """``mounted`` ones were taken over within the registry, ``present`` ones were there already.
    ``uploaded_bytes`` is what the others came to."""

    mounted: int = 0
    present: int = 0
    uploaded: int = 0
    uploaded_bytes: int = 0

    def __add__(self, other: BlobCounts) -> BlobCounts:
        return BlobCounts(
            mounted=self.mounted + other.mounted,
            present=self.present + other.present,
            uploaded=self.uploaded + other.uploaded,
            uploaded_bytes=self.uploaded_bytes + other.uploaded_bytes,
        )


def copy_manifest(
    source: Client,
    source_repository: Repository,
    target: Client,
    target_repository: Repository,
    manifest: Manifest,
    say: Callable[[str], None],
) -> BlobCounts:
    """Bring over all that ``manifest`` is made of. The manifest itself is left to the caller,
    who knows its tags: putting it is what makes the image appear.

    Raises what :class:`Client` raises; nothing that points to the missing rest is there then.
    """
    here, there = Blobs(source, source_repository), Blobs(target, target_repository)
    children, blobs = _parts(here, manifest)
    copied = [_child_copied(here, there, child, say) for child in children]
    copied += [_copied(here, there, blob, say) for blob in blobs]
    return reduce(BlobCounts.__add__, copied, BlobCounts())


def _parts(here: Blobs, manifest: Manifest) -> tuple[tuple[Blob, ...], tuple[Blob, ...]]:
    try:
        return manifest.children, manifest.blobs
    except (LookupError, TypeError, ValueError) as error:
        message = f"the manifest {manifest.digest} of {here.repository} is of no kind known here"
        raise RegistryError(here.client.host, HTTPStatus.OK, "MANIFEST_INVALID", message) from error


def _child_copied(here: Blobs, there: Blobs, child: Blob, say: Callable[[str], None]) -> BlobCounts:
    name = str(child.digest)
    manifest = here.client.manifest(here.repository, name)
    if manifest is None:
        message = f"{here.repository} lists {name}, and does not have it"
        raise RegistryError(here.client.host, HTTPStatus.NOT_FOUND, "MANIFEST_UNKNOWN", message)
    copied = copy_manifest(
        here.client, here.repository, there.client, there.repository, manifest, say
    )
    there.client.put_manifest(there.repository, name, manifest)
    return copied


def _copied(here: Blobs, there: Blobs, blob: Blob, say: Callable[[str], None]) -> BlobCounts:
    location = None
    if here.client.registry.api_host == there.client.registry.api_host:
        location = _mounted(here, there, blob)
        if location == MOUNTED:
            return BlobCounts(mounted=1)
    if location is None and there.has(blob):
        return BlobCounts(present=1)
    say(f"  {blob.digest.short}: copying {blob.size / 1e6:.1f} MB to {there.repository}")
    source = Verified(here.client.host, blob, partial(here.read, blob))
    there.upload(blob, source, location or "")
    return BlobCounts(uploaded=1, uploaded_bytes=blob.size)


def _mounted(here: Blobs, there: Blobs, blob: Blob) -> str | None:
    """As :meth:`Blobs.mount`; None where that is not known, or not allowed."""
    try:
        return there.mount(blob, here.repository)
    except RegistryError as error:
        if error.status not in NO_MOUNTING:
            raise
        return None
