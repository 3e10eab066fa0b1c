"""Give an image of a registry further names: a release, a term, a git tag. Nothing is pulled."""

from __future__ import annotations

from dataclasses import dataclass

from r2d_action.errors import PublishFailed
from r2d_action.reference import Digest, Reference, Tag
from r2d_action.registry.client import Client
from r2d_action.registry.explanation import explaining
from r2d_action.registry.tags import put_tag, require_tag


@dataclass(frozen=True, slots=True)
class Retagged:
    reference: Reference
    digest: Digest
    tags: tuple[Tag, ...]


def retag(image: Reference, tags: tuple[Tag, ...], client: Client) -> Retagged:
    """Raises :class:`PublishFailed`; tags before the one that failed are given by then."""
    repository = image.repository
    with explaining(client, repository):
        manifest = client.manifest(repository, str(image.digest or image.tag or "latest"))
        if manifest is None:
            raise PublishFailed(
                f"{repository.registry} has no {image}; check the name, and that the image was "
                "pushed."
            )
        for tag in tags:
            put_tag(client, repository, tag, manifest)
        for tag in tags:
            require_tag(client, repository, tag, manifest)
    return Retagged(image.with_digest(manifest.digest), manifest.digest, tags)
