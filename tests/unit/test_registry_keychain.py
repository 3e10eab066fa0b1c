from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from fakes.means import Heard, means_for
from r2d_action.engine import docker_config
from r2d_action.errors import LoginFailed
from r2d_action.inputs import Inputs
from r2d_action.reference import Registry
from r2d_action.registry.auth import Credential
from r2d_action.registry.docker_logins import DockerLogins
from r2d_action.registry.keychain import Keychain
from r2d_action.retry import Retry
from unit.registry_world import AUTH, HOST, MANIFEST, at, token_server, with_tokens, world

QUAY, HUB = Registry("quay.io"), Registry("docker.io")
GIVEN = Inputs(docker_username="given", docker_password="s3cret")


def entry(user: str, padding: str = "") -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:s3cret{padding}".encode()).decode()}


def written(folder: Path, **content: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(content))
    return folder


def credential_for(
    registry: Registry, folder: Path, inputs: Inputs | None = None
) -> Credential | None:
    means = means_for(inputs or Inputs(), {}, Heard())
    return Keychain(registry, means, folder).login(registry).credential()


def user_for(registry: Registry, folder: Path, inputs: Inputs | None = None) -> str | None:
    found = credential_for(registry, folder, inputs)
    return found.username if found else None


# The order ----------------------------------------------------------------------------------


def test_the_provider_comes_first_and_nobody_last(tmp_path: Path) -> None:
    folder = written(tmp_path, auths={"quay.io": entry("left"), "ghcr.io": entry("left")})
    assert user_for(Registry("ghcr.io"), folder, Inputs(github_token="s3cret")) == "github-actions"
    assert user_for(QUAY, folder, GIVEN) == "given"
    assert user_for(QUAY, folder) == "left"
    assert user_for(Registry("example.org"), folder) is None
    assert user_for(QUAY, tmp_path / "missing") is None


def test_half_of_an_input_is_none(tmp_path: Path) -> None:
    assert user_for(QUAY, tmp_path, Inputs(docker_username="given")) is None
    assert user_for(QUAY, tmp_path, Inputs(docker_password="s3cret")) is None


def test_it_is_said_where_a_login_is_from_and_not_what_it_is(tmp_path: Path) -> None:
    folder = written(tmp_path, auths={"quay.io": entry("left")})
    found = credential_for(QUAY, folder)
    assert found is not None
    assert str(folder / "config.json") in found.source
    assert "left" not in found.source
    assert "s3cret" not in found.source


def test_a_folder_whose_name_nobody_expanded(tmp_path: Path) -> None:
    written(tmp_path / "$HOME" / ".docker", auths={"quay.io": entry("left")})
    env = {"DOCKER_CONFIG": "$HOME/.docker", "HOME": "/elsewhere"}
    assert user_for(QUAY, docker_config(env, tmp_path)) == "left"


def test_who_speaks_as_one_user_asks_for_one_token(tmp_path: Path) -> None:
    there, registry = world(with_tokens(), **{f"https://{AUTH}": token_server}), Registry(HOST)
    means = means_for(GIVEN, {}, Heard(), there.client().session)
    keychain, hasty = Keychain(registry, means, tmp_path), Retry(there.waits.append, print, tries=1)
    readers = keychain.client(registry), keychain.reader(registry), keychain.reader(registry, hasty)
    assert [one.manifest(at(), "v1") for one in readers] == [MANIFEST] * 3
    assert [one.retry for one in readers] == [means.retry, means.retry, hasty]
    assert len(there.net.asked(AUTH)) == 1


# A login that is nice to have ----------------------------------------------------------------

PKG, ECR, ACR = (
    Registry("europe-docker.pkg.dev"),
    Registry("123456789012.dkr.ecr.us-east-1.amazonaws.com"),
    Registry("someone.azurecr.io"),
)
POOL = "projects/123/locations/global/workloadIdentityPools/pool/providers/github"
CLOUDS = [
    (PKG, Inputs(google_workload_identity_provider=POOL)),
    (ECR, Inputs(aws_role_arn=("arn:aws:iam::123456789012:role/images",))),
    (ACR, Inputs(azure_client_id="client", azure_tenant_id="tenant")),
]


@pytest.mark.parametrize(("registry", "inputs"), CLOUDS)
def test_what_can_do_without_a_login_is_done_as_nobody(
    tmp_path: Path, registry: Registry, inputs: Inputs
) -> None:
    heard = Heard()
    keychain = Keychain(registry, means_for(inputs, {}, heard), tmp_path)
    assert keychain.reader(registry).credential is None
    assert keychain.login(registry).credential() is None
    reason = "GitHub does not let this job prove who it is, which it needs to log in without a"
    assert heard.said == [f"{registry} is asked without a login: {reason} password."]


@pytest.mark.parametrize(("registry", "inputs"), CLOUDS)
def test_what_cannot_do_without_fails(tmp_path: Path, registry: Registry, inputs: Inputs) -> None:
    heard = Heard()
    keychain = Keychain(registry, means_for(inputs, {}, heard), tmp_path)
    client = keychain.client(registry)
    for _ in range(2):
        with pytest.raises(LoginFailed, match="id-token: write"):
            _ = client.credential
    assert not heard.said


def test_a_login_that_is_there_is_one_for_all(tmp_path: Path) -> None:
    heard = Heard()
    keychain = Keychain(QUAY, means_for(GIVEN, {}, heard), tmp_path)
    one = keychain.login(QUAY)
    assert one is keychain.client(QUAY).login is keychain.reader(QUAY).login
    assert not heard.said


# Docker's configuration ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        "quay.io",
        "https://quay.io",
        "http://quay.io/",
        "https://quay.io/v1/",
        "quay.io/v2/",
        "QUAY.io",
    ],
)
def test_spellings_of_a_registry(tmp_path: Path, key: str) -> None:
    assert user_for(QUAY, written(tmp_path, auths={key: entry("left")})) == "left"


@pytest.mark.parametrize(
    "key", ["quay.io/org", "quay.io:443", "cdn.quay.io", "https://example.org/quay.io"]
)
def test_neighbours_of_a_registry(tmp_path: Path, key: str) -> None:
    assert user_for(QUAY, written(tmp_path, auths={key: entry("left")})) is None


@pytest.mark.parametrize(
    "key", ["https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io"]
)
@pytest.mark.parametrize("host", ["docker.io", "registry.hub.docker.com", "index.docker.io"])
def test_spellings_of_docker_hub(tmp_path: Path, key: str, host: str) -> None:
    assert user_for(Registry(host), written(tmp_path, auths={key: entry("left")})) == "left"


def test_ports_are_part_of_the_name(tmp_path: Path) -> None:
    auths = {
        "localhost:5000": entry("one"),
        "[::1]:5000": entry("two"),
        "localhost": entry("three"),
    }
    folder = written(tmp_path, auths=auths)
    assert user_for(Registry("localhost:5000"), folder) == "one"
    assert user_for(Registry("[::1]:5000"), folder) == "two"


def test_what_an_entry_may_hold(tmp_path: Path) -> None:
    folder = written(
        tmp_path,
        auths={
            "a.org": {"username": "ann", "password": "s3cret"},
            "b.org": {"identitytoken": "opaque", **entry("00000000")},
            "c.org": {"auth": base64.b64encode(b'_json_key:{"a": "b:c"}').decode()},
            "d.org": {},
            "e.org": {"auth": "not base64!"},
            "f.org": "text",
            "g.org": entry("padded", "\0\0"),
        },
    )
    found = DockerLogins(folder / "config.json").written()
    assert set(found) == {"a.org", "b.org", "c.org", "g.org"}
    assert found["a.org"].username == "ann"
    assert (found["b.org"].identity_token, found["b.org"].password) == ("opaque", "")
    assert found["c.org"].password == '{"a": "b:c"}'
    assert found["g.org"].password == "s3cret"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"auths": []}', '{"auths": null}', "\xff"])
def test_a_broken_file_holds_no_logins(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text, encoding="latin-1")
    assert user_for(QUAY, tmp_path) is None
