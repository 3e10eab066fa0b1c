"""The image that a new one is compared with: the one that has its tags until now."""

from __future__ import annotations

from collections.abc import Iterable

from r2d_action.packages.attached import packages_of
from r2d_action.packages.difference import difference
from r2d_action.packages.values import Compared, PackageList
from r2d_action.plan.repo2docker import REVISION
from r2d_action.reference import Repository, Tag
from r2d_action.registry.client import Client


def compared(
    packages: PackageList, client: Client, repository: Repository, tags: Iterable[Tag]
) -> Compared | None:
    """With the image of the first tag that has one with a list, None when none has. Raises as
    :class:`Client` does; nothing is pulled."""
    for tag in dict.fromkeys(tags):
        manifest = client.manifest(repository, str(tag))
        before = packages_of(client, repository, manifest.digest) if manifest else None
        if manifest and before:
            # An index says nothing of itself, and not every image tells its commit.
            labels = client.labels(repository, manifest) or {}
            since = labels.get(REVISION, "")[:12] or str(tag)
            return Compared(since=since, difference=difference(before, packages))
    return None
