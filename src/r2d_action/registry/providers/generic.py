"""A registry of which only the host is known: user and password, whatever runs there."""

from __future__ import annotations

from http import HTTPStatus

from r2d_action.reference import Registry, Repository
from r2d_action.registry.auth import Credential
from r2d_action.registry.client import RegistryError
from r2d_action.registry.providers.provider import Means, Provider

GITEA_HOSTS = frozenset({"codeberg.org", "gitea.com"})


def given_login(_registry: Registry, means: Means) -> Credential | None:
    """User and password of the inputs, as they are."""
    user, password = means.inputs.docker_username, means.inputs.docker_password
    if not user or not password:
        return None
    return Credential(user, password, "DOCKER_USERNAME and DOCKER_PASSWORD")


def _explain(error: RegistryError, repository: Repository) -> str:
    said = f"{error.code} {error.message}".lower()
    if not error.is_denial and error.status != HTTPStatus.NOT_FOUND:
        return ""
    if "reqpackageaccess" in said or _is(repository, "gitea", "forgejo"):
        return _gitea(repository)
    if _is(repository, "gitlab"):
        return _gitlab(repository)
    if "project" in said or "action: push" in said or _is(repository, "harbor"):
        return _harbor(repository)
    return ""


def _is(repository: Repository, *software: str) -> bool:
    host = repository.registry.host
    return any(name in host for name in software) or ("gitea" in software and host in GITEA_HOSTS)


def _harbor(repository: Repository) -> str:
    project = repository.path.partition("/")[0]
    return (
        f"Harbor takes images only into projects that exist: make the project `{project}` at "
        f"https://{repository.registry}, and a robot account in it (Robot Accounts) that may pull "
        "and push repositories."
    )


def _gitlab(repository: Repository) -> str:
    return (
        f"GitLab takes images only under the path of a project, so `{repository.path}` must begin "
        "with one (`group/project`, or `group/project/image`); make a deploy token there (Settings "
        "> Repository > Deploy tokens) with the scopes `read_registry` and `write_registry`."
    )


def _gitea(repository: Repository) -> str:
    owner = repository.path.partition("/")[0]
    return (
        f"The account must be `{owner}`, or a member of it who may write packages; make an access "
        f"token for it at https://{repository.registry}/user/settings/applications with the "
        "permission `write:package`, and use that as DOCKER_PASSWORD."
    )


def _make_public(repository: Repository) -> str:
    project = "/".join(repository.path.split("/")[:-1]) or repository.path
    if _is(repository, "harbor"):
        return (
            f"Open the project `{project}` at https://{repository.registry}, tab Configuration, "
            "and tick Public."
        )
    if _is(repository, "gitlab"):
        return (
            "Open the project on GitLab, Settings > General > Visibility, and choose Everyone With "
            "Access for the Container registry; the project itself must be public."
        )
    if _is(repository, "gitea", "forgejo"):
        owner = repository.path.partition("/")[0]
        return (
            f"Packages are as visible as their owner: set the visibility of `{owner}` to Public in "
            f"the settings of that account at https://{repository.registry}."
        )
    return ""


PROVIDER = Provider(
    name="this registry",
    serves=lambda _registry: True,
    login=given_login,
    explain=_explain,
    make_public=_make_public,
)
