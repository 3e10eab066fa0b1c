"""The job's identity: a token signed by GitHub, which clouds take in place of a password.

https://docs.github.com/actions/reference/security/oidc
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from r2d_action.addresses import name_in
from r2d_action.authorization import Bearer
from r2d_action.errors import LoginFailed
from r2d_action.registry.providers.answers import Refused, accepted, patiently
from r2d_action.registry.providers.provider import Means
from r2d_action.retry import Temporary

URL = "ACTIONS_ID_TOKEN_REQUEST_URL"
REQUEST_TOKEN = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"  # noqa: S105
TIMEOUT_SECONDS = (10.0, 30.0)

PERMISSIONS = """\
    permissions:
      contents: read # to check the repository out
      id-token: write # to log in without a password"""


@dataclass(frozen=True, slots=True)
class JobIdentity:
    """Tokens live for minutes: ask for one right before it is used."""

    means: Means

    @property
    def is_available(self) -> bool:
        return bool(self.means.env.get(URL) and self.means.env.get(REQUEST_TOKEN))

    def token(self, audience: str) -> str:
        """A token for ``audience``, the party that is to take it, masked already.

        Raises :class:`LoginFailed`.
        """
        if not self.is_available:
            raise LoginFailed(
                "GitHub does not let this job prove who it is, which it needs to log in without "
                "a password; add `id-token: write` to the job's permissions (to those of the "
                "calling job as well, if this is a reusable workflow).",
                remedy=PERMISSIONS,
            )
        self.means.mask(self.means.env[REQUEST_TOKEN])
        try:
            answer = patiently(self.means.retry, "token of this job", lambda: self._ask(audience))
        except Refused as refusal:
            raise _no_token(str(refusal)) from refusal
        return self._masked(answer.get("value"))

    def _masked(self, token: object) -> str:
        if not token or not isinstance(token, str):
            raise _no_token("its answer holds none")
        self.means.mask(token)
        return token

    def _ask(self, audience: str) -> Mapping[str, Any]:
        url = self.means.env[URL]
        host = name_in(url)
        try:
            answer = self.means.session.get(
                url,
                params={"audience": audience},
                auth=Bearer(self.means.env[REQUEST_TOKEN]),
                timeout=TIMEOUT_SECONDS,
            )
        except requests.RequestException as error:
            raise Temporary(f"{host} does not answer ({type(error).__name__})") from error
        return accepted(host, answer.status_code, answer.text)


def claims_of(token: str) -> Mapping[str, Any]:
    """What a JSON web token claims, unproven; empty for any other token.

    ``sub`` is what people have to name in a cloud's settings, and GitHub writes it in more than
    one way: https://docs.github.com/actions/reference/security/oidc#immutable-subject-claims
    """
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, LookupError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _no_token(reason: str) -> LoginFailed:
    return LoginFailed(
        f"GitHub gave this job no token to log in with ({reason}); run the job again, and look at "
        "https://www.githubstatus.com if that does not help."
    )
