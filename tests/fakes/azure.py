"""Entra ID and the token server of an Azure registry, which take what they document and
nothing else.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

import jwt

from fakes.issuer import claims_in, private_key
from fakes.server import Answer, Handle, Request

TENANT = "55555555-6666-7777-8888-999999999999"
CLIENT = "00000000-1111-2222-3333-444444444444"
AUDIENCE = "https://containerregistry.azure.net"
EXCHANGE = "api://AzureADTokenExchange"
HOSTS = ("login.microsoftonline.com", "login.chinacloudapi.cn", "login.microsoftonline.us")
FORM = "application/x-www-form-urlencoded"
BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TOKEN_USER = "00000000-0000-0000-0000-000000000000"


@dataclass
class Entra:
    """``subject`` and ``audience`` are those of the application's federated credential;
    ``answer`` is what it says to everything, if anything. ``seen`` are the hosts of requests."""

    subject: str = "repo:org/repo:ref:refs/heads/main"
    audience: str = EXCHANGE
    tenant: str = TENANT
    client: str = CLIENT
    answer: Answer | None = None
    tokens: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    def at(self, host: str) -> Handle:
        """As one of :data:`HOSTS`."""

        def handle(request: Request) -> Answer:
            self.seen.append(host)
            return self.answer or self._answer(request)

        return handle

    def _answer(self, request: Request) -> Answer:
        if request.path != f"/{self.tenant}/oauth2/v2.0/token":
            said = f"AADSTS90002: Tenant '{request.path.split('/')[1]}' not found."
            return _refusal("invalid_request", said)
        given = dict(parse_qsl(request.body.decode()))
        expected = {
            "client_assertion": given.get("client_assertion", ""),
            "client_assertion_type": BEARER,
            "client_id": given.get("client_id", ""),
            "grant_type": "client_credentials",
            "scope": f"{AUDIENCE}/.default",
        }
        if not _is_form(request, expected):
            return _refusal("invalid_request", "AADSTS900144: The request body is not right.")
        if given["client_id"] != self.client:
            said = f"AADSTS700016: Application '{given['client_id']}' was not found."
            return _refusal("unauthorized_client", said)
        return self._asserted(given["client_assertion"])

    def _asserted(self, assertion: str) -> Answer:
        try:
            claims = claims_in(assertion)
        except jwt.ExpiredSignatureError:
            said = "AADSTS700024: Client assertion is not within its valid time range."
            return _refusal("invalid_client", said)
        except jwt.InvalidTokenError:
            return _refusal("invalid_client", f"AADSTS50027: JWT token {assertion} is invalid.")
        record = "No matching federated identity record found for presented assertion"
        if claims["aud"] != self.audience:
            return _refusal("invalid_client", f"AADSTS700212: {record} audience '{claims['aud']}'.")
        if claims["sub"] != self.subject:
            return _refusal("invalid_client", f"AADSTS700213: {record} subject '{claims['sub']}'.")
        token = _signed({"aud": AUDIENCE, "appid": self.client, "tid": self.tenant}, 3600)
        self.tokens.append(token)
        return Answer.of({"token_type": "Bearer", "expires_in": 3599, "access_token": token})


@dataclass
class RegistryTokens:
    """The exchange at a registry of ``tenant``, which knows the application ``client``."""

    host: str = "mycampus.azurecr.io"
    client: str = CLIENT
    tenant: str = TENANT
    lifetime: int = 10800
    admin_password: str = "password-of-the-admin-user"
    answer: Answer | None = None
    tokens: list[str] = field(default_factory=list)

    def password_of(self, user: str) -> str | None:
        """What the registry takes for the password of ``user`` now."""
        if user == TOKEN_USER:
            alive = [token for token in self.tokens if _claims(token) is not None]
            return alive[-1] if alive else None
        return self.admin_password if user == self.host.partition(".")[0] else None

    def handle(self, request: Request) -> Answer:
        return self.answer or self._answer(request)

    def _answer(self, request: Request) -> Answer:
        token = dict(parse_qsl(request.body.decode())).get("access_token", "")
        expected = {
            "grant_type": "access_token",
            "service": self.host,
            "tenant": self.tenant,
            "access_token": token,
        }
        if request.path != "/oauth2/exchange" or not _is_form(request, expected):
            return _unauthorized(400, "INVALID_REQUEST", "the request is not right")
        claims = _claims(token, AUDIENCE) or {}
        if claims.get("tid") != self.tenant or claims.get("appid") != self.client:
            return _unauthorized(401, "UNAUTHORIZED", f"authentication required for {token}")
        refresh = _signed({"aud": self.host, "grant_type": "refresh_token"}, self.lifetime)
        self.tokens.append(refresh)
        return Answer.of({"refresh_token": refresh})


def _signed(claims: Mapping[str, object], seconds: int) -> str:
    now = int(time.time())
    return jwt.encode({**claims, "iat": now, "exp": now + seconds}, private_key("Azure"), "RS256")


def _claims(token: str, audience: str | None = None) -> Mapping[str, object] | None:
    try:
        claims: Mapping[str, object] = jwt.decode(
            token,
            private_key("Azure").public_key(),
            ["RS256"],
            audience=audience,
            options={"verify_aud": audience is not None},
        )
    except jwt.InvalidTokenError:
        return None
    return claims


def _is_form(request: Request, expected: Mapping[str, str]) -> bool:
    """To the byte, but for the order of the parameters, which is free."""
    wanted = urlencode(expected).encode()
    return (
        request.method == "POST"
        and request.headers.get("content-type") == FORM
        and sorted(request.body.split(b"&")) == sorted(wanted.split(b"&"))
    )


def _refusal(code: str, said: str) -> Answer:
    told = f"{said} Trace ID: 0b1c Correlation ID: 2d3e Timestamp: 2026-11-20 08:00:00Z"
    return Answer.of({"error": code, "error_description": told, "error_codes": [1]}, 400)


def _unauthorized(status: int, code: str, said: str) -> Answer:
    return Answer.of({"errors": [{"code": code, "message": said, "detail": None}]}, status)
