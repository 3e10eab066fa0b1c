"""Amazon's API, as whom the run says: access keys, or a role for the job's own token.

What it takes is handed to it: no profile, no file in the home and no machine's own role has a
say, so that a run does the same on every runner.
https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from r2d_action.errors import LoginFailed
from r2d_action.registry.job_identity import JobIdentity, claims_of
from r2d_action.registry.providers.provider import Means
from r2d_action.registry.refusal import printable

# A user's long-lived key, and a temporary one.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
ACCESS_KEY_ID = re.compile(r"A[KS]IA[A-Z0-9]{12,124}")
ROLE = re.compile(r"arn:aws[a-z-]*:iam::(?P<account>\d{12}):role/[\w+=,.@/-]+")
GITHUB = "https://token.actions.githubusercontent.com"
# Of all that may be in a role's name for a session.
_NOT_IN_A_SESSION_NAME = re.compile(r"[^\w+=,.@-]")


class AwsError(Exception):
    """``code`` is Amazon's own word for the refusal (``AccessDeniedException``)."""

    def __init__(self, code: str, said: str) -> None:
        super().__init__(f"{code}: {said}" if said else code)
        self.code = code

    @property
    def is_denial(self) -> bool:
        return self.code.startswith(("AccessDenied", "UnauthorizedOperation"))


@dataclass(frozen=True, slots=True)
class Keys:
    """``source`` says where they were found, never what they are."""

    key_id: str
    secret: str = field(repr=False)
    session_token: str = field(repr=False)
    source: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a registry is: ``account`` is empty where the host does not tell it."""

    region: str
    account: str = ""

    @property
    def partition(self) -> str:
        partitions = {"cn": "aws-cn", "us-gov": "aws-us-gov"}
        found = (name for start, name in partitions.items() if self.region.startswith(f"{start}-"))
        return next(found, "aws")

    @property
    def audience(self) -> str:
        """https://github.com/aws-actions/configure-aws-credentials#oidc-audience"""
        return "sts.amazonaws.com.cn" if self.partition == "aws-cn" else "sts.amazonaws.com"


def keys_for(place: Place, means: Means) -> Keys | None:
    """None where the run has none. Raises :class:`LoginFailed`."""
    if means.inputs.aws_role_arn:
        return _assumed(_role_for(place, means.inputs.aws_role_arn), place, means)
    user, password = means.inputs.docker_username, means.inputs.docker_password
    if ACCESS_KEY_ID.fullmatch(user) and password:
        return Keys(user, password, "", "the access key in DOCKER_USERNAME and DOCKER_PASSWORD")
    if user and password:
        return None
    return _keys_of_the_run(means)


def call(
    means: Means, keys: Keys | None, service: str, place: Place, action: str, **what: Any
) -> Any:
    """One request to Amazon's API; without keys for nobody.

    Raises :class:`AwsError` for a refusal, :class:`LoginFailed` when there was no answer.
    """
    means.extra("aws")
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    try:
        client = _client(means.env, keys, service, place.region)
        return getattr(client, action)(**what)
    except ClientError as error:
        raise _refusal(error.response.get("Error", {}), service, place) from None
    except BotoCoreError as error:
        raise _unreachable(printable(str(error)), service, place) from None


def _refusal(error: Mapping[str, str], service: str, place: Place) -> AwsError | LoginFailed:
    code, said = error.get("Code", ""), error.get("Message", "")
    # Amazon's codes are words. For a page in place of an answer, botocore takes its status.
    if code.isalnum() and not code.isdigit():
        return AwsError(code, printable(said))
    return _unreachable("a proxy or a firewall answered in its place", service, place)


def _unreachable(reason: str, service: str, place: Place) -> LoginFailed:
    return LoginFailed(
        f"Amazon's {service} in {place.region} could not be asked ({reason}); see that this "
        "runner reaches it, and run the job again."
    )


def _client(env: Mapping[str, str], keys: Keys | None, service: str, region: str) -> Any:
    from botocore import UNSIGNED  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415
    from botocore.session import Session  # noqa: PLC0415

    nothing = {
        "profile": (None, None, None, None),
        "config_file": (None, None, os.devnull, None),
        "credentials_file": (None, None, os.devnull, None),
    }
    return Session(session_vars=nothing).create_client(
        service,
        region_name=region,
        endpoint_url=_endpoint(env, service),
        verify=env.get("AWS_CA_BUNDLE") or env.get("REQUESTS_CA_BUNDLE"),
        aws_access_key_id=keys.key_id if keys else None,
        aws_secret_access_key=keys.secret if keys else None,
        aws_session_token=(keys.session_token or None) if keys else None,
        config=Config(
            signature_version=None if keys else UNSIGNED,
            ignore_configured_endpoint_urls=True,
            retries={"mode": "standard", "total_max_attempts": 4},
            connect_timeout=10,
            read_timeout=30,
        ),
    )


def _endpoint(env: Mapping[str, str], service: str) -> str | None:
    """https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html"""
    name = f"AWS_ENDPOINT_URL_{service.replace('-', '_').upper()}"
    return env.get(name) or env.get("AWS_ENDPOINT_URL") or None


def _keys_of_the_run(means: Means) -> Keys | None:
    key_id, secret = means.env.get("AWS_ACCESS_KEY_ID"), means.env.get("AWS_SECRET_ACCESS_KEY")
    if not key_id or not secret:
        return None
    session_token = means.env.get("AWS_SESSION_TOKEN", "")
    for value in (secret, session_token):
        means.mask(value)
    return Keys(key_id, secret, session_token, "the AWS credentials that an earlier step set up")


# The role ---------------------------------------------------------------------------------


def _role_for(place: Place, roles: tuple[str, ...]) -> str:
    """The only one, or the one of the registry's account."""
    accounts = {}
    for role in roles:
        match = ROLE.fullmatch(role)
        if not match:
            raise LoginFailed(
                f"AWS_ROLE_ARN: {role!r} is not the ARN of a role; write for example "
                "`AWS_ROLE_ARN: arn:aws:iam::123456789012:role/push-images`."
            )
        accounts[match["account"]] = role
    if len(roles) == 1 or not place.account:
        return roles[0]
    if place.account not in accounts:
        raise LoginFailed(
            f"AWS_ROLE_ARN: none of the {len(roles)} roles is of the account {place.account}, to "
            "which the registry belongs; add one that is."
        )
    return accounts[place.account]


def _assumed(role: str, place: Place, means: Means) -> Keys:
    token = JobIdentity(means).token(place.audience)
    name = f"r2d-action-{means.env.get('GITHUB_RUN_ID', 'run')}"
    try:
        answer = call(
            means, None, "sts", place, "assume_role_with_web_identity",
            RoleArn=role,
            RoleSessionName=_NOT_IN_A_SESSION_NAME.sub("-", name)[:64],
            WebIdentityToken=token,
        )  # fmt: skip
    except AwsError as error:
        raise _no_role(role, place, token, error) from error
    found = answer["Credentials"]
    means.mask(found["SecretAccessKey"])
    means.mask(found["SessionToken"])
    return Keys(
        found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"], f"the role {role}"
    )


def _no_role(role: str, place: Place, token: str, error: AwsError) -> LoginFailed:
    subject = claims_of(token).get("sub", "")
    if error.code == "InvalidIdentityToken":
        return LoginFailed(
            f"The AWS account of {role} does not know GitHub's tokens ({error}); add the identity "
            f"provider {GITHUB} with the audience {place.audience} to that account (IAM > "
            "Identity providers)."
        )
    if error.is_denial:
        return LoginFailed(
            f"AWS does not let this job take the role {role} ({error}); see that the role exists, "
            f"and that its trust policy names the audience `{place.audience}` and the subject "
            f"`{subject}`, which is this job's."
        )
    return LoginFailed(f"AWS did not hand out the role {role} ({error}); run the job again later.")
