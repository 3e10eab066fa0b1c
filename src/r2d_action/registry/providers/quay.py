"""quay.io: robot accounts with a stored password or without one, and who sees a repository.

The token exchange and the API are described by quay's own code:
https://github.com/quay/quay/blob/master/endpoints/oauth/robot_identity_federation.py
https://github.com/quay/quay/blob/master/endpoints/api/repository.py
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import requests

from r2d_action.authorization import Bearer
from r2d_action.errors import LoginFailed
from r2d_action.reference import Registry, Repository
from r2d_action.registry.auth import Credential
from r2d_action.registry.client import RegistryError
from r2d_action.registry.job_identity import TIMEOUT_SECONDS, JobIdentity, claims_of
from r2d_action.registry.providers.answers import Refused, accepted, patiently
from r2d_action.registry.providers.generic import given_login
from r2d_action.registry.providers.provider import Means, Provider
from r2d_action.retry import Temporary

HOST = "quay.io"
SCOPES = "Create Repositories and Administer Repositories"
# What it answers of a repository that is not there, or not for us to see.
NOT_SHOWN = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})


def _login(registry: Registry, means: Means) -> Credential | None:
    robot, identity = means.inputs.docker_username, JobIdentity(means)
    if means.inputs.docker_password or "+" not in robot or not identity.is_available:
        return given_login(registry, means)
    job = identity.token(registry.host)
    answer = _exchanged(registry, robot, job, means)
    token = answer.get("token")
    if not token or not isinstance(token, str):
        raise LoginFailed(
            f"{registry}'s answer to {robot} holds no token; run the job again later."
        )
    means.mask(token)
    source = f"the robot account {robot}, for the job's own token"
    return Credential(robot, token, source, expires=claims_of(token).get("exp"))


def _exchanged(registry: Registry, robot: str, job: str, means: Means) -> Mapping[str, Any]:
    basic = requests.auth.HTTPBasicAuth(robot, job)
    quay = _Api(registry, means, basic)
    try:
        return quay.ask("GET", "oauth2/federation/robot/token", f"token for {robot}")
    except Refused as refusal:
        claims = claims_of(job)
        raise LoginFailed(
            f"{registry} does not take this job's token for the robot account {robot} ({refusal}); "
            f"open {_robots(registry, robot)}, choose Set robot federation for it, and add the "
            f"issuer `{claims.get('iss')}` with the subject `{claims.get('sub')}`."
        ) from refusal


@dataclass(frozen=True, slots=True)
class _Api:
    registry: Registry
    means: Means
    auth: requests.auth.AuthBase

    def ask(
        self, method: str, path: str, what: str, body: Mapping[str, str] | None = None
    ) -> Mapping[str, Any]:
        """Raises :class:`Refused` and :class:`LoginFailed`."""
        return patiently(self.means.retry, what, lambda: self._sent(method, path, body))

    def _sent(self, method: str, path: str, body: Mapping[str, str] | None) -> Mapping[str, Any]:
        host = self.registry.host
        scheme = "http" if self.registry.is_loopback else "https"
        try:
            answer = self.means.session.request(
                method,
                f"{scheme}://{host}/{path}",
                json=body,
                auth=self.auth,
                timeout=TIMEOUT_SECONDS,
            )
        except requests.RequestException as error:
            raise Temporary(f"{host} does not answer ({type(error).__name__})") from error
        return accepted(host, answer.status_code, answer.text)


# The repository -----------------------------------------------------------------------------


def _prepare(repository: Repository, means: Means) -> None:
    """Without a token of the API, the first push makes the repository: for nobody to see."""
    if not means.inputs.quay_api_token:
        return
    api = _Api(repository.registry, means, Bearer(means.inputs.quay_api_token))
    try:
        _look_after(repository, api, means)
    except Refused as refusal:
        raise LoginFailed(
            f"QUAY_API_TOKEN: {repository} could not be made ready ({refusal}); make a token with "
            f"{SCOPES} at {_applications(repository)}, or leave QUAY_API_TOKEN out and create the "
            "repository by hand."
        ) from refusal


def _look_after(repository: Repository, api: _Api, means: Means) -> None:
    path = f"api/v1/repository/{repository.path}?includeTags=false"
    try:
        found = api.ask("GET", path, "answer about the repository")
    except Refused as refusal:
        if refusal.status not in NOT_SHOWN:
            raise
        _create(repository, api, means)
        return
    if not found.get("is_public"):
        means.say(f"{repository} is private, and stays so. {_make_public(repository)}")


def _create(repository: Repository, api: _Api, means: Means) -> None:
    namespace, _, name = repository.path.partition("/")
    new = {
        "namespace": namespace,
        "repository": name,
        "visibility": "public",
        "description": _description(means.env),
    }
    api.ask("POST", "api/v1/repository", "new repository", new)
    means.say(f"created {repository}, which everybody can see")
    robot = means.inputs.docker_username
    # A repository belongs to whose token made it; others have to be let in.
    if "+" in robot:
        path = f"api/v1/repository/{repository.path}/permissions/user/{quote(robot, safe='')}"
        api.ask("PUT", path, "permission to push", {"role": "write"})
        means.say(f"let {robot} write to it")


def _description(env: Mapping[str, str]) -> str:
    server, source = env.get("GITHUB_SERVER_URL"), env.get("GITHUB_REPOSITORY")
    return f"Built from {server}/{source}" if server and source else ""


# Words --------------------------------------------------------------------------------------


def _explain(error: RegistryError, repository: Repository) -> str:
    said = error.message.lower()
    if error.code == "TAG_IMMUTABLE":
        return (
            "The tag has another image already and was made immutable: set `LATEST_TAG_OFF: true` "
            f"if it is `latest`, or make it mutable at {_page(repository)}?tab=tags."
        )
    if not error.is_denial:
        return ""
    if "quota" in said:
        tags = f"{_page(repository)}?tab=tags"
        return f"The storage of this account is used up: delete old tags at {tags}."
    if "robot" in said or "username" in said or "credentials" in said:
        return (
            "The user or password is wrong: DOCKER_USERNAME must be the whole name of the robot "
            "account (`team+robot`) and DOCKER_PASSWORD its token; without a password, the job "
            "needs `id-token: write` in its permissions and the robot account a federation."
        )
    return (
        f"The account may not write to {repository}: give it the permission Write at "
        f"{_page(repository)}?tab=settings, or, if the repository does not exist yet, put it into "
        "a team of the role Creator."
    )


def _make_public(repository: Repository) -> str:
    return (
        "A repository that a first push makes is private here: open "
        f"{_page(repository)}?tab=settings and choose Make Public."
    )


def _page(repository: Repository) -> str:
    return f"https://{repository.registry}/repository/{repository.path}"


def _robots(registry: Registry, robot: str) -> str:
    return f"https://{registry}/organization/{robot.partition('+')[0]}?tab=robots"


def _applications(repository: Repository) -> str:
    namespace = repository.path.partition("/")[0]
    return f"https://{repository.registry}/organization/{namespace}?tab=applications"


PROVIDER = Provider(
    name="quay.io",
    serves=lambda registry: registry.host == HOST,
    login=_login,
    prepare=_prepare,
    explain=_explain,
    make_public=_make_public,
)
