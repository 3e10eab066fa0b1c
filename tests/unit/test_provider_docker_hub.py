from __future__ import annotations

import pytest

from fakes.means import Heard, means_for
from r2d_action.inputs import Inputs
from r2d_action.reference import Registry, Repository
from r2d_action.registry.client import RegistryError
from r2d_action.registry.providers import provider_of
from r2d_action.registry.providers.docker_hub import PROVIDER

SPELLINGS = ("docker.io", "index.docker.io", "registry.hub.docker.com", "registry-1.docker.io")
IMAGE = Repository.parse("my-org/user-image")


@pytest.mark.parametrize("host", SPELLINGS)
def test_every_spelling_of_the_host(host: str) -> None:
    assert provider_of(Registry(host)) is PROVIDER
    image = Repository.parse(f"{host}/my-org/user-image")
    assert (image.registry.api_host, image.path) == ("registry-1.docker.io", IMAGE.path)
    assert PROVIDER.make_public(image) == PROVIDER.make_public(IMAGE)


def test_no_host_at_all() -> None:
    assert provider_of(IMAGE.registry) is PROVIDER


def test_an_access_token_is_a_password() -> None:
    given = Inputs(docker_username="my-org", docker_password="dckr_pat_x")
    credential = PROVIDER.login(IMAGE.registry, means_for(given, {}, Heard()))
    assert credential
    assert (credential.username, credential.password) == ("my-org", "dckr_pat_x")


@pytest.mark.parametrize(
    ("status", "code", "message", "expected"),
    [
        (429, "TOOMANYREQUESTS", "You have reached your unauthenticated pull rate limit.",
         "set DOCKER_USERNAME and DOCKER_PASSWORD"),
        (429, "TOOMANYREQUESTS", "You have reached your pull rate limit as 'x'.", "quay.io"),
        (401, "UNAUTHORIZED", "incorrect username or password", "Docker ID"),
        (401, "UNAUTHORIZED", "please use personal access token to login", "two-factor"),
        (401, "UNAUTHORIZED", "access token has insufficient scopes", "Read & Write"),
        (401, "", "insufficient_scope: authorization failed", "must be `my-org`"),
        (403, "DENIED", "requested access to the resource is denied", "must be `my-org`"),
        (500, "UNKNOWN", "", ""),
    ],
)  # fmt: skip
def test_refusals_are_explained(status: int, code: str, message: str, expected: str) -> None:
    told = PROVIDER.explain(RegistryError("registry-1.docker.io", status, code, message), IMAGE)
    assert expected in told
    assert bool(told) is bool(expected)


@pytest.mark.parametrize("name", ["docker.io/user-image", "library/user-image"])
def test_names_of_official_images(name: str) -> None:
    error = RegistryError("registry-1.docker.io", 403, "DENIED", "denied")
    assert "your-account/user-image" in PROVIDER.explain(error, Repository.parse(name))


def test_how_an_image_is_made_public() -> None:
    page = "https://hub.docker.com/repository/docker/my-org/user-image/settings"
    assert page in PROVIDER.make_public(IMAGE)
