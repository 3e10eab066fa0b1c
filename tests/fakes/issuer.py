"""GitHub's issuer of identities for jobs, and what it signs.

https://docs.github.com/actions/reference/openid-connect-reference
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from fakes.server import Answer, Request

ISSUER = "https://token.actions.githubusercontent.com"
REQUEST_TOKEN = "request-token-of-this-job"


@cache
def private_key(name: str) -> RSAPrivateKey:
    """One for each name: they take a moment to make."""
    del name
    return generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Issuer:
    """``issued`` are its tokens by their audience; ``ago`` seconds ago is when it says it is."""

    repository: str = "org/repo"
    ref: str = "refs/heads/main"
    ago: float = 0
    issued: dict[str, str] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        return f"repo:{self.repository}:ref:{self.ref}"

    def handle(self, request: Request) -> Answer:
        if request.headers.get("authorization", "").lower() != f"bearer {REQUEST_TOKEN}":
            return Answer(401)
        audience = parse_qs(urlsplit(request.path).query)["audience"][0]
        return Answer.of({"value": self.issue(audience)})

    def issue(self, audience: str) -> str:
        now = int(time.time() - self.ago)
        claims = {
            "iss": ISSUER,
            "aud": audience,
            "sub": self.subject,
            "repository": self.repository,
            "iat": now,
            "nbf": now,
            "exp": now + 300,
        }
        self.issued[audience] = jwt.encode(claims, private_key("GitHub"), "RS256")
        return self.issued[audience]

    def env(self, host: str) -> Mapping[str, str]:
        """What the runner tells a job that may ask."""
        return {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"http://{host}/token?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": REQUEST_TOKEN,
        }


def claims_in(token: str) -> dict[str, object]:
    """Of a token that GitHub signed and that is alive. Raises ``jwt.InvalidTokenError``."""
    claims: dict[str, object] = jwt.decode(
        token,
        private_key("GitHub").public_key(),
        ["RS256"],
        issuer=ISSUER,
        options={"verify_aud": False, "require": ["iss", "aud", "sub", "iat", "exp"]},
    )
    return claims
