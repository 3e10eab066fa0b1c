"""May everybody pull?"""

from __future__ import annotations

from http import HTTPStatus

from r2d_action.errors import PublishFailed
from r2d_action.reference import Repository, Tag
from r2d_action.registry.client import Client, RegistryError
from r2d_action.registry.explanation import explained
from r2d_action.registry.providers import provider_of


def require_public(repository: Repository, tag: Tag, nobody: Client) -> None:
    """Raises :class:`PublishFailed` unless ``nobody``, who has no credential, may pull."""
    try:
        manifest = nobody.manifest(repository, str(tag))
    except RegistryError as error:
        if error.status not in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise explained(error, repository) from error
        manifest = None
    if manifest is None:
        advice = provider_of(repository.registry).make_public(repository) or (
            f"Make {repository} public in the settings of {repository.registry}."
        )
        raise PublishFailed(
            f"PUBLIC_REGISTRY_CHECK: {repository}:{tag} was pushed, but nobody can pull it without "
            f"logging in. {advice}"
        )
