from __future__ import annotations

import pytest

from r2d_action.reference import Registry
from r2d_action.registry.providers import PROVIDERS, generic, provider_of

HOSTS = (
    "quay.io", "ghcr.io", "docker.io", "index.docker.io", "gcr.io", "eu.gcr.io",
    "europe-docker.pkg.dev", "team.azurecr.io", "public.ecr.aws",
    "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
)  # fmt: skip
OTHERS = (
    "registry.example.org", "localhost:5000", "notquay.io", "quay.io.example.org", "[::1]:5000",
)  # fmt: skip


@pytest.mark.parametrize("host", HOSTS)
def test_a_registry_has_one_provider_beside_the_general_one(host: str) -> None:
    serving = [one for one in PROVIDERS if one.serves(Registry(host))]
    assert len(serving) == 2
    assert serving[-1] is generic.PROVIDER
    assert provider_of(Registry(host)) is serving[0]


@pytest.mark.parametrize("host", OTHERS)
def test_any_other_registry_has_the_general_one(host: str) -> None:
    assert provider_of(Registry(host)) is generic.PROVIDER


def test_every_provider_is_met() -> None:
    met = {provider_of(Registry(host)).name for host in (*HOSTS, *OTHERS)}
    assert met == {one.name for one in PROVIDERS}
