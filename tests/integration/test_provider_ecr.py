"""Amazon's registries: moto for the API, and a real registry for the images."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace

import pytest

from fakes.aws import ACCOUNT, KEY_ID, PUBLIC_ALIAS, ROLE, SECRET, Aws
from fakes.ecr import ImmutableTags
from fakes.elsewhere import session_with
from fakes.issuer import ISSUER, REQUEST_TOKEN, Issuer
from fakes.means import Heard, means_for
from fakes.server import PAGE, Answer, serving
from integration.front import in_front_of
from integration.refused_logins import refused, require_no_secret
from lab.registry import RunningRegistry
from r2d_action.errors import LoginFailed
from r2d_action.inputs import Inputs
from r2d_action.reference import Digest, Registry, Repository
from r2d_action.registry.auth import Credential
from r2d_action.registry.blobs import Blobs
from r2d_action.registry.client import Client, RegistryError
from r2d_action.registry.login import Login
from r2d_action.registry.manifest import Blob, Manifest
from r2d_action.registry.providers.ecr import PROVIDER
from r2d_action.registry.providers.provider import Means
from r2d_action.retry import Retry

HOST = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com"
PRIVATE = Repository.parse(f"{HOST}/team/image")
PUBLIC = Repository.parse(f"{PUBLIC_ALIAS}/image")
BY_ROLE = Inputs(aws_role_arn=(ROLE,))
BY_KEY = Inputs(docker_username=KEY_ID, docker_password=SECRET)
EARLIER = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}


@dataclass
class Cloud:
    aws: Aws
    issuer: Issuer
    heard: Heard
    env: dict[str, str]

    def means(self, inputs: Inputs, more: Mapping[str, str] | None = None) -> Means:
        return means_for(inputs, {**self.env, **(more or {})}, self.heard)

    def login(
        self, inputs: Inputs, more: Mapping[str, str] | None = None, at: Registry = PRIVATE.registry
    ) -> Credential | None:
        return PROVIDER.login(at, self.means(inputs, more))

    def refusal(self, inputs: Inputs) -> str:
        failed = refused(lambda: self.login(inputs))
        self.require_no_secret(str(failed), repr(failed))
        return str(failed)

    def require_no_secret(self, *texts: str) -> None:
        secrets = {SECRET, REQUEST_TOKEN, *self.issuer.issued.values(), *self.aws.keys.values()}
        require_no_secret({*secrets, "auth-token"}, (*texts, *self.heard.said))


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    aws, issuer = Aws(), Issuer()
    with serving(aws.handle) as host, serving(issuer.handle) as issuer_host:
        env = {"AWS_ENDPOINT_URL": f"http://{host}", **issuer.env(issuer_host)}
        yield Cloud(aws, issuer, Heard(), env)


# Login --------------------------------------------------------------------------------------


def test_a_job_takes_a_role_by_its_own_token(cloud: Cloud) -> None:
    before = time.time()
    credential = cloud.login(BY_ROLE)
    assert credential
    assert (credential.username, credential.password) == ("AWS", f"{ACCOUNT}-auth-token")
    assert credential.source == f"the role {ROLE}"
    assert credential.expires
    assert 12 * 3600 - 1 <= credential.expires - before <= 12 * 3600 + 60
    assert set(cloud.issuer.issued) == {"sts.amazonaws.com"}
    assert cloud.aws.seen == [
        "sts:AssumeRoleWithWebIdentity",
        "ecr:GetAuthorizationToken eu-west-1",
    ]


def test_of_several_roles_that_of_the_account_is_taken(cloud: Cloud) -> None:
    other = "arn:aws:iam::999999999999:role/images"
    credential = cloud.login(Inputs(aws_role_arn=(other, ROLE)))
    assert credential
    assert credential.source == f"the role {ROLE}"


def test_a_single_role_may_be_of_another_account(cloud: Cloud) -> None:
    at = Registry("999999999999.dkr.ecr.us-west-2.amazonaws.com")
    assert cloud.login(BY_ROLE, at=at)
    assert cloud.aws.seen[1:] == ["ecr:GetAuthorizationToken us-west-2"]


def test_every_secret_is_masked_where_it_is_born(cloud: Cloud) -> None:
    cloud.login(BY_ROLE)
    [session_token] = [token for token in cloud.aws.keys.values() if token]
    masked = set(cloud.heard.masked)
    born = {REQUEST_TOKEN, *cloud.issuer.issued.values(), session_token, f"{ACCOUNT}-auth-token"}
    assert born < masked
    assert len(masked) == len(born) + 2  # the key of the session, and the login as a header has it
    cloud.require_no_secret()


@pytest.mark.parametrize(
    ("inputs", "env", "source"),
    [
        (BY_KEY, {}, "the access key in DOCKER_USERNAME and DOCKER_PASSWORD"),
        (Inputs(), EARLIER, "the AWS credentials that an earlier step set up"),
    ],
)
def test_access_keys_are_exchanged(
    cloud: Cloud, inputs: Inputs, env: Mapping[str, str], source: str
) -> None:
    credential = cloud.login(inputs, env)
    assert credential
    assert (credential.username, credential.source) == ("AWS", source)
    assert cloud.aws.seen == ["ecr:GetAuthorizationToken eu-west-1"]
    assert SECRET in cloud.heard.masked or inputs is BY_KEY


def test_a_session_of_an_earlier_step_is_used_with_its_token(cloud: Cloud) -> None:
    cloud.aws.keys = {"ASIAEXAMPLESESSION00": "token-of-the-session"}
    env = {
        "AWS_ACCESS_KEY_ID": "ASIAEXAMPLESESSION00",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_SESSION_TOKEN": "token-of-the-session",
        # Settings of the machine have no say.
        "AWS_PROFILE": "nobody",
        "AWS_REGION": "us-west-2",
    }
    assert cloud.login(Inputs(), env)
    assert cloud.aws.seen == ["ecr:GetAuthorizationToken eu-west-1"]


def test_the_public_registry_is_asked_in_its_only_region(cloud: Cloud) -> None:
    credential = cloud.login(BY_ROLE, at=PUBLIC.registry)
    assert credential
    assert (credential.username, credential.password) == ("AWS", "public-auth-token")
    assert cloud.aws.seen[1:] == ["ecr-public:GetAuthorizationToken us-east-1"]


def test_endpoints_of_single_services_go_first(cloud: Cloud) -> None:
    def broken(_request: object) -> Answer:
        return Answer(404, PAGE, "text/html")

    with serving(broken) as nowhere:
        services = {
            f"AWS_ENDPOINT_URL_{name}": cloud.env["AWS_ENDPOINT_URL"] for name in ("STS", "ECR")
        }
        assert cloud.login(BY_ROLE, {**services, "AWS_ENDPOINT_URL": f"http://{nowhere}"})


# What Amazon refuses ------------------------------------------------------------------------


def test_a_role_that_trusts_somebody_else(cloud: Cloud) -> None:
    cloud.aws.subject = "repo:org/repo:environment:release"
    text = cloud.refusal(BY_ROLE)
    assert f"does not let this job take the role {ROLE}" in text
    assert "audience `sts.amazonaws.com`" in text
    assert f"subject `{cloud.issuer.subject}`" in text


def test_an_account_that_does_not_know_github(cloud: Cloud) -> None:
    cloud.aws.knows_github = False
    assert f"add the identity provider {ISSUER}" in cloud.refusal(BY_ROLE)


def test_a_token_that_is_too_old(cloud: Cloud) -> None:
    cloud.issuer.ago = 3600
    assert "ExpiredTokenException" in cloud.refusal(BY_ROLE)


def test_a_wrong_audience(cloud: Cloud) -> None:
    cloud.aws.audience = "sts.amazonaws.com.cn"
    assert "Incorrect token audience" in cloud.refusal(BY_ROLE)


def test_a_key_that_was_deactivated(cloud: Cloud) -> None:
    cloud.aws.keys = {}
    text = cloud.refusal(BY_KEY)
    assert "UnrecognizedClientException" in text
    assert "see that the key is active" in text


def test_a_policy_without_the_login(cloud: Cloud) -> None:
    cloud.aws.denied = frozenset({"GetAuthorizationToken"})
    *_, line = cloud.refusal(BY_ROLE).splitlines()
    assert json.loads(line) == {
        "Effect": "Allow",
        "Action": ["ecr:GetAuthorizationToken"],
        "Resource": "*",
    }


@pytest.mark.parametrize("inputs", [BY_KEY, BY_ROLE], ids=["key", "role"])
def test_a_proxy_that_answers_in_its_place(cloud: Cloud, inputs: Inputs) -> None:
    with serving(lambda _request: Answer(403, PAGE, "text/html")) as proxy:
        cloud.env["AWS_ENDPOINT_URL"] = f"http://{proxy}"
        text = cloud.refusal(inputs)
    assert "could not be asked (a proxy or a firewall answered in its place)" in text
    assert "<" not in text


def test_an_api_that_nobody_answers_for(cloud: Cloud) -> None:
    with serving(lambda _request: Answer(200)) as gone:
        pass
    cloud.env["AWS_ENDPOINT_URL"] = f"http://{gone}"
    assert "Amazon's ecr in eu-west-1 could not be asked" in cloud.refusal(BY_KEY)


# The repository -----------------------------------------------------------------------------


@pytest.mark.parametrize("repository", [PRIVATE, PUBLIC], ids=str)
def test_a_missing_repository_is_created_once(cloud: Cloud, repository: Repository) -> None:
    means = cloud.means(BY_ROLE)
    PROVIDER.prepare(repository, means)
    assert cloud.heard.said == [f"created the repository {repository}"]
    PROVIDER.prepare(repository, means)
    assert len(cloud.heard.said) == 1
    assert len([one for one in cloud.aws.seen if "CreateRepository" in one]) == 1


def test_a_repository_that_may_not_be_created(cloud: Cloud) -> None:
    cloud.aws.denied = frozenset({"CreateRepository"})
    with pytest.raises(LoginFailed) as caught:
        PROVIDER.prepare(PRIVATE, cloud.means(BY_ROLE))
    assert caught.value.what.startswith(f"{PRIVATE} does not exist, and the role {ROLE} may not")
    assert json.loads(caught.value.remedy) == {
        "Effect": "Allow",
        "Action": ["ecr:CreateRepository"],
        "Resource": f"arn:aws:ecr:eu-west-1:{ACCOUNT}:repository/team/image",
    }


def test_who_may_not_look_may_still_push(cloud: Cloud) -> None:
    cloud.aws.denied = frozenset({"DescribeRepositories", "CreateRepository"})
    PROVIDER.prepare(PRIVATE, cloud.means(BY_ROLE))
    assert not cloud.heard.said


def test_nobody_prepares_nothing(cloud: Cloud) -> None:
    PROVIDER.prepare(PRIVATE, cloud.means(Inputs(docker_username="AWS", docker_password="x" * 9)))
    assert not cloud.aws.seen


# The push -----------------------------------------------------------------------------------

NewRegistry = Callable[..., RunningRegistry]
Pushing = Callable[[ImmutableTags], AbstractContextManager[Client]]


@pytest.fixture
def pushing(cloud: Cloud, new_registry: NewRegistry) -> Pushing:
    """A client of the private registry with the login that moto gave, for which the real
    registry behind it asks."""
    registry = new_registry(htpasswd={"AWS": f"{ACCOUNT}-auth-token"})

    @contextmanager
    def client(rule: ImmutableTags) -> Iterator[Client]:
        with in_front_of(registry.host, rule) as front, session_with(HOST, front.host) as session:
            login = Login(lambda: cloud.login(BY_ROLE))
            retry = Retry(cloud.heard.slept.append, cloud.heard.said.append, tries=2)
            yield Client(session, PRIVATE.registry, login, retry)

    return client


def image(client: Client, content: str) -> Manifest:
    """Of a configuration alone, which the registry then has; the manifest it has not."""
    config = json.dumps({"config": {"Labels": {"content": content}}}).encode()
    blob = Blob(Digest(f"sha256:{hashlib.sha256(config).hexdigest()}"), len(config))
    Blobs(client, PRIVATE).upload(blob, lambda start, end: iter([config[start:end]]))
    kind = "application/vnd.oci.image"
    described = {
        "mediaType": f"{kind}.config.v1+json", "digest": str(blob.digest), "size": blob.size
    }  # fmt: skip
    body = {"schemaVersion": 2, "mediaType": f"{kind}.manifest.v1+json", "config": described}
    return Manifest(f"{kind}.manifest.v1+json", json.dumps({**body, "layers": []}).encode())


def test_the_login_opens_the_registry(cloud: Cloud, pushing: Pushing) -> None:
    PROVIDER.prepare(PRIVATE, cloud.means(BY_ROLE))
    with pushing(ImmutableTags(excluded=("*",))) as client:
        client.require_push(PRIVATE)
        for content in ("one", "two"):
            manifest = image(client, content)
            client.put_manifest(PRIVATE, "latest", manifest)
            assert client.digest(PRIVATE, "latest") == manifest.digest
            assert client.labels(PRIVATE, manifest) == {"content": content}
    cloud.require_no_secret()


def test_a_wrong_login_does_not(pushing: Pushing) -> None:
    wrong = Login.of(Credential("AWS", "not-what-moto-gave", "a test"))
    with pushing(ImmutableTags()) as client:
        stranger = replace(client, login=wrong)
        with pytest.raises(RegistryError) as caught:
            stranger.require_push(PRIVATE)
    assert '"ecr:PutImage"' in PROVIDER.explain(caught.value, PRIVATE)


def test_an_immutable_tag_takes_the_same_image_and_no_other(pushing: Pushing) -> None:
    with pushing(ImmutableTags()) as client:
        one, two = image(client, "one"), image(client, "two")
        client.put_manifest(PRIVATE, "v1", one)
        client.put_manifest(PRIVATE, "v1", one)
        with pytest.raises(RegistryError) as caught:
            client.put_manifest(PRIVATE, "v1", two)
        assert client.digest(PRIVATE, "v1") == one.digest
    assert caught.value.code == "TAG_INVALID"
    explained = PROVIDER.explain(caught.value, PRIVATE)
    assert "`LATEST_TAG_OFF: true`" in explained
    assert "`latest` and `r2d-*`" in explained


def test_tags_that_are_excluded_move(pushing: Pushing) -> None:
    with pushing(ImmutableTags(excluded=("latest", "r2d-*"))) as client:
        for content in ("one", "two"):
            manifest = image(client, content)
            for tag in ("latest", "r2d-cache-main"):
                client.put_manifest(PRIVATE, tag, manifest)
                assert client.digest(PRIVATE, tag) == manifest.digest
