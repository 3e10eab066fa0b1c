"""The published image gets the name under which a BinderHub looks for it."""

from __future__ import annotations

from collections.abc import Callable

from r2d_action.binder.binderhub_manifest import findable_manifest
from r2d_action.publish import Source
from r2d_action.reference import Reference, Tag
from r2d_action.registry.client import Client
from r2d_action.registry.copy import copy_manifest
from r2d_action.registry.explanation import explaining
from r2d_action.registry.tags import put_tag, require_tag


def publish_for_binderhub(
    source: Source, client: Client, name: Reference, *, say: Callable[[str], None]
) -> Reference:
    """``name`` with the digest that it stands for now, which need not be that of the source.

    ``client`` is for the registry of ``name``. Raises :class:`PublishFailed`.
    """
    manifest = findable_manifest(source.manifest)
    home, repository = source.reference.repository, name.repository
    tag = name.tag or Tag("latest")
    with explaining(client, repository):
        if home != repository:
            copy_manifest(source.client, home, client, repository, manifest, say)
        put_tag(client, repository, tag, manifest)
        require_tag(client, repository, tag, manifest)
    say(f"tagged {name}")
    return name.with_digest(manifest.digest)
