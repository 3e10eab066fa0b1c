from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from fakes.elsewhere import Elsewhere
from fakes.google import ACCOUNT, HOSTS, POOL_PROVIDER, Google, federation_file
from fakes.issuer import REQUEST_TOKEN, Issuer, private_key
from fakes.means import Heard, means_for
from fakes.server import PAGE, Answer, serving
from integration.refused_logins import refused, require_no_secret
from integration.registries import image, noise, push, upload
from integration.token_registry import Passwords, TokenRegistry, token_registry
from r2d_action.errors import LoginFailed
from r2d_action.inputs import Inputs
from r2d_action.reference import Repository
from r2d_action.registry.auth import Credential
from r2d_action.registry.client import RegistryError
from r2d_action.registry.providers.google import PROVIDER

IMAGE = Repository.parse("europe-west4-docker.pkg.dev/my-project/images/user-image")
FEDERATED = Inputs(google_workload_identity_provider=POOL_PROVIDER)
AS_ACCOUNT = Inputs(google_workload_identity_provider=POOL_PROVIDER, google_service_account=ACCOUNT)


@dataclass(frozen=True)
class Cloud:
    google: Google
    issuer: Issuer
    issuer_host: str
    session: requests.Session
    heard: Heard = field(default_factory=Heard)

    def login(self, inputs: Inputs, file: Path | None = None) -> Credential | None:
        env = dict(self.issuer.env(self.issuer_host))
        if file:
            env["GOOGLE_APPLICATION_CREDENTIALS"] = str(file)
        return PROVIDER.login(IMAGE.registry, means_for(inputs, env, self.heard, self.session))

    def refusal(self, inputs: Inputs, file: Path | None = None) -> str:
        failed = refused(lambda: self.login(inputs, file))
        secrets = {REQUEST_TOKEN, *self.google.tokens, *self.issuer.issued.values()}
        require_no_secret(secrets, (str(failed), repr(failed), *self.heard.said))
        return str(failed)


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    google, issuer, session = Google(), Issuer(), requests.Session()
    with serving(google.handle) as host, serving(issuer.handle) as issuer_host:
        for name in HOSTS:
            session.mount(f"https://{name}/", Elsewhere(name, host))
        yield Cloud(google, issuer, issuer_host, session)


def test_a_job_logs_in_as_itself(cloud: Cloud) -> None:
    before = time.time()
    credential = cloud.login(FEDERATED)
    assert credential
    assert cloud.google.password_of(credential.username) == credential.password
    assert credential.source == "this job's identity"
    assert credential.expires
    assert before + 295 < credential.expires < time.time() + 301
    assert cloud.google.seen == ["/v1/token"]
    assert set(cloud.issuer.issued) == {f"https://iam.googleapis.com/{POOL_PROVIDER}"}


def test_a_job_logs_in_as_a_service_account(cloud: Cloud) -> None:
    credential = cloud.login(AS_ACCOUNT)
    assert credential
    assert credential.password.startswith("ya29.c.")
    assert cloud.google.password_of(credential.username) == credential.password
    assert credential.source == f"the service account {ACCOUNT}"
    assert set(cloud.google.tokens) <= set(cloud.heard.masked)


def test_a_job_logs_in_with_what_an_earlier_step_left(cloud: Cloud, tmp_path: Path) -> None:
    file = tmp_path / "gha-creds-0123456789abcdef.json"
    env = cloud.issuer.env(cloud.issuer_host)
    file.write_text(json.dumps(federation_file(env)))
    credential = cloud.login(Inputs(), file)
    assert credential
    assert cloud.google.password_of(credential.username) == credential.password
    assert cloud.google.seen == ["/v1/token"]


def test_a_job_logs_in_with_the_key_that_an_earlier_step_left(cloud: Cloud, tmp_path: Path) -> None:
    file = tmp_path / "gha-creds-0123456789abcdef.json"
    file.write_text(json.dumps(cloud.google.key()))
    credential = cloud.login(Inputs(), file)
    assert credential
    assert cloud.google.password_of(credential.username) == credential.password
    assert cloud.google.seen == ["/token"]


# The push -----------------------------------------------------------------------------------

REALM = "https://europe-west4-docker.pkg.dev/v2/token"


@pytest.fixture
def registry(cloud: Cloud, tmp_path: Path) -> Iterator[TokenRegistry]:
    """The token server of the registry takes what the token servers of the cloud gave."""
    users = Passwords(cloud.google.password_of)
    host = IMAGE.registry.host
    with token_registry(tmp_path, cloud.session, host, REALM, users) as running:
        yield running


@pytest.mark.parametrize("inputs", [FEDERATED, AS_ACCOUNT])
def test_a_job_pushes_with_its_login(cloud: Cloud, registry: TokenRegistry, inputs: Inputs) -> None:
    registry.push(IMAGE, lambda: cloud.login(inputs))


@pytest.mark.parametrize("kind", ["key", "federation"])
def test_a_job_pushes_with_what_an_earlier_step_left(
    cloud: Cloud, registry: TokenRegistry, tmp_path: Path, kind: str
) -> None:
    issuer = cloud.issuer.env(cloud.issuer_host)
    content = cloud.google.key() if kind == "key" else federation_file(issuer)
    (tmp_path / "file.json").write_text(json.dumps(content))
    registry.push(IMAGE, lambda: cloud.login(Inputs(), tmp_path / "file.json"))


@pytest.mark.parametrize("user", ["_json_key", "_json_key_base64", "oauth2accesstoken", ""])
def test_a_password_is_pushed_with_as_it_is(
    cloud: Cloud, registry: TokenRegistry, user: str
) -> None:
    key = json.dumps(cloud.google.key(), indent=2)
    password = {
        "_json_key_base64": base64.b64encode(key.encode()).decode(),
        "oauth2accesstoken": cloud.google.new_token("c"),
    }.get(user, key)
    given = Inputs(docker_username=user, docker_password=password)
    registry.push(IMAGE, lambda: cloud.login(given))


def test_a_login_that_runs_out_during_a_push_is_made_again(
    cloud: Cloud, registry: TokenRegistry
) -> None:
    minutes = [0.0]
    client = registry.client(
        IMAGE, lambda: cloud.login(FEDERATED), lambda: time.time() + 60 * minutes[0]
    )
    pushed = image(noise(50_000))
    upload(client, IMAGE, pushed.blobs[0])
    minutes[0] = 4.5
    cloud.google.forget_tokens()
    # By google-auth's clock, which cannot be moved.
    cloud.google.lifetime += 270
    push(client, IMAGE, pushed, "v1")
    assert client.digest(IMAGE, "v1") == pushed.manifest.digest
    assert cloud.google.seen == ["/v1/token", "/v1/token"]


def test_a_login_that_the_registry_does_not_take(registry: TokenRegistry) -> None:
    stranger = Credential("oauth2accesstoken", "ya29.c.of-somebody-else", "a test")
    with pytest.raises(RegistryError) as caught:
        registry.push(IMAGE, lambda: stranger)
    assert "roles/artifactregistry.writer" in PROVIDER.explain(caught.value, IMAGE)
    assert stranger.password not in str(caught.value)


# What Google refuses ------------------------------------------------------------------------


def test_a_provider_that_wants_another_audience(cloud: Cloud) -> None:
    cloud.google.audience = "https://github.com/org"
    assert "clear the allowed audiences" in cloud.refusal(FEDERATED)


def test_a_job_token_that_has_run_out(cloud: Cloud) -> None:
    cloud.issuer.ago = 3600
    assert "run the job again" in cloud.refusal(FEDERATED)


def test_a_repository_that_the_provider_does_not_let_in(cloud: Cloud) -> None:
    cloud.issuer.repository = "somebody/else"
    assert "providers describe" in cloud.refusal(FEDERATED)


def test_a_repository_that_may_not_be_the_service_account(cloud: Cloud) -> None:
    cloud.google.members = frozenset()
    assert "roles/iam.workloadIdentityUser" in cloud.refusal(AS_ACCOUNT)


def test_a_service_account_that_does_not_exist(cloud: Cloud) -> None:
    cloud.google.accounts = frozenset()
    assert "GOOGLE_SERVICE_ACCOUNT" in cloud.refusal(AS_ACCOUNT)


def test_a_job_token_that_nobody_signed(cloud: Cloud, tmp_path: Path) -> None:
    """The answer repeats the token, as servers do."""
    content = federation_file(cloud.issuer.env(cloud.issuer_host))
    forged = f"{cloud.issuer.issue('x').rpartition('.')[0]}.Zm9yZ2Vk"
    (tmp_path / "token").write_text(forged)
    content["credential_source"] = {"file": str(tmp_path / "token")}
    (tmp_path / "file.json").write_text(json.dumps(content))
    told = cloud.refusal(Inputs(), tmp_path / "file.json")
    assert "Unable to verify the ID Token" in told
    assert forged not in told


def test_a_key_that_was_deleted(cloud: Cloud, tmp_path: Path) -> None:
    key = cloud.google.key()
    pem = private_key("another").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.json").write_text(json.dumps({**key, "private_key": pem.decode()}))
    assert "was deleted" in cloud.refusal(Inputs(), tmp_path / "key.json")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"type": "service_account"}', '{"type": []}'])
def test_a_file_that_holds_no_credentials(cloud: Cloud, tmp_path: Path, content: str) -> None:
    (tmp_path / "file.json").write_text(content)
    assert "google-github-actions/auth" in cloud.refusal(Inputs(), tmp_path / "file.json")


def test_a_file_that_is_gone(cloud: Cloud, tmp_path: Path) -> None:
    assert cloud.login(Inputs(), tmp_path / "gone.json") is None
    assert "gone.json" in cloud.heard.said[0]


def test_a_file_that_names_a_file_that_is_gone(cloud: Cloud, tmp_path: Path) -> None:
    content = federation_file(cloud.issuer.env(cloud.issuer_host))
    content["credential_source"] = {"file": str(tmp_path / "gone")}
    (tmp_path / "file.json").write_text(json.dumps(content))
    assert "cannot be used" in cloud.refusal(Inputs(), tmp_path / "file.json")


@pytest.mark.parametrize("inputs", [FEDERATED, AS_ACCOUNT])
def test_an_answer_without_a_token(cloud: Cloud, inputs: Inputs) -> None:
    cloud.google.answer = Answer.of({})
    assert "cannot be used" in cloud.refusal(inputs)


@pytest.mark.parametrize("inputs", [FEDERATED, AS_ACCOUNT])
def test_a_page_in_place_of_a_token(cloud: Cloud, inputs: Inputs) -> None:
    cloud.google.answer = Answer(403, PAGE, "text/html")
    told = cloud.refusal(inputs)
    assert "proxy" in told
    assert "<" not in told
    assert not cloud.heard.slept


def test_a_server_that_is_away(cloud: Cloud, tmp_path: Path) -> None:
    key = {**cloud.google.key(), "token_uri": "http://127.0.0.1:9/token"}
    (tmp_path / "key.json").write_text(json.dumps(key))
    assert "3 times in a row" in cloud.refusal(Inputs(), tmp_path / "key.json")
    assert cloud.heard.slept == [1.0, 2.0]


def test_a_job_without_an_identity() -> None:
    with pytest.raises(LoginFailed, match="id-token: write"):
        PROVIDER.login(IMAGE.registry, means_for(FEDERATED, {}, Heard()))


@pytest.mark.parametrize("given", ["github", "projects/my-project/locations/global/x"])
def test_a_provider_without_its_whole_name(given: str) -> None:
    inputs = Inputs(google_workload_identity_provider=given)
    with pytest.raises(LoginFailed, match="project's number"):
        PROVIDER.login(IMAGE.registry, means_for(inputs, {}, Heard()))
