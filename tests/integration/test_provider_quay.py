"""quay.io, in front of a real registry that asks for the robot's token."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from fakes.issuer import ISSUER, REQUEST_TOKEN, Issuer
from fakes.means import Heard, means_for
from fakes.quay import API_TOKEN, HOUR, ROBOT, Quay
from fakes.server import PAGE, Answer, serving
from integration.refused_logins import refused, require_no_secret
from lab.registry import start_registry
from lab.token_server import token_server
from r2d_action.inputs import Inputs
from r2d_action.reference import Registry, Repository
from r2d_action.registry.auth import Credential
from r2d_action.registry.client import Client
from r2d_action.registry.login import Login
from r2d_action.registry.providers.quay import PROVIDER
from r2d_action.retry import Retry

FEDERATED = Inputs(docker_username=ROBOT)
WITH_API = Inputs(docker_username=ROBOT, quay_api_token=API_TOKEN)
RUN = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "org/repo"}


@dataclass
class Cloud:
    quay: Quay
    host: str
    issuer: Issuer
    heard: Heard
    env: Mapping[str, str]

    def login(self, inputs: Inputs) -> Credential | None:
        return PROVIDER.login(Registry(self.host), means_for(inputs, self.env, self.heard))

    @property
    def repository(self) -> Repository:
        return Repository.parse(f"{self.host}/team/image")

    def prepare(self, inputs: Inputs) -> None:
        PROVIDER.prepare(self.repository, means_for(inputs, {**self.env, **RUN}, self.heard))

    def refusal(self, action: Callable[[Inputs], object], inputs: Inputs) -> str:
        failed = refused(lambda: action(inputs))
        self.require_no_secret(str(failed), repr(failed))
        return str(failed)

    def require_no_secret(self, *texts: str) -> None:
        secrets = {API_TOKEN, REQUEST_TOKEN, *self.issuer.issued.values(), *self.quay.tokens}
        require_no_secret(secrets, (*texts, *self.heard.said))


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    quay, issuer = Quay(), Issuer()
    with serving(quay.handle) as host, serving(issuer.handle) as issuer_host:
        yield Cloud(quay, host, issuer, Heard(), issuer.env(issuer_host))


# Login --------------------------------------------------------------------------------------


def test_a_robot_needs_no_password(cloud: Cloud) -> None:
    now = time.time()
    credential = cloud.login(FEDERATED)
    assert credential
    assert (credential.username, [credential.password]) == (ROBOT, cloud.quay.tokens)
    assert credential.source == f"the robot account {ROBOT}, for the job's own token"
    assert credential.expires
    assert HOUR - 1 <= credential.expires - now <= HOUR + 60
    assert cloud.quay.audiences == [cloud.host]
    assert cloud.quay.seen == ["GET /oauth2/federation/robot/token"]
    masked = {REQUEST_TOKEN, *cloud.issuer.issued.values(), *cloud.quay.tokens}
    assert set(cloud.heard.masked) == masked
    cloud.require_no_secret()


def test_the_token_opens_a_registry_that_asks_for_tokens(cloud: Cloud, tmp_path: Path) -> None:
    login = Login(lambda: cloud.login(FEDERATED))
    credential = login.credential()
    assert credential
    users = {credential.username: credential.password}
    retry = Retry(cloud.heard.slept.append, cloud.heard.said.append, tries=1)
    with token_server(tmp_path, users) as tokens, ExitStack() as stack:
        registry = start_registry(tmp_path / "registry", token=tokens.settings())
        stack.callback(registry.stop)
        session = stack.enter_context(requests.Session())
        repository = Repository.parse(f"{registry.host}/team/image")
        Client(session, repository.registry, login, retry).require_push(repository)
    assert {one.user for one in tokens.asked} == {ROBOT}


def test_a_password_is_used_as_it_is(cloud: Cloud) -> None:
    credential = cloud.login(Inputs(docker_username=ROBOT, docker_password="stored-password"))
    assert credential
    assert credential.password == "stored-password"
    assert not cloud.quay.seen


@pytest.mark.parametrize("user", ["", "person"])
def test_only_robots_are_federated(cloud: Cloud, user: str) -> None:
    assert cloud.login(Inputs(docker_username=user)) is None
    assert not cloud.quay.seen


def test_a_job_without_identity_goes_on_with_other_logins(cloud: Cloud) -> None:
    cloud.env = {}
    assert cloud.login(FEDERATED) is None


def test_what_passes_is_tried_again(cloud: Cloud) -> None:
    cloud.quay.trouble = [Answer(502), Answer(429)]
    assert cloud.login(FEDERATED)
    assert len(cloud.heard.slept) == 2


# What quay refuses --------------------------------------------------------------------------


def subject_that(cloud: Cloud, subject: str) -> None:
    cloud.quay.federation = (ISSUER, subject)


REFUSALS: Mapping[str, Callable[[Cloud], object]] = {
    "Token does not match robot": lambda cloud: subject_that(cloud, "repo:org/other"),
    "Robot does not have federated login": lambda cloud: setattr(cloud.quay, "federation", None),
    "Signature has expired": lambda cloud: setattr(cloud.issuer, "ago", 600),
}


@pytest.mark.parametrize("said", REFUSALS)
def test_a_refusal_names_what_to_enter(cloud: Cloud, said: str) -> None:
    REFUSALS[said](cloud)
    text = cloud.refusal(cloud.login, FEDERATED)
    assert said in text
    assert f"the issuer `{ISSUER}` with the subject `{cloud.issuer.subject}`" in text
    assert f"https://{cloud.host}/organization/team?tab=robots" in text


def test_a_robot_that_does_not_exist(cloud: Cloud) -> None:
    text = cloud.refusal(cloud.login, Inputs(docker_username="team+nobody"))
    assert "for the robot account team+nobody" in text
    assert "Could not find robot" in text


def test_a_proxy_that_answers_in_its_place(cloud: Cloud) -> None:
    cloud.quay.trouble = [Answer(403, PAGE, "text/html")]
    assert "a proxy's" in cloud.refusal(cloud.login, FEDERATED)


# The repository -----------------------------------------------------------------------------


def test_a_missing_repository_is_created_for_everybody(cloud: Cloud) -> None:
    cloud.prepare(WITH_API)
    assert cloud.quay.repositories == {
        "team/image": {
            "namespace": "team",
            "repository": "image",
            "visibility": "public",
            "description": "Built from https://github.com/org/repo",
            ROBOT: "write",
        }
    }
    assert cloud.heard.said == [
        f"created {cloud.repository}, which everybody can see",
        f"let {ROBOT} write to it",
    ]
    cloud.require_no_secret()


@pytest.mark.parametrize(("visibility", "lines"), [("public", 0), ("private", 1)])
def test_a_repository_that_is_there_stays_as_it_is(
    cloud: Cloud, visibility: str, lines: int
) -> None:
    cloud.quay.repositories = {"team/image": {"visibility": visibility}}
    cloud.prepare(WITH_API)
    assert cloud.quay.repositories == {"team/image": {"visibility": visibility}}
    assert len(cloud.heard.said) == lines
    settings = f"https://{cloud.host}/repository/team/image?tab=settings"
    assert all(settings in line and "Make Public" in line for line in cloud.heard.said)


def test_without_the_apis_token_quay_is_left_alone(cloud: Cloud) -> None:
    cloud.prepare(FEDERATED)
    assert not cloud.quay.seen


@pytest.mark.parametrize("missing", ["repo:create", "repo:admin"])
def test_a_token_that_may_not(cloud: Cloud, missing: str) -> None:
    cloud.quay.scopes -= {missing}
    text = cloud.refusal(cloud.prepare, WITH_API)
    assert text.startswith("QUAY_API_TOKEN: ")
    assert "Create Repositories and Administer Repositories" in text


def test_a_token_that_is_none(cloud: Cloud) -> None:
    text = cloud.refusal(cloud.prepare, Inputs(quay_api_token="something-else"))
    assert "Requires authentication" in text
    assert "something-else" not in text
