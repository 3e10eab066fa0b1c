from __future__ import annotations

import pytest

from fakes.means import Heard, means_for
from r2d_action.inputs import Inputs
from r2d_action.reference import Registry, Repository
from r2d_action.registry.client import RegistryError
from r2d_action.registry.providers import provider_of
from r2d_action.registry.providers.generic import PROVIDER


@pytest.mark.parametrize("host", ["registry.example.edu", "localhost:5000", "[::1]:5000"])
def test_any_other_host(host: str) -> None:
    assert provider_of(Registry(host)) is PROVIDER


@pytest.mark.parametrize(("user", "password"), [("u", ""), ("", "p"), ("", "")])
def test_half_a_login_is_none(user: str, password: str) -> None:
    given = Inputs(docker_username=user, docker_password=password)
    assert PROVIDER.login(Registry("example.edu"), means_for(given, {}, Heard())) is None


def test_user_and_password() -> None:
    given = Inputs(docker_username="u", docker_password="p")
    credential = PROVIDER.login(Registry("example.edu"), means_for(given, {}, Heard()))
    assert credential
    assert (credential.username, credential.password) == ("u", "p")
    assert credential.source == "DOCKER_USERNAME and DOCKER_PASSWORD"


@pytest.mark.parametrize(
    ("image", "status", "message", "expected"),
    [
        ("harbor.example.edu/course/r", 401, "unauthorized to access repository", "`course`"),
        ("images.example.edu/course/r", 404, "project course not found", "`course`"),
        ("images.example.edu/course/r", 401,
         "unauthorized to access repository: course/r, action: push: unauthorized", "`course`"),
        ("registry.gitlab.com/course/r", 403, "requested access to the resource is denied",
         "`write_registry`"),
        ("codeberg.org/course/r", 401, "reqPackageAccess", "`write:package`"),
        ("git.example.edu/course/r", 401, "reqPackageAccess", "`write:package`"),
        ("forgejo.example.edu/course/r", 401, "unauthorized", "`write:package`"),
        ("images.example.edu/course/r", 401, "unauthorized", ""),
        ("harbor.example.edu/course/r", 500, "project", ""),
    ],
)  # fmt: skip
def test_refusals_are_explained(image: str, status: int, message: str, expected: str) -> None:
    repository = Repository.parse(image)
    error = RegistryError(repository.registry.host, status, "UNAUTHORIZED", message)
    told = PROVIDER.explain(error, repository)
    assert expected in told
    assert bool(told) is bool(expected)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("harbor.example.edu/course/r", "project `course`"),
        ("registry.gitlab.com/course/r", "Visibility"),
        ("codeberg.org/course/r", "`course`"),
    ],
)
def test_how_an_image_is_made_public(image: str, expected: str) -> None:
    assert expected in PROVIDER.make_public(Repository.parse(image))


def test_of_other_registries_nothing_is_claimed() -> None:
    assert PROVIDER.make_public(Repository.parse("images.example.edu/course/r")) == ""
