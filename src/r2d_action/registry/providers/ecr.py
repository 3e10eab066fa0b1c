"""Amazon's registries, the private ones and the public one.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html
https://docs.aws.amazon.com/AmazonECR/latest/public/public-registry-auth.html
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from r2d_action.errors import LoginFailed
from r2d_action.reference import Registry, Repository
from r2d_action.registry.auth import Credential
from r2d_action.registry.client import RegistryError
from r2d_action.registry.providers.aws import AwsError, Keys, Place, call, keys_for
from r2d_action.registry.providers.generic import given_login
from r2d_action.registry.providers.provider import Means, Provider

PUBLIC_HOST = "public.ecr.aws"
PRIVATE_HOST = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?"
)
IMMUTABLE = frozenset({"TAG_INVALID", "ImageTagAlreadyExistsException"})
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html
PUSH = (
    "BatchCheckLayerAvailability", "CompleteLayerUpload", "InitiateLayerUpload", "PutImage",
    "UploadLayerPart",
)  # fmt: skip
# What was pushed is read back; of the public registry everybody may read.
PULL = ("BatchGetImage", "GetDownloadUrlForLayer")


@dataclass(frozen=True, slots=True)
class _Service:
    """The API behind a registry. ``name`` is that of its actions in policies as well."""

    name: str
    place: Place

    @property
    def where(self) -> Mapping[str, str]:
        return {"registryId": self.place.account} if self.place.account else {}

    def ask(self, means: Means, keys: Keys, action: str, **what: Any) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = call(means, keys, self.name, self.place, action, **what)
        return answer

    def repository_name(self, repository: Repository) -> str:
        """The public registry has somebody's alias in front of it."""
        return repository.path if self.place.account else repository.path.partition("/")[2]

    def arn(self, repository: Repository) -> str:
        region = self.place.region if self.place.account else ""
        owner = f"{self.name}:{region}:{self.place.account or '*'}"
        return f"arn:{self.place.partition}:{owner}:repository/{self.repository_name(repository)}"

    def policy(self, actions: Iterable[str], resource: str) -> str:
        """A statement to paste into the policy of the role or user."""
        named = [one if ":" in one else f"{self.name}:{one}" for one in actions]
        return json.dumps({"Effect": "Allow", "Action": named, "Resource": resource})


# Its API is in this region alone.
_PUBLIC = _Service("ecr-public", Place("us-east-1"))


def _service(registry: Registry) -> _Service:
    match = PRIVATE_HOST.fullmatch(registry.host)
    return _Service("ecr", Place(match["region"], match["account"])) if match else _PUBLIC


def _serves(registry: Registry) -> bool:
    return registry.host == PUBLIC_HOST or bool(PRIVATE_HOST.fullmatch(registry.host))


# Login --------------------------------------------------------------------------------------


def _login(registry: Registry, means: Means) -> Credential | None:
    service = _service(registry)
    keys = keys_for(service.place, means)
    if keys is None:
        return given_login(registry, means)
    try:
        answer = service.ask(means, keys, "get_authorization_token")
    except AwsError as error:
        raise _no_login(service, keys, error) from error
    found = answer["authorizationData"]
    # The private registries have a list of one.
    token = found[0] if isinstance(found, list) else found
    means.mask(token["authorizationToken"])
    user, _, password = base64.b64decode(token["authorizationToken"]).decode().partition(":")
    means.mask(password)
    return Credential(user, password, keys.source, expires=token["expiresAt"].timestamp())


def _no_login(service: _Service, keys: Keys, error: AwsError) -> LoginFailed:
    if error.is_denial:
        actions = ["GetAuthorizationToken"]
        if service is _PUBLIC:
            actions.append("sts:GetServiceBearerToken")
        return LoginFailed(
            f"AWS does not let {keys.source} log in at the registry ({error}); add this to its "
            "policy:",
            remedy=service.policy(actions, "*"),
        )
    return LoginFailed(
        f"AWS refuses {keys.source} ({error}); see that the key is active and its secret "
        "complete, or log in by a role instead (AWS_ROLE_ARN), which needs no key."
    )


# The repository -----------------------------------------------------------------------------


def _prepare(repository: Repository, means: Means) -> None:
    service = _service(repository.registry)
    keys = keys_for(service.place, means)
    if keys is None:
        return
    name = service.repository_name(repository)
    try:
        service.ask(means, keys, "describe_repositories", repositoryNames=[name], **service.where)
    except AwsError as error:
        # Who may not look may still push.
        if error.code == "RepositoryNotFoundException":
            _create(repository, service, keys, means)


def _create(repository: Repository, service: _Service, keys: Keys, means: Means) -> None:
    name = service.repository_name(repository)
    try:
        answer = service.ask(means, keys, "create_repository", repositoryName=name, **service.where)
    except AwsError as error:
        if error.code == "RepositoryAlreadyExistsException":
            return
        raise _not_created(repository, service, keys, error) from error
    means.say(f"created the repository {answer['repository']['repositoryUri']}")


def _not_created(
    repository: Repository, service: _Service, keys: Keys, error: AwsError
) -> LoginFailed:
    if not error.is_denial:
        return LoginFailed(
            f"{repository} does not exist and could not be created ({error}); create it by hand."
        )
    return LoginFailed(
        f"{repository} does not exist, and {keys.source} may not create it; create it by hand, "
        "or add this to its policy:",
        remedy=service.policy(["CreateRepository"], service.arn(repository)),
    )


# Words --------------------------------------------------------------------------------------


def _explain(error: RegistryError, repository: Repository) -> str:
    if error.code in IMMUTABLE:
        return (
            "The tag has another image already, and the repository does not let tags move: set "
            "`LATEST_TAG_OFF: true`, or let `latest` and `r2d-*` move in the repository's setting "
            "Image tag immutability (Mutable tag exclusion)."
        )
    if error.status == HTTPStatus.NOT_FOUND:
        return (
            f"{repository} does not exist: create it, or let this run do so by "
            "`AWS_ROLE_ARN` or an access key that has "
            f"`{_service(repository.registry).name}:CreateRepository` in its policy."
        )
    if error.is_denial:
        return _denied(error, repository)
    return ""


def _denied(error: RegistryError, repository: Repository) -> str:
    if "expired" in error.message.lower():
        return (
            "The login ran out, which happens to one of an earlier step: give the role as "
            "AWS_ROLE_ARN instead, and the login is made right before the push."
        )
    service = _service(repository.registry)
    actions = PUSH if service is _PUBLIC else (*PULL, *PUSH)
    return (
        "The policy of the role or user lacks something that a push needs, or there is no login "
        "at all (AWS_ROLE_ARN); the policy must have "
        f"{service.policy(actions, service.arn(repository))}."
    )


def _make_public(repository: Repository) -> str:
    if repository.registry.host == PUBLIC_HOST:
        return ""
    return (
        "Private registries of Amazon cannot be opened to everybody: push to a repository of "
        "public.ecr.aws instead (`DOCKER_REGISTRY: public.ecr.aws`)."
    )


PROVIDER = Provider(
    name="Amazon ECR",
    serves=_serves,
    login=_login,
    prepare=_prepare,
    explain=_explain,
    make_public=_make_public,
)
