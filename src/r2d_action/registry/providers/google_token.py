"""Access tokens of Google's; importable once the extra ``google`` is there."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timezone
from pathlib import Path
from typing import Any

from google.auth import identity_pool
from google.auth.exceptions import GoogleAuthError, TransportError
from google.auth.transport.requests import Request
from google.oauth2 import service_account

from r2d_action.addresses import name_in
from r2d_action.errors import LoginFailed
from r2d_action.registry.providers.answers import accepted, patiently
from r2d_action.registry.providers.provider import Means
from r2d_action.retry import Temporary

STS = "https://sts.googleapis.com/v1/token"
SERVICE_ACCOUNTS = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts"
SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
JWT = "urn:ietf:params:oauth:token-type:jwt"


@dataclass(frozen=True, slots=True, repr=False)
class AccessToken:
    """``expires`` in seconds since 1970."""

    value: str
    expires: float


@dataclass(frozen=True, slots=True, repr=False)
class Federation:
    """A job that Google knows by workload identity federation, directly or as a service account.

    ``pool_provider`` is a name without a host, ``identity`` the job's token, ``service_account``
    empty for none.
    https://cloud.google.com/iam/docs/workload-identity-federation-with-deployment-pipelines
    """

    pool_provider: str
    identity: str
    service_account: str

    def token(self, means: Means, source: str) -> AccessToken:
        """Raises :class:`Refused` and :class:`LoginFailed`."""
        account = f"{SERVICE_ACCOUNTS}/{self.service_account}:generateAccessToken"
        credentials = identity_pool.Credentials(  # type: ignore[no-untyped-call]
            audience=f"//iam.googleapis.com/{self.pool_provider}",
            subject_token_type=JWT,
            token_url=STS,
            subject_token_supplier=_Subject(self.identity),
            service_account_impersonation_url=account if self.service_account else None,
            scopes=SCOPES,
        )
        return _token(credentials, means, source)


@dataclass(frozen=True, slots=True, repr=False)
class _Subject:
    """What google-auth calls a supplier: it hands out the job's token."""

    token: str

    def get_subject_token(self, _context: object, _request: object) -> str:
        return self.token


def token_from(file: Path, means: Means, source: str) -> AccessToken:
    """With what google-github-actions/auth leaves for the steps after it.

    Raises :class:`Refused` and :class:`LoginFailed`.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        credentials = _KINDS[content["type"]](content, scopes=SCOPES)
    except (OSError, GoogleAuthError, ValueError, LookupError, TypeError) as error:
        raise LoginFailed(
            f"{file} holds neither the key of a service account nor a workload identity "
            f"federation ({type(error).__name__}); let google-github-actions/auth make it in an "
            "earlier step of this job, after the checkout."
        ) from error
    return _token(credentials, means, source)


_KINDS: dict[str, Callable[..., Any]] = {
    "service_account": service_account.Credentials.from_service_account_info,
    "external_account": identity_pool.Credentials.from_info,
}


# What google-auth is given on the way, GitHub's token among it.
_TOKENS = frozenset({"access_token", "accessToken", "value"})


def _token(credentials: Any, means: Means, source: str) -> AccessToken:
    ask = _asking(means)
    try:
        patiently(means.retry, "access token from Google", lambda: credentials.refresh(ask))
        expires = credentials.expiry.replace(tzinfo=timezone.utc).timestamp()
    except (GoogleAuthError, LookupError, ValueError, TypeError) as error:
        raise LoginFailed(
            f"Google's answer to {source} cannot be used ({type(error).__name__}); run the job "
            "again later."
        ) from error
    return AccessToken(credentials.token, expires)


def _asking(means: Means) -> Callable[..., Any]:
    """How google-auth sends requests, but for refusals, of which it makes one string each."""
    send = Request(means.session)

    def ask(url: str, **request: Any) -> Any:
        host = name_in(url) or url
        try:
            answer = send(url, **request)
        except TransportError as error:
            raise Temporary(f"{host} does not answer") from error
        content = accepted(host, answer.status, answer.data.decode(errors="replace"))
        for token in _TOKENS & content.keys():
            means.mask(str(content[token]))
        return answer

    return ask
