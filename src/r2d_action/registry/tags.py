"""Tags as names of images that a repository has already."""

from __future__ import annotations

from r2d_action.errors import PublishFailed
from r2d_action.reference import Repository, Tag
from r2d_action.registry.client import Client, Manifest, RegistryError


def put_tag(client: Client, repository: Repository, tag: Tag, manifest: Manifest) -> None:
    """Raises what the client raises, unless the tag holds this very image already."""
    try:
        client.put_manifest(repository, str(tag), manifest)
    except RegistryError:
        # Some registries with immutable tags do not even take the same image again.
        if client.digest(repository, str(tag)) != manifest.digest:
            raise


def require_tag(client: Client, repository: Repository, tag: Tag, manifest: Manifest) -> None:
    """Raises :class:`PublishFailed` unless the tag holds ``manifest``."""
    found = client.digest(repository, str(tag))
    if found != manifest.digest:
        raise PublishFailed(
            f"{repository}:{tag} should be {manifest.digest} and is {found or 'nothing'}: another "
            "run pushed at the same time, or the registry lost it; run it again."
        )
