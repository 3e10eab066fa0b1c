"""The image that a new one is compared with: the one that has its tags until now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from r2d_action.packages.attached import kept_with
from r2d_action.packages.values import Before, ImageSize, Kept
from r2d_action.plan.repo2docker import REVISION
from r2d_action.reference import Digest, Repository, Tag
from r2d_action.registry.client import Client
from r2d_action.registry.manifest import Manifest


def find_before(client: Client, repository: Repository, tags: Iterable[Tag]) -> Before | None:
    """The image of the first tag that has one with a list, None when none has. Raises as
    :class:`Client` does; nothing is pulled."""
    asked = set[Digest]()
    for tag in dict.fromkeys(tags):
        manifest = client.manifest(repository, str(tag))
        # Most of these tags are on one image.
        if manifest is None or manifest.digest in asked:
            continue
        asked.add(manifest.digest)
        if kept := kept_with(client, repository, manifest.digest):
            # An index says nothing of itself, and not every image tells its commit.
            labels = client.labels(repository, manifest) or {}
            since = labels.get(REVISION, "")[:12] or str(tag)
            sizes = kept.sizes or tuple(_own_size(manifest, kept, since))
            return Before(since=since, packages=kept.packages, sizes=sizes)
    return None


def _own_size(manifest: Manifest, kept: Kept, since: str) -> Iterator[ImageSize]:
    """Of an image whose list is older than our keeping of sizes. An index has none."""
    size = ImageSize(tag=since, made=kept.made, size=sum(manifest.layer_sizes))
    if size.is_sound:
        yield size
