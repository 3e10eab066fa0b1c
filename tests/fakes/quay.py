"""quay.io: the exchange of a job's token for a robot's, and the API of repositories.

https://github.com/quay/quay/blob/master/endpoints/oauth/robot_identity_federation.py
https://github.com/quay/quay/blob/master/util/security/federated_robot_auth.py
https://github.com/quay/quay/blob/master/endpoints/api/repository.py
https://github.com/quay/quay/blob/master/endpoints/api/permission.py
"""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass, field
from urllib.parse import unquote

import jwt

from fakes.issuer import ISSUER, claims_in, private_key
from fakes.server import Answer, Request

ROBOT = "team+builder"
API_TOKEN = "the-token-of-an-application-of-the-team"
HOUR = 3600


@dataclass
class Quay:
    """``federation`` are the issuer and subject that the robot trusts, ``scopes`` what the API's
    token may do. ``repositories`` are private or public, with their writers and description."""

    federation: tuple[str, str] | None = (ISSUER, "repo:org/repo:ref:refs/heads/main")
    scopes: frozenset[str] = frozenset({"repo:create", "repo:admin"})
    repositories: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    audiences: list[object] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    trouble: list[Answer] = field(default_factory=list)

    def handle(self, request: Request) -> Answer:
        self.seen.append(f"{request.method} {request.path}")
        if self.trouble:
            return self.trouble.pop()
        if request.path == "/oauth2/federation/robot/token":
            return self._exchange(request)
        if request.path.startswith("/api/v1/repository"):
            return self._api(request, request.path.removeprefix("/api/v1/repository"))
        return Answer(404)

    # The robot

    def _exchange(self, request: Request) -> Answer:
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        if request.method != "GET" or scheme != "Basic" or request.body:
            return Answer.of({"error": "Invalid basic auth header"}, 401)
        user, _, token = base64.b64decode(encoded, validate=True).decode().partition(":")
        if user != ROBOT:
            return _message("Could not find robot with specified username")
        if not self.federation:
            return _message("Robot does not have federated login configured")
        return self._verified(token, *self.federation)

    def _verified(self, token: str, issuer: str, subject: str) -> Answer:
        try:
            claims = claims_in(token)
        except jwt.InvalidTokenError as error:
            return _message(f"Invalid token: {error}")
        if claims["iss"] != issuer:
            return _message(f"issuer {claims['iss']} not configured for this robot")
        if claims["sub"] != subject:
            return _message("Token does not match robot")
        self.audiences.append(claims["aud"])
        return Answer.of({"token": self._robot_token()})

    def _robot_token(self) -> str:
        now = int(time.time())
        claims = {"iss": "quay", "aud": "quay.io", "sub": ROBOT, "exp": now + HOUR, "iat": now}
        self.tokens.append(jwt.encode(claims, private_key("quay"), "RS256"))
        return self.tokens[-1]

    # Repositories

    def _api(self, request: Request, path: str) -> Answer:
        if request.headers.get("authorization") != f"Bearer {API_TOKEN}":
            return _problem(401, "invalid_token", "Requires authentication")
        if request.method == "POST" and not path:
            return self._created(json.loads(request.body))
        name, _, member = path.removeprefix("/").partition("/permissions/user/")
        if member:
            return self._permitted(name, unquote(member), json.loads(request.body))
        return self._found(name.removesuffix("?includeTags=false"))

    def _found(self, name: str) -> Answer:
        if name not in self.repositories:
            return _problem(404, "not_found", "Not Found")
        public = self.repositories[name]["visibility"] == "public"
        return Answer.of({"name": name.partition("/")[2], "is_public": public})

    def _created(self, new: dict[str, str]) -> Answer:
        assert set(new) == {"namespace", "repository", "visibility", "description"}
        assert new["visibility"] in {"public", "private"}
        if "repo:create" not in self.scopes:
            return _problem(403, "insufficient_scope", "Unauthorized")
        self.repositories[f"{new['namespace']}/{new['repository']}"] = new
        return Answer.of({"namespace": new["namespace"], "name": new["repository"]}, 201)

    def _permitted(self, name: str, member: str, asked: dict[str, str]) -> Answer:
        if "repo:admin" not in self.scopes:
            return _problem(403, "insufficient_scope", "Unauthorized")
        assert asked in ({"role": "read"}, {"role": "write"}, {"role": "admin"})
        self.repositories[name][member] = asked["role"]
        return Answer.of({"name": member, "role": asked["role"], "is_robot": "+" in member})


def _message(said: str) -> Answer:
    return Answer.of({"message": said}, 400)


def _problem(status: int, kind: str, said: str) -> Answer:
    problem = {"detail": said, "error_message": said, "error_type": kind, "title": kind}
    return Answer.of({**problem, "status": status}, status)
