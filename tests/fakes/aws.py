"""Amazon's API: moto, and before it what moto leaves out.

That is the trust policy of a role, which looks at the job's token; the permissions of who
asks; and the API of the public registry.
https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
https://docs.aws.amazon.com/AmazonECRPublic/latest/APIReference/Welcome.html
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import jwt
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import Client

from fakes.issuer import ISSUER, claims_in
from fakes.server import Answer, Request

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/images"
KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
PUBLIC_ALIAS = "public.ecr.aws/my-community"
PUBLIC_API = "SpencerFrontendService"
SIGNED = re.compile(r"AWS4-HMAC-SHA256 Credential=(\w+)/\d{8}/([\w-]+)/([\w-]+)/aws4_request, ")


@dataclass
class Aws:
    """``subject`` is the one that the role trusts; ``denied`` the actions that nobody may do;
    ``keys`` the known ones, each with the session token that has to come with it. ``seen``
    are the actions of all requests with their region."""

    subject: str = "repo:org/repo:ref:refs/heads/main"
    audience: str = "sts.amazonaws.com"
    knows_github: bool = True
    denied: frozenset[str] = frozenset()
    keys: dict[str, str] = field(default_factory=lambda: {KEY_ID: ""})
    public: set[str] = field(default_factory=set)
    seen: list[str] = field(default_factory=list)
    _moto: Client = field(
        default_factory=lambda: Client(DomainDispatcherApplication(create_backend_app))
    )

    def __post_init__(self) -> None:
        self._moto.post("/moto-api/reset")

    def handle(self, request: Request) -> Answer:
        service, _, action = request.headers.get("x-amz-target", "").rpartition(".")
        if not action:
            return self._sts(request)
        return (
            self._without_right(request, action)
            or (self._public(action, request) if service == PUBLIC_API else None)
            or self._passed_on(request)
        )

    def _passed_on(self, request: Request) -> Answer:
        answer = self._moto.open(
            request.path, method=request.method, headers=dict(request.headers), data=request.body
        )
        body = answer.data
        if request.headers.get("x-amz-target", "").endswith(".GetAuthorizationToken"):
            # moto's tokens ran out in 2015.
            content = json.loads(body)
            content["authorizationData"][0]["expiresAt"] = _in_twelve_hours()
            body = json.dumps(content).encode()
        return Answer(answer.status_code, body, answer.content_type or "")

    # Who may do what

    def _without_right(self, request: Request, action: str) -> Answer | None:
        signed = SIGNED.match(request.headers.get("authorization", ""))
        key, region, service = signed.groups() if signed else ("", "", "")
        self.seen.append(f"{service}:{action} {region}")
        if self.keys.get(key) != request.headers.get("x-amz-security-token", ""):
            return _refusal(
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            )
        if action in self.denied:
            return _refusal(
                "AccessDeniedException",
                f"User: arn:aws:iam::{ACCOUNT}:user/builder is not authorized to perform: "
                f"{service}:{action} because no identity-based policy allows it",
            )
        return None

    def _sts(self, request: Request) -> Answer:
        asked = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        self.seen.append(f"sts:{asked['Action']}")
        assert set(asked) == {
            "Action", "Version", "RoleArn", "RoleSessionName", "WebIdentityToken",
        }  # fmt: skip
        assert "authorization" not in request.headers
        refusal = self._distrust(asked["WebIdentityToken"])
        if refusal or asked["RoleArn"] != ROLE:
            return refusal or _not_authorized()
        answer = self._passed_on(request)
        found = [
            re.search(rf"<{name}>(.+?)</{name}>", answer.body.decode()) for name in CREDENTIALS
        ]
        key, token = (match[1] for match in found if match)
        self.keys[key] = token
        return answer

    def _distrust(self, token: str) -> Answer | None:
        if not self.knows_github:
            said = f"No OpenIDConnect provider found in your account for {ISSUER}"
            return _sts_refusal("InvalidIdentityToken", said)
        try:
            claims = claims_in(token)
        except jwt.ExpiredSignatureError:
            return _sts_refusal("ExpiredTokenException", "Token expired: current date/time")
        if claims["aud"] != self.audience:
            return _sts_refusal("InvalidIdentityToken", "Incorrect token audience")
        return None if claims["sub"] == self.subject else _not_authorized()

    # The public registry

    def _public(self, action: str, request: Request) -> Answer:
        assert self.seen[-1].endswith(" us-east-1"), "the API is in no other region"
        asked = json.loads(request.body)
        actions: dict[str, Callable[[dict[str, list[str]]], Answer]] = {
            "GetAuthorizationToken": self._public_token,
            "DescribeRepositories": self._public_repositories,
            "CreateRepository": self._public_repository,
        }
        return actions[action](asked)

    def _public_token(self, _asked: object) -> Answer:
        token = base64.b64encode(b"AWS:public-auth-token").decode()
        data = {"authorizationToken": token, "expiresAt": _in_twelve_hours()}
        return Answer.of({"authorizationData": data})

    def _public_repositories(self, asked: dict[str, list[str]]) -> Answer:
        missing = set(asked["repositoryNames"]) - self.public
        if missing:
            return _refusal("RepositoryNotFoundException", f"{missing} does not exist")
        return Answer.of({"repositories": [_public(name) for name in asked["repositoryNames"]]})

    def _public_repository(self, asked: dict[str, list[str]]) -> Answer:
        name = str(asked["repositoryName"])
        self.public.add(name)
        return Answer.of({"repository": _public(name)})


CREDENTIALS = ("AccessKeyId", "SessionToken")


def _in_twelve_hours() -> float:
    return time.time() + 12 * 3600


def _public(name: str) -> dict[str, str]:
    return {"repositoryName": name, "repositoryUri": f"{PUBLIC_ALIAS}/{name}"}


def _refusal(code: str, said: str) -> Answer:
    return Answer(
        400, json.dumps({"__type": code, "message": said}).encode(), "application/x-amz-json-1.1"
    )


def _not_authorized() -> Answer:
    return _sts_refusal("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")


def _sts_refusal(code: str, said: str) -> Answer:
    body = (
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>'
        f"<Type>Sender</Type><Code>{code}</Code><Message>{said}</Message>"
        "</Error><RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId></ErrorResponse>"
    )
    return Answer(403 if code == "AccessDenied" else 400, body.encode(), "text/xml")
