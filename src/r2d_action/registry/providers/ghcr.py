"""GitHub's own registry, where the job's token is the password.

https://docs.github.com/packages/working-with-a-github-packages-registry/working-with-the-container-registry
"""

from __future__ import annotations

from urllib.parse import quote

from r2d_action.reference import Registry, Repository
from r2d_action.registry.auth import Credential
from r2d_action.registry.client import RegistryError
from r2d_action.registry.providers.generic import given_login
from r2d_action.registry.providers.provider import Means, Provider

PERMISSIONS = "`permissions: {contents: read, packages: write}`"


def _login(registry: Registry, means: Means) -> Credential | None:
    inputs = means.inputs
    if inputs.docker_password:
        # GHCR looks at the token alone, but wants a name beside it.
        user = inputs.docker_username or _actor(means)
        return Credential(user, inputs.docker_password, "DOCKER_PASSWORD")
    if inputs.github_token:
        return Credential(_actor(means), inputs.github_token, "GITHUB_TOKEN")
    return given_login(registry, means)


def _actor(means: Means) -> str:
    return means.env.get("GITHUB_ACTOR") or "github-actions"


def _explain(error: RegistryError, repository: Repository) -> str:
    said = error.message.lower()
    if not error.is_denial:
        return ""
    if "write_package" in said:
        return (
            f"The package {repository.path} belongs to another repository or was first pushed by "
            "hand, so this one has to be let in: add it with the role Write under Manage Actions "
            f"access at {_settings(repository)}."
        )
    if "scope" in said:
        return (
            "The token in DOCKER_PASSWORD may not write packages: leave DOCKER_PASSWORD out and "
            f"give the job {PERMISSIONS}, or make a classic token with the scope `write:packages` "
            "at https://github.com/settings/tokens/new?scopes=write:packages."
        )
    return (
        f"The job may not write packages: give it {PERMISSIONS} (and the calling job, if this is a "
        "reusable workflow), and this step `GITHUB_TOKEN: ${{ github.token }}`; if they have that, "
        f"see whether https://github.com/organizations/{_owner(repository)}/settings/packages lets "
        "members create packages."
    )


def _make_public(repository: Repository) -> str:
    return f"Open {_settings(repository)}, choose Change visibility in the Danger Zone, and Public."


def _owner(repository: Repository) -> str:
    return repository.path.partition("/")[0]


def _settings(repository: Repository) -> str:
    package = quote(repository.path.partition("/")[2], safe="")
    page = f"https://github.com/orgs/{_owner(repository)}/packages/container/{package}/settings"
    return f"{page} (with `users` for `orgs` if the owner is a person)"


PROVIDER = Provider(
    name="GitHub's container registry",
    serves=lambda registry: registry.host == "ghcr.io",
    login=_login,
    explain=_explain,
    make_public=_make_public,
)
