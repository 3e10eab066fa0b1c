from __future__ import annotations

import pytest

from fakes.means import Heard, means_for
from r2d_action.inputs import Inputs
from r2d_action.reference import Registry, Repository
from r2d_action.registry.client import RegistryError
from r2d_action.registry.providers import provider_of
from r2d_action.registry.providers.azure import PROVIDER

IMAGE = Repository.parse("mycampus.azurecr.io/images/user-image")


@pytest.mark.parametrize("host", ["a.azurecr.io", "a.azurecr.cn", "a.azurecr.us"])
def test_hosts_of_azure(host: str) -> None:
    assert provider_of(Registry(host)) is PROVIDER


@pytest.mark.parametrize("host", ["azurecr.io", "a.azurecr.io.example.org", "quay.io"])
def test_other_hosts(host: str) -> None:
    assert provider_of(Registry(host)) is not PROVIDER


@pytest.mark.parametrize("user", ["mycampus", "00000000-1111-2222-3333-444444444444"])
def test_a_user_and_a_password_are_taken_as_they_are(user: str) -> None:
    given = Inputs(
        docker_username=user, docker_password="secret", azure_client_id="x", azure_tenant_id="y"
    )
    credential = PROVIDER.login(IMAGE.registry, means_for(given, {}, Heard()))
    assert credential
    assert (credential.username, credential.password) == (user, "secret")


def test_nothing_given_is_no_login() -> None:
    assert PROVIDER.login(IMAGE.registry, means_for(Inputs(), {}, Heard())) is None


@pytest.mark.parametrize(
    ("status", "code", "message", "expected"),
    [
        (401, "UNAUTHORIZED", "authentication required", "--role AcrPush"),
        (403, "DENIED", "requested access to the resource is denied", "--role AcrPush"),
        (403, "DENIED", "client with IP '203.0.113.7' is not allowed access.", "firewall"),
        (404, "NAME_UNKNOWN", "", ""),
    ],
)
def test_refusals_are_explained(status: int, code: str, message: str, expected: str) -> None:
    told = PROVIDER.explain(RegistryError(IMAGE.registry.host, status, code, message), IMAGE)
    assert expected in told
    assert bool(told) is bool(expected)
    assert ("mycampus" in told) is bool(expected)


def test_how_a_registry_is_made_public() -> None:
    assert "az acr update --name mycampus --anonymous-pull-enabled" in PROVIDER.make_public(IMAGE)
