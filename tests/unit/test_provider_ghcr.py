from __future__ import annotations

import pytest

from fakes.means import Heard, means_for
from r2d_action.inputs import Inputs
from r2d_action.reference import Registry, Repository
from r2d_action.registry.client import RegistryError
from r2d_action.registry.providers import provider_of
from r2d_action.registry.providers.ghcr import PROVIDER

IMAGE = Repository.parse("ghcr.io/my-org/images/user-image")
ENV = {"GITHUB_ACTOR": "octocat"}
PAGE = "https://github.com/orgs/my-org/packages/container/images%2Fuser-image/settings"


def test_the_host_of_github() -> None:
    assert provider_of(Registry("ghcr.io")) is PROVIDER
    assert provider_of(Registry("ghcr.io.example.org")) is not PROVIDER


@pytest.mark.parametrize(
    ("given", "user", "password", "source"),
    [
        (Inputs(github_token="t"), "octocat", "t", "GITHUB_TOKEN"),
        (Inputs(docker_username="u", github_token="t"), "octocat", "t", "GITHUB_TOKEN"),
        (Inputs(docker_password="p", github_token="t"), "octocat", "p", "DOCKER_PASSWORD"),
        (Inputs(docker_username="u", docker_password="p"), "u", "p", "DOCKER_PASSWORD"),
    ],
)
def test_the_token_of_the_job_is_a_password(
    given: Inputs, user: str, password: str, source: str
) -> None:
    credential = PROVIDER.login(IMAGE.registry, means_for(given, ENV, Heard()))
    assert credential
    assert (credential.username, credential.password) == (user, password)
    assert credential.source == source


def test_nothing_given_is_no_login() -> None:
    assert PROVIDER.login(IMAGE.registry, means_for(Inputs(), ENV, Heard())) is None


def test_a_name_is_sent_where_nobody_acts() -> None:
    credential = PROVIDER.login(IMAGE.registry, means_for(Inputs(github_token="t"), {}, Heard()))
    assert credential
    assert credential.username


PERMISSIONS = "`permissions: {contents: read, packages: write}`"


@pytest.mark.parametrize(
    ("status", "message", "expected"),
    [
        (403, "permission_denied: write_package", PAGE),
        (403, "installation not allowed to Create organization package", PERMISSIONS),
        (403, "installation not allowed to Write organization package", PERMISSIONS),
        (401, "unauthenticated: User cannot be authenticated", PERMISSIONS),
        (403, "permission_denied: The token provided does not match expected scopes.",
         "`write:packages`"),
        (404, "name unknown", ""),
    ],
)  # fmt: skip
def test_refusals_are_explained(status: int, message: str, expected: str) -> None:
    told = PROVIDER.explain(RegistryError("ghcr.io", status, "DENIED", message), IMAGE)
    assert expected in told
    assert bool(told) is bool(expected)


def test_how_a_package_is_made_public() -> None:
    assert PAGE in PROVIDER.make_public(IMAGE)
