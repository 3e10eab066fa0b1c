"""How a job logs in at each operator's registry: what its workflow says, and what a person has
to click once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from r2d_action import HOME
from r2d_action.reference import Repository
from r2d_action.registry.providers import (
    azure,
    docker_hub,
    ecr,
    ghcr,
    google,
    provider_of,
    quay,
)

DOCS = f"https://github.com/{HOME}/blob/main/docs"
NEW = "**Settings → Secrets and variables → Actions → New repository secret**"
_ID_TOKEN = ("id-token", "to log in without a password")


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """``permission`` is what the job has to be allowed to write, and why. ``secrets`` names the
    repository's own secret for each secret of ours. ``steps`` are Markdown."""

    steps: tuple[str, ...]
    permission: tuple[str, str] | None = None
    inputs: tuple[tuple[str, str], ...] = ()
    secrets: tuple[tuple[str, str], ...] = ()


def login_for(image: Repository) -> Login:
    return _LOGINS.get(provider_of(image.registry).name, _other)(image)


def _owner(image: Repository) -> str:
    return image.path.partition("/")[0]


def _name(image: Repository) -> str:
    return image.path.rpartition("/")[2]


def _secret_step(name: str, what: str) -> str:
    return (
        f"On GitHub, in your repository, open {NEW}. The name is `{name}`, the secret is {what}. "
        "Press **Add secret**."
    )


def _quay(image: Repository) -> Login:
    owner, name = _owner(image), _name(image)
    create = (
        "At [quay.io](https://quay.io), log in and press **Create Repository**. Choose the "
        f"organization or account `{owner}`, call the repository `{name}`, and choose **Public**, "
        "so that the hub can download the image."
    )
    allow = (
        f"At quay.io, on the page of `{owner}`, open **Robot accounts**: a robot account is a "
        "login for programs. Press **Create robot account**, and give it the name `builder` and, "
        f"for the repository `{name}`, the permission **Write**."
    )
    shown = f"the token that quay.io shows when you click on `{owner}+builder`"
    return Login(
        # What is pushed to a repository that nobody made is private, and no hub could start it.
        inputs=(("DOCKER_USERNAME", f"{owner}+builder"), ("PUBLIC_REGISTRY_CHECK", "true")),
        secrets=(("DOCKER_PASSWORD", "QUAY_PASSWORD"),),
        steps=(create, allow, _secret_step("QUAY_PASSWORD", shown)),
    )


def _docker_hub(image: Repository) -> Login:
    owner = _owner(image)
    make = (
        f"At [Docker Hub](https://app.docker.com/settings/personal-access-tokens), as `{owner}` or "
        "somebody else who may write there, make a **personal access token** with the permission "
        "**Read & Write**. The name of who made it belongs behind `DOCKER_USERNAME`."
    )
    return Login(
        inputs=(("DOCKER_USERNAME", owner),),
        secrets=(("DOCKER_PASSWORD", "DOCKER_HUB_TOKEN"),),
        steps=(make, _secret_step("DOCKER_HUB_TOKEN", "that token")),
    )


def _ghcr(_image: Repository) -> Login:
    step = (
        "Nothing has to be set up to push to GitHub's own registry. The first image is private; "
        f"[make it public]({DOCS}/registries/ghcr.md#make-it-public) when it is there."
    )
    return Login(permission=("packages", "to push the image"), steps=(step,))


def _without_password(page: str, names: str) -> str:
    return (
        f"Let somebody who may give rights there [set up the login]({DOCS}/registries/{page}.md), "
        f"and put what they tell you for {names} into `.github/workflows/image.yml`. No password "
        "is stored anywhere."
    )


def _ecr(image: Repository) -> Login:
    host = ecr.PRIVATE_HOST.fullmatch(image.registry.host)
    account = host["account"] if host else "123456789012"
    return Login(
        permission=_ID_TOKEN,
        inputs=(("AWS_ROLE_ARN", f"arn:aws:iam::{account}:role/push-{_name(image)}"),),
        steps=(_without_password("ecr", "`AWS_ROLE_ARN`"),),
    )


def _google(_image: Repository) -> Login:
    pool = "projects/123456789/locations/global/workloadIdentityPools/github/providers/images"
    return Login(
        permission=_ID_TOKEN,
        inputs=(("GOOGLE_WORKLOAD_IDENTITY_PROVIDER", pool),),
        steps=(_without_password("google", "`GOOGLE_WORKLOAD_IDENTITY_PROVIDER`"),),
    )


def _azure(_image: Repository) -> Login:
    return Login(
        permission=_ID_TOKEN,
        inputs=(
            ("AZURE_CLIENT_ID", "00000000-1111-2222-3333-444444444444"),
            ("AZURE_TENANT_ID", "55555555-6666-7777-8888-999999999999"),
        ),
        steps=(_without_password("azure", "`AZURE_CLIENT_ID` and `AZURE_TENANT_ID`"),),
    )


def _other(image: Repository) -> Login:
    allow = (
        f"At `{image.registry.host}`, make an account that may push `{image.path}`, and write its "
        "name behind `DOCKER_USERNAME` in `.github/workflows/image.yml`."
    )
    return Login(
        inputs=(("DOCKER_USERNAME", _owner(image)),),
        secrets=(("DOCKER_PASSWORD", "REGISTRY_PASSWORD"),),
        steps=(allow, _secret_step("REGISTRY_PASSWORD", "that account's password or token")),
    )


_LOGINS: Mapping[str, Callable[[Repository], Login]] = {
    azure.PROVIDER.name: _azure,
    docker_hub.PROVIDER.name: _docker_hub,
    ecr.PROVIDER.name: _ecr,
    ghcr.PROVIDER.name: _ghcr,
    google.PROVIDER.name: _google,
    quay.PROVIDER.name: _quay,
}
