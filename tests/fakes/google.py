"""Google's token servers, which take what they document and nothing else.

https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token
https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken
https://developers.google.com/identity/protocols/oauth2/service-account#httprest
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from fakes.issuer import claims_in, private_key
from fakes.server import Answer, Request

POOL_PROVIDER = "projects/123456789/locations/global/workloadIdentityPools/github/providers/image"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
ACCOUNT = "images@my-project.iam.gserviceaccount.com"
HOSTS = ("sts.googleapis.com", "iamcredentials.googleapis.com", "oauth2.googleapis.com")
FORM = "application/x-www-form-urlencoded"
TOKEN_TYPE = "urn:ietf:params:oauth:token-type"
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass
class Google:
    """``repository`` is the one that its attribute condition lets in, ``audience`` what it wants
    in the job's token, ``members`` the repositories that may be its service accounts; ``answer``
    is what it says to everything, if anything. ``tokens`` are those that it gave out, with the
    end of their lives; ``seen`` the paths of all requests."""

    repository: str = "org/repo"
    audience: str = f"https://iam.googleapis.com/{POOL_PROVIDER}"
    accounts: frozenset[str] = frozenset({ACCOUNT})
    members: frozenset[str] = frozenset({"org/repo"})
    lifetime: int = 300
    answer: Answer | None = None
    tokens: dict[str, float] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    federated: dict[str, str] = field(default_factory=dict)

    def password_of(self, user: str) -> str | None:
        """What the registry takes for the password of ``user`` now."""
        key = json.dumps(self.key(), indent=2)
        if user == "oauth2accesstoken":
            alive = [token for token, end in self.tokens.items() if end > time.time()]
            return alive[-1] if alive else None
        encoded = base64.b64encode(key.encode()).decode()
        return {"_json_key": key, "_json_key_base64": encoded}.get(user)

    def forget_tokens(self) -> None:
        """As if their time was over."""
        self.tokens = dict.fromkeys(self.tokens, 0)

    def handle(self, request: Request) -> Answer:
        path = urlsplit(request.path).path
        self.seen.append(path)
        if self.answer:
            return self.answer
        if path == "/v1/token":
            return self._sts(request)
        if path == "/token":
            return self._oauth(request)
        if path.startswith("/v1/projects/-/serviceAccounts/"):
            return self._service_account(request, path.rpartition("/")[2])
        return Answer(404)

    # Workload identity federation

    def _sts(self, request: Request) -> Answer:
        token = dict(parse_qsl(request.body.decode())).get("subject_token", "")
        expected = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "audience": f"//iam.googleapis.com/{POOL_PROVIDER}",
            "scope": SCOPE,
            "requested_token_type": f"{TOKEN_TYPE}:access_token",
            "subject_token": token,
            "subject_token_type": f"{TOKEN_TYPE}:jwt",
        }
        # A service account is asked for by a token that may do just that.
        iam = {**expected, "scope": f"{SCOPE.rpartition('/')[0]}/iam"}
        if not _is_form(request, expected) and not _is_form(request, iam):
            return _oauth_error("invalid_request", "Invalid value for one of the parameters.")
        return self._federated(token)

    def _federated(self, token: str) -> Answer:
        try:
            claims = claims_in(token)
        except jwt.ExpiredSignatureError:
            return _oauth_error("invalid_grant", "ID Token issued at 1 is stale to sign-in.")
        except jwt.InvalidTokenError:
            return _oauth_error("invalid_grant", f"Unable to verify the ID Token {token}.")
        if claims["aud"] != self.audience:
            said = f"The audience in ID Token [{claims['aud']}] does not match {self.audience}."
            return _oauth_error("invalid_grant", said)
        if claims["repository"] != self.repository:
            said = "The given credential is rejected by the attribute condition."
            return _oauth_error("unauthorized_client", said)
        access = self.new_token("d")
        self.federated[access] = str(claims["repository"])
        return Answer.of(
            {
                "access_token": access,
                "issued_token_type": f"{TOKEN_TYPE}:access_token",
                "token_type": "Bearer",
                "expires_in": self.lifetime,
            }
        )

    def _service_account(self, request: Request, name: str) -> Answer:
        account, _, verb = name.partition(":")
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        asked = {"delegates": None, "scope": [SCOPE], "lifetime": "3600s"}
        if verb != "generateAccessToken" or json.loads(request.body) != asked:
            return _api_error(400, "INVALID_ARGUMENT", "Request contains an invalid argument.")
        if scheme != "Bearer" or token not in self.federated:
            return _api_error(401, "UNAUTHENTICATED", f"Invalid credentials {token}.")
        if account not in self.accounts:
            return _api_error(404, "NOT_FOUND", f"Not found; Gaia id not found for email {account}")
        if self.federated[token] not in self.members:
            said = "Permission 'iam.serviceAccounts.getAccessToken' denied on resource."
            return _api_error(403, "PERMISSION_DENIED", said)
        access = self.new_token("c")
        end = datetime.fromtimestamp(int(self.tokens[access]), timezone.utc)
        return Answer.of({"accessToken": access, "expireTime": f"{end:%Y-%m-%dT%H:%M:%SZ}"})

    # Keys of service accounts

    def key(self) -> dict[str, str]:
        """As Google Cloud hands it out."""
        pem = private_key(ACCOUNT).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return {
            "type": "service_account",
            "project_id": "my-project",
            "private_key_id": "0123456789abcdef",
            "private_key": pem.decode(),
            "client_email": ACCOUNT,
            "client_id": "101",
            "token_uri": "https://oauth2.googleapis.com/token",
            "universe_domain": "googleapis.com",
        }

    def _oauth(self, request: Request) -> Answer:
        assertion = dict(parse_qsl(request.body.decode())).get("assertion", "")
        if not _is_form(request, {"assertion": assertion, "grant_type": JWT_GRANT}):
            return _oauth_error("unsupported_grant_type", "Invalid grant_type.")
        audience = "https://oauth2.googleapis.com/token"
        try:
            claims = jwt.decode(
                assertion, private_key(ACCOUNT).public_key(), ["RS256"], audience=audience
            )
        except jwt.InvalidTokenError:
            return _oauth_error("invalid_grant", "Invalid JWT Signature.")
        head = jwt.get_unverified_header(assertion)
        if head != {"typ": "JWT", "alg": "RS256", "kid": "0123456789abcdef"}:
            return _oauth_error("invalid_grant", "Invalid JWT.")
        if set(claims) != {"iss", "scope", "aud", "iat", "exp"} or claims["scope"] != SCOPE:
            return _oauth_error("invalid_scope", "Invalid OAuth scope or ID token audience.")
        if not 0 < claims["exp"] - claims["iat"] <= 3600:
            return _oauth_error("invalid_grant", "Token must be a short-lived token (60 minutes).")
        if claims["iss"] not in self.accounts:
            return _oauth_error("invalid_grant", "Invalid grant: account not found")
        return Answer.of(
            {
                "access_token": self.new_token("c"),
                "token_type": "Bearer",
                "expires_in": self.lifetime,
            }
        )

    def new_token(self, kind: str) -> str:
        token = f"ya29.{kind}.{len(self.tokens):04}-secret-access-token-of-google"
        self.tokens[token] = time.time() + self.lifetime
        return token


def federation_file(issuer: Mapping[str, str]) -> dict[str, object]:
    """What google-github-actions/auth leaves behind for direct federation.

    https://google.aip.dev/auth/4117
    """
    url = issuer["ACTIONS_ID_TOKEN_REQUEST_URL"]
    audience = urlencode({"audience": f"https://iam.googleapis.com/{POOL_PROVIDER}"})
    return {
        "type": "external_account",
        "audience": f"//iam.googleapis.com/{POOL_PROVIDER}",
        "subject_token_type": f"{TOKEN_TYPE}:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": {
            "url": f"{url}&{audience}",
            "headers": {"Authorization": f"Bearer {issuer['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"},
            "format": {"type": "json", "subject_token_field_name": "value"},
        },
    }


def _is_form(request: Request, expected: Mapping[str, str]) -> bool:
    """To the byte, but for the order of the parameters, which is free."""
    body, wanted = request.body, urlencode(expected).encode()
    return (
        request.method == "POST"
        and request.headers.get("content-type") == FORM
        and sorted(body.split(b"&")) == sorted(wanted.split(b"&"))
    )


def _oauth_error(code: str, said: str) -> Answer:
    return Answer.of({"error": code, "error_description": said}, 400)


def _api_error(status: int, code: str, said: str) -> Answer:
    return Answer.of({"error": {"code": status, "message": said, "status": code}}, status)
