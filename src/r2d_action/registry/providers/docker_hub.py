"""Docker Hub, which people write in four ways or not at all.

https://docs.docker.com/docker-hub/
"""

from __future__ import annotations

from http import HTTPStatus

from r2d_action.reference import Repository
from r2d_action.registry.client import RegistryError
from r2d_action.registry.providers.generic import given_login
from r2d_action.registry.providers.provider import Provider

OFFICIAL = "library"
TOKENS = "https://app.docker.com/settings/personal-access-tokens"


def _explain(error: RegistryError, repository: Repository) -> str:
    said = f"{error.code} {error.message}".lower()
    if error.status == HTTPStatus.TOO_MANY_REQUESTS:
        return _too_many(said)
    if not error.is_denial and error.status != HTTPStatus.NOT_FOUND:
        return ""
    if _namespace(repository) == OFFICIAL:
        return (
            "Names without an account are those of Docker's official images, which only Docker can "
            f"push: write `IMAGE_NAME: your-account/{_name(repository)}`."
        )
    if "personal access token" in said:
        return (
            "This account has two-factor authentication, so Docker Hub does not take its password: "
            f"make an access token with Read & Write at {TOKENS} and use it as DOCKER_PASSWORD."
        )
    if "incorrect username or password" in said:
        return (
            "DOCKER_USERNAME must be the account's Docker ID (not its e-mail address), and "
            f"DOCKER_PASSWORD an access token of it that has not been deleted or run out; make "
            f"one with Read & Write at {TOKENS}."
        )
    return (
        f"DOCKER_USERNAME must be `{_namespace(repository)}` or a member of that organization who "
        f"may write to {_name(repository)}, and its access token must have Read & Write (see "
        f"{TOKENS})."
    )


def _too_many(said: str) -> str:
    if "unauthenticated" in said:
        return (
            "Docker Hub has a limit of pulls without a login, which this runner shares with its "
            "neighbours: set DOCKER_USERNAME and DOCKER_PASSWORD, or log in to Docker Hub in an "
            "earlier step if the image goes to another registry."
        )
    return (
        "This Docker Hub account has used up its pulls for now: run the job again in an hour, or "
        "build on an image from a registry without such a limit, for example quay.io."
    )


def _make_public(repository: Repository) -> str:
    return (
        f"Open https://hub.docker.com/repository/docker/{repository.path}/settings and choose "
        "Make public."
    )


def _namespace(repository: Repository) -> str:
    return repository.path.partition("/")[0]


def _name(repository: Repository) -> str:
    return repository.path.partition("/")[2]


PROVIDER = Provider(
    name="Docker Hub",
    serves=lambda registry: registry.is_docker_hub,
    login=given_login,
    explain=_explain,
    make_public=_make_public,
)
