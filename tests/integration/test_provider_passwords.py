"""Registries that are logged in to with a user and a password, each with its token server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from fakes.means import Heard, means_for
from integration.token_registry import TokenRegistry, token_registry
from r2d_action.inputs import Inputs
from r2d_action.reference import Repository
from r2d_action.registry.auth import Credential
from r2d_action.registry.client import RegistryError
from r2d_action.registry.providers import provider_of

USER, PASSWORD = "octocat", "correct-horse-battery-7"
GIVEN = Inputs(docker_username=USER, docker_password=PASSWORD)


@dataclass(frozen=True)
class Place:
    """An image, and the token server that its registry names."""

    image: str
    realm: str
    inputs: Inputs = GIVEN

    @property
    def repository(self) -> Repository:
        return Repository.parse(self.image)

    def login(self) -> Credential | None:
        registry = self.repository.registry
        means = means_for(self.inputs, {"GITHUB_ACTOR": USER}, Heard())
        return provider_of(registry).login(registry, means)

    @contextmanager
    def running(self, folder: Path) -> Iterator[TokenRegistry]:
        host = self.repository.registry.api_host
        with (
            requests.Session() as session,
            token_registry(folder, session, host, self.realm, {USER: PASSWORD}) as registry,
        ):
            yield registry


DOCKER_HUB = "https://auth.docker.io/token"
PLACES = {
    "ghcr.io, GITHUB_TOKEN": Place(
        "ghcr.io/my-org/image", "https://ghcr.io/token", Inputs(github_token=PASSWORD)
    ),
    "ghcr.io, token of an account": Place("ghcr.io/my-org/image", "https://ghcr.io/token"),
    "Docker Hub": Place("my-org/image", DOCKER_HUB),
    "Docker Hub, docker.io": Place("docker.io/my-org/image", DOCKER_HUB),
    "Docker Hub, index.docker.io": Place("index.docker.io/my-org/image", DOCKER_HUB),
    "Docker Hub, registry.hub.docker.com": Place(
        "registry.hub.docker.com/my-org/image", DOCKER_HUB
    ),
    "Harbor": Place("harbor.example.edu/course/image", "https://harbor.example.edu/service/token"),
    "GitLab": Place("registry.gitlab.com/course/r/image", "https://gitlab.com/jwt/auth"),
    "Gitea": Place("codeberg.org/course/image", "https://codeberg.org/v2/token"),
}
each_place = pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)


@each_place
def test_a_password_opens_the_registry(place: Place, tmp_path: Path) -> None:
    with place.running(tmp_path) as registry:
        registry.push(place.repository, place.login)
    assert {request.path.split("/")[1] for request in registry.registry.requests()} == {"v2"}


@pytest.mark.parametrize("name", ["ghcr.io, GITHUB_TOKEN", "Docker Hub", "Harbor"])
def test_a_wrong_one_is_explained(name: str, tmp_path: Path) -> None:
    place = PLACES[name]
    wrong = Credential(USER, "something-else-8", "a test")
    with place.running(tmp_path) as registry, pytest.raises(RegistryError) as caught:
        registry.push(place.repository, lambda: wrong)
    assert provider_of(place.repository.registry).explain(caught.value, place.repository)
    assert wrong.password not in str(caught.value)
