from __future__ import annotations

import base64
import json

import pytest

from fakes.means import Heard, means_for
from r2d_action.inputs import Inputs
from r2d_action.reference import Registry, Repository
from r2d_action.registry.client import RegistryError
from r2d_action.registry.providers import provider_of
from r2d_action.registry.providers.google import PROVIDER

KEY = json.dumps({"type": "service_account", "private_key": "a secret", "client_email": "x@y"})
ENCODED = base64.b64encode(KEY.encode()).decode()
WRAPPED = base64.encodebytes(KEY.encode()).decode()
IMAGE = Repository.parse("europe-west4-docker.pkg.dev/my-project/images/user-image")


@pytest.mark.parametrize(
    "host",
    ["gcr.io", "eu.gcr.io", "us-docker.pkg.dev", "europe-west4-docker.pkg.dev"],
)
def test_hosts_of_google(host: str) -> None:
    assert provider_of(Registry(host)) is PROVIDER


@pytest.mark.parametrize("host", ["notgcr.io", "pkg.dev", "docker.pkg.dev.example.org", "quay.io"])
def test_other_hosts(host: str) -> None:
    assert provider_of(Registry(host)) is not PROVIDER


@pytest.mark.parametrize(
    ("user", "password", "expected"),
    [
        ("_json_key", KEY, "_json_key"),
        ("", KEY, "_json_key"),
        ("my-account", KEY, "_json_key"),
        ("_json_key_base64", KEY, "_json_key"),
        ("_json_key_base64", ENCODED, "_json_key_base64"),
        ("_json_key", ENCODED, "_json_key_base64"),
        ("", WRAPPED, "_json_key_base64"),
        ("oauth2accesstoken", "opaque", "oauth2accesstoken"),
        ("oauth2accesstoken", "ya29.c.abc", "oauth2accesstoken"),
        ("", "ya29.c.abc", "oauth2accesstoken"),
        ("somebody", "something", "somebody"),
        ("somebody", '{"type": "external_account"}', "somebody"),
        ("somebody", "[1]", "somebody"),
        ("somebody", "Zm9v", "somebody"),
    ],
)
def test_the_password_says_who_the_user_is(user: str, password: str, expected: str) -> None:
    heard = Heard()
    given = Inputs(docker_username=user, docker_password=password)
    credential = PROVIDER.login(IMAGE.registry, means_for(given, {}, heard))
    assert credential
    assert (credential.username, credential.password) == (expected, password)
    assert password not in repr(credential)
    assert password not in credential.source
    assert not heard.said


def test_nothing_given_is_no_login() -> None:
    assert PROVIDER.login(IMAGE.registry, means_for(Inputs(), {}, Heard())) is None


@pytest.mark.parametrize(
    ("status", "code", "message", "expected"),
    [
        (404, "NAME_UNKNOWN", 'Repository "images" not found', "repositories create images "),
        (403, "DENIED", 'Permission "artifactregistry.repositories.uploadArtifacts" denied',
         "roles/artifactregistry.writer"),
        (401, "UNAUTHORIZED", "authentication failed", "roles/artifactregistry.writer"),
        (400, "NAME_INVALID", "Missing image name.", "PROJECT/REPOSITORY/IMAGE"),
        (500, "UNKNOWN", "", ""),
    ],
)  # fmt: skip
def test_refusals_are_explained(status: int, code: str, message: str, expected: str) -> None:
    error = RegistryError(IMAGE.registry.host, status, code, message)
    told = PROVIDER.explain(error, IMAGE)
    assert expected in told
    assert bool(told) is bool(expected)
    if "gcloud" in told:
        assert "images --location=europe-west4 --project=my-project" in told


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("europe-west4-docker.pkg.dev/p/images/x", "images --location=europe-west4 --project=p "),
        ("us-docker.pkg.dev/org.edu/p/images/x", "images --location=us --project=org.edu:p "),
        ("gcr.io/p/x", "gcr.io --location=us --project=p "),
        ("eu.gcr.io/p/x/y", "eu.gcr.io --location=europe --project=p "),
        ("asia.gcr.io/p/x", "asia.gcr.io --location=asia --project=p "),
    ],
)
def test_how_an_image_is_made_public(name: str, expected: str) -> None:
    told = PROVIDER.make_public(Repository.parse(name))
    assert f"add-iam-policy-binding {expected}" in told
    assert "allUsers" in told
