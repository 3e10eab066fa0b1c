"""Google Artifact Registry, and gcr.io, which is a part of it now.

https://cloud.google.com/artifact-registry/docs/docker/authentication
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from r2d_action.errors import LoginFailed
from r2d_action.reference import Registry, Repository
from r2d_action.registry.auth import Credential
from r2d_action.registry.client import RegistryError
from r2d_action.registry.job_identity import JobIdentity
from r2d_action.registry.providers.answers import Refused
from r2d_action.registry.providers.generic import given_login
from r2d_action.registry.providers.provider import Means, Provider

if TYPE_CHECKING:
    from r2d_action.registry.providers.google_token import AccessToken

KEY_USER = "_json_key"
ENCODED_KEY_USER = "_json_key_base64"
TOKEN_USER = "oauth2accesstoken"  # noqa: S105
TOKEN_PREFIX = "ya29."  # noqa: S105
CREDENTIAL_FILE = "GOOGLE_APPLICATION_CREDENTIALS"
_POOL_PROVIDER = re.compile(
    r"projects/\d+/locations/global/workloadIdentityPools/[\w-]+/providers/[\w-]+"
)


def _serves(registry: Registry) -> bool:
    host = registry.host
    return host == "gcr.io" or host.endswith((".gcr.io", "-docker.pkg.dev"))


# Logging in ---------------------------------------------------------------------------------


def _login(registry: Registry, means: Means) -> Credential | None:
    if means.inputs.docker_password:
        return _given(registry, means)
    if means.inputs.google_workload_identity_provider:
        return _as_the_job(means)
    return _left_behind(means) if means.env.get(CREDENTIAL_FILE) else None


def _given(registry: Registry, means: Means) -> Credential | None:
    """The user name tells Google what the password is, so the password tells it us."""
    password = means.inputs.docker_password
    if _is_key(password):
        return Credential(KEY_USER, password, "the service-account key in DOCKER_PASSWORD")
    if _is_key(_decoded(password)):
        return Credential(ENCODED_KEY_USER, password, "the service-account key in DOCKER_PASSWORD")
    if password.startswith(TOKEN_PREFIX):
        return Credential(TOKEN_USER, password, "the access token in DOCKER_PASSWORD")
    return given_login(registry, means)


def _is_key(text: str) -> bool:
    try:
        content = json.loads(text)
    except ValueError:
        return False
    return isinstance(content, dict) and content.get("type") == "service_account"


def _decoded(text: str) -> str:
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _as_the_job(means: Means) -> Credential:
    account = means.inputs.google_service_account
    pool_provider = _pool_provider(means.inputs.google_workload_identity_provider)
    identity = JobIdentity(means).token(f"https://iam.googleapis.com/{pool_provider}")
    means.extra("google")
    from r2d_action.registry.providers.google_token import Federation  # noqa: PLC0415

    source = f"the service account {account}" if account else "this job's identity"
    federation = Federation(pool_provider, identity, account)
    return _credential(lambda: federation.token(means, source), source)


def _left_behind(means: Means) -> Credential | None:
    file = Path(means.env[CREDENTIAL_FILE])
    if not file.is_file():
        means.say(
            f"{CREDENTIAL_FILE} names {file}, which is not there, so it is not used; let "
            "google-github-actions/auth come after actions/checkout"
        )
        return None
    means.extra("google")
    from r2d_action.registry.providers.google_token import token_from  # noqa: PLC0415

    source = f"the login that {CREDENTIAL_FILE} names"
    return _credential(lambda: token_from(file, means, source), source)


def _credential(ask: Callable[[], AccessToken], source: str) -> Credential:
    try:
        token = ask()
    except Refused as refusal:
        raise _refused(refusal, source) from None
    return Credential(TOKEN_USER, token.value, source, expires=token.expires)


def _pool_provider(given: str) -> str:
    name = re.sub(r"^(https:)?//iam\.googleapis\.com/", "", given)
    if not _POOL_PROVIDER.fullmatch(name):
        raise LoginFailed(
            f"GOOGLE_WORKLOAD_IDENTITY_PROVIDER: {given!r} is not the full name of a provider; "
            "write `projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/"
            "PROVIDER`, with the project's number and not its name."
        )
    return name


# Part of what Google says, and what to do about it.
_REMEDIES: Mapping[str, str] = {
    "attribute condition": "let this repository pass the attribute condition of that provider "
    "(`gcloud iam workload-identity-pools providers describe` shows it)",
    "audience in id token": "clear the allowed audiences of that provider, so that it takes its "
    "own name",
    "invalid_target": "see whether that pool and that provider exist, are not disabled, and are "
    "written with the project's number in GOOGLE_WORKLOAD_IDENTITY_PROVIDER",
    "getaccesstoken": "let this repository be that service account: bind the role "
    "`roles/iam.workloadIdentityUser` on it to the pool's `principalSet://…` of the repository",
    "has not been used in project": "enable that API: `gcloud services enable "
    "iamcredentials.googleapis.com`",
    "not found; gaia id": "see whether that service account exists, or correct "
    "GOOGLE_SERVICE_ACCOUNT",
    "account not found": "the service account is gone: make a new one, and a new key",
    "jwt signature": "that key of the service account was deleted: make a new one, or use workload "
    "identity federation, which has none",
    "stale": "run the job again, and check the clock of the runner if it is your own",
    "expired": "run the job again, and check the clock of the runner if it is your own",
}


def _refused(refusal: Refused, source: str) -> LoginFailed:
    said = f"{refusal.code} {refusal.said}".lower()
    remedy = next(
        (remedy for part, remedy in _REMEDIES.items() if part in said),
        "compare pool, provider and service account with the steps in docs/registries/google.md",
    )
    return LoginFailed(f"Google refused {source}: {remedy}. {refusal}")


# Words --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Place:
    """Project, location and repository as gcloud takes them."""

    project: str
    location: str
    repository: str

    @classmethod
    def of(cls, repository: Repository) -> _Place:
        host, parts = repository.registry.host, repository.path.split("/")
        # A project that belongs to a domain: example.com/project is example.com:project.
        size = 2 if "." in parts[0] else 1
        project = ":".join(parts[:size])
        if host.endswith("-docker.pkg.dev"):
            return cls(project, host.removesuffix("-docker.pkg.dev"), "".join(parts[size:][:1]))
        area = host.removesuffix("gcr.io").rstrip(".") or "us"
        return cls(project, {"eu": "europe"}.get(area, area), host)

    def __str__(self) -> str:
        return f"{self.repository} --location={self.location} --project={self.project}"


def _explain(error: RegistryError, repository: Repository) -> str:
    said = f"{error.code} {error.message}".lower()
    if "name_unknown" in said or "createonpush" in said or error.status == HTTPStatus.NOT_FOUND:
        return (
            "Artifact Registry takes images only into repositories that exist: make it with "
            f"`gcloud artifacts repositories create {_Place.of(repository)} "
            "--repository-format=docker`."
        )
    if "name_invalid" in said:
        return (
            "An image in Artifact Registry is called PROJECT/REPOSITORY/IMAGE: write for example "
            f"`IMAGE_NAME: {repository.path}/user-image`."
        )
    if error.is_denial:
        return (
            "There was no login, or it may not push there, or the repository does not exist: give "
            "it the right with `gcloud artifacts repositories add-iam-policy-binding "
            f"{_Place.of(repository)} "
            "--role=roles/artifactregistry.writer --member=MEMBER`, where MEMBER is "
            "`serviceAccount:…` or the `principalSet://…` of this repository."
        )
    return ""


def _make_public(repository: Repository) -> str:
    return (
        "Run `gcloud artifacts repositories add-iam-policy-binding "
        f"{_Place.of(repository)} --role=roles/artifactregistry.reader --member=allUsers`, which "
        "lets everybody pull all images of that repository."
    )


PROVIDER = Provider(
    name="Google Artifact Registry",
    serves=_serves,
    login=_login,
    explain=_explain,
    make_public=_make_public,
)
