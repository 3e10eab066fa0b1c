from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

import pytest
import requests
from requests.adapters import HTTPAdapter

from fakes.azure import CLIENT, EXCHANGE, HOSTS, TENANT, Entra, RegistryTokens
from fakes.elsewhere import Elsewhere
from fakes.issuer import REQUEST_TOKEN, Issuer
from fakes.means import Heard, means_for
from fakes.server import PAGE, Answer, serving
from integration.refused_logins import refused, require_no_secret
from integration.token_registry import Passwords, TokenRegistry, token_registry
from r2d_action.inputs import Inputs
from r2d_action.reference import Registry, Repository
from r2d_action.registry.auth import Credential
from r2d_action.registry.client import RegistryError
from r2d_action.registry.providers.azure import PROVIDER

IMAGE = Repository.parse("mycampus.azurecr.io/images/user-image")
FEDERATED = Inputs(azure_client_id=CLIENT, azure_tenant_id=TENANT)


@dataclass(frozen=True)
class Cloud:
    entra: Entra
    tokens: RegistryTokens
    issuer: Issuer
    env: Mapping[str, str]
    session: requests.Session
    heard: Heard = field(default_factory=Heard)

    def login(self, inputs: Inputs, registry: Registry = IMAGE.registry) -> Credential | None:
        return PROVIDER.login(registry, means_for(inputs, self.env, self.heard, self.session))

    def refusal(self, inputs: Inputs = FEDERATED) -> str:
        failed = refused(lambda: self.login(inputs))
        secrets = {REQUEST_TOKEN, *self.entra.tokens, *self.issuer.issued.values()}
        require_no_secret(secrets, (str(failed), repr(failed), *self.heard.said))
        return str(failed)


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    entra, tokens, issuer = Entra(), RegistryTokens(), Issuer()
    session = requests.Session()
    with (
        ExitStack() as running,
        serving(tokens.handle) as host,
        serving(issuer.handle) as issuer_host,
    ):
        for name in HOSTS:
            authority = running.enter_context(serving(entra.at(name)))
            session.mount(f"https://{name}/", Elsewhere(name, authority))
        for end in ("io", "cn", "us"):
            name = f"mycampus.azurecr.{end}"
            session.mount(f"https://{name}/oauth2/exchange", Elsewhere(name, host))
        yield Cloud(entra, tokens, issuer, dict(issuer.env(issuer_host)), session)


def test_a_job_logs_in_as_itself(cloud: Cloud) -> None:
    before = time.time()
    credential = cloud.login(FEDERATED)
    assert credential
    assert cloud.tokens.password_of(credential.username) == credential.password
    assert credential.source == "this job's identity, by an application of Entra ID"
    assert credential.expires
    assert before + 10798 < credential.expires < time.time() + 10801
    assert set(cloud.issuer.issued) == {EXCHANGE}
    assert cloud.entra.seen == ["login.microsoftonline.com"]
    assert {*cloud.entra.tokens, credential.password} <= set(cloud.heard.masked)


@pytest.mark.parametrize(
    ("host", "authority"),
    [
        ("mycampus.azurecr.cn", "login.chinacloudapi.cn"),
        ("mycampus.azurecr.us", "login.microsoftonline.us"),
    ],
)
def test_other_clouds_have_other_authorities(cloud: Cloud, host: str, authority: str) -> None:
    cloud.tokens.host = host
    assert cloud.login(FEDERATED, Registry(host))
    assert cloud.entra.seen == [authority]


def test_the_authority_may_be_named(cloud: Cloud) -> None:
    named = replace(cloud, env={**cloud.env, "AZURE_AUTHORITY_HOST": "login.microsoftonline.us"})
    assert named.login(FEDERATED)
    assert cloud.entra.seen == ["login.microsoftonline.us"]


# The push -----------------------------------------------------------------------------------

REALM = "https://mycampus.azurecr.io/oauth2/token"


@pytest.fixture
def registry(cloud: Cloud, tmp_path: Path) -> Iterator[TokenRegistry]:
    """The token server of the registry takes what its exchange gave."""
    users = Passwords(cloud.tokens.password_of)
    host = IMAGE.registry.host
    with token_registry(tmp_path, cloud.session, host, REALM, users) as running:
        yield running


def test_a_job_pushes_with_its_login(cloud: Cloud, registry: TokenRegistry) -> None:
    registry.push(IMAGE, lambda: cloud.login(FEDERATED))


def test_users_and_their_passwords_push(cloud: Cloud, registry: TokenRegistry) -> None:
    given = Inputs(docker_username="mycampus", docker_password=cloud.tokens.admin_password)
    registry.push(IMAGE, lambda: cloud.login(given))


def test_a_login_that_the_registry_does_not_take(registry: TokenRegistry) -> None:
    stranger = Credential("mycampus", "not-its-password-1", "a test")
    with pytest.raises(RegistryError) as caught:
        registry.push(IMAGE, lambda: stranger)
    assert "--role AcrPush" in PROVIDER.explain(caught.value, IMAGE)
    assert stranger.password not in str(caught.value)


# What Azure refuses -------------------------------------------------------------------------


def test_an_application_that_trusts_another_repository(cloud: Cloud) -> None:
    cloud.issuer.repository = "somebody/else"
    assert "with the subject `repo:somebody/else:ref:refs/heads/main`" in cloud.refusal()


def test_an_application_that_wants_another_audience(cloud: Cloud) -> None:
    cloud.entra.audience = "https://github.com/org"
    assert "the audience `api://AzureADTokenExchange`" in cloud.refusal()


def test_a_job_token_that_has_run_out(cloud: Cloud) -> None:
    cloud.issuer.ago = 3600
    assert "run the job again" in cloud.refusal()


def test_an_application_that_does_not_exist(cloud: Cloud) -> None:
    cloud.entra.client = "another"
    assert f"no application {CLIENT}" in cloud.refusal()


def test_a_tenant_that_does_not_exist(cloud: Cloud) -> None:
    cloud.entra.tenant = "another"
    assert f"no tenant {TENANT}" in cloud.refusal()


def test_a_registry_that_does_not_know_the_application(cloud: Cloud) -> None:
    cloud.tokens.client = "another"
    assert f"--role AcrPush --assignee {CLIENT}" in cloud.refusal()


@pytest.mark.parametrize("place", ["entra", "tokens"])
def test_a_page_in_place_of_a_token(cloud: Cloud, place: str) -> None:
    getattr(cloud, place).answer = Answer(200, PAGE, "text/html")
    told = cloud.refusal()
    assert "proxy" in told
    assert "<" not in told


@pytest.mark.parametrize("content", [{}, {"expires_in": 1}, {"access_token": None}])
@pytest.mark.parametrize("place", ["entra", "tokens"])
def test_an_answer_without_a_token(cloud: Cloud, place: str, content: object) -> None:
    getattr(cloud, place).answer = Answer.of(content)
    assert "without a token" in cloud.refusal()


def test_a_refusal_without_a_word(cloud: Cloud) -> None:
    cloud.tokens.answer = Answer(401)
    assert "--role AcrPush" in cloud.refusal()


class Away(HTTPAdapter):
    """A server that nobody reaches; it counts who tries."""

    asked = 0

    def send(self, *_: object, **__: object) -> NoReturn:
        self.asked += 1
        raise requests.ConnectionError


def test_a_server_that_is_away(cloud: Cloud) -> None:
    away = Away()
    cloud.session.mount("https://login.microsoftonline.com/", away)
    assert "3 times in a row" in cloud.refusal()
    assert cloud.heard.slept == [1.0, 2.0]
    assert away.asked == 3


@pytest.mark.parametrize("inputs", [Inputs(azure_client_id=CLIENT), Inputs(azure_tenant_id=TENANT)])
def test_half_of_an_identity(cloud: Cloud, inputs: Inputs) -> None:
    assert "belong together" in cloud.refusal(inputs)


def test_an_identity_that_cannot_be_one(cloud: Cloud) -> None:
    inputs = Inputs(azure_client_id=CLIENT, azure_tenant_id="my tenant")
    assert "AZURE_TENANT_ID" in cloud.refusal(inputs)
