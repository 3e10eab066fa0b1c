"""The verbs of the distribution API that publishing needs.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

import requests

from r2d_action.reference import Digest, Registry, Repository
from r2d_action.registry.auth import (
    PULL,
    PUSH,
    Challenge,
    Credential,
    basic_authorization,
    token_in,
    token_request,
)
from r2d_action.retry import Retry, Temporary

TIMEOUT_SECONDS = (10.0, 120.0)
# A password opens everything, a token what it was asked for.
ANY_SCOPE = ""
TEMPORARY = frozenset({429, 502, 503, 504})

MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)


class RegistryError(Exception):
    """A registry's refusal. ``status`` is the HTTP status, ``code`` the registry's own word
    for it (``DENIED``, ``TAG_INVALID``), empty when it gave none."""

    def __init__(self, host: str, status: int, code: str, message: str) -> None:
        super().__init__(f"{host} answered {status} {code or message}".rstrip())
        self.host = host
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest byte for byte as the registry holds it: its digest is that of ``body``."""

    media_type: str
    body: bytes

    @property
    def digest(self) -> Digest:
        return Digest(f"sha256:{hashlib.sha256(self.body).hexdigest()}")

    @property
    def content(self) -> Mapping[str, Any]:
        content: Mapping[str, Any] = json.loads(self.body)
        return content

    @property
    def layer_sizes(self) -> tuple[int, ...]:
        """Compressed bytes of each layer, lowest first; empty for an index."""
        return tuple(layer["size"] for layer in self.content.get("layers", ()))


@dataclass(frozen=True, slots=True)
class Client:
    """One registry, as one user (or nobody)."""

    session: requests.Session
    registry: Registry
    credential: Credential | None
    retry: Retry
    _tokens: dict[str, str] = field(default_factory=dict, repr=False)

    def manifest(self, repository: Repository, name: str) -> Manifest | None:
        """The manifest under a tag or digest, None when there is none.

        Raises :class:`RegistryError`, for a body that does not match its digest as well.
        """
        answer = self._ask("GET", repository, f"manifests/{name}", PULL)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        manifest = Manifest(_media_type(answer), self._accepted(answer).content)
        claimed = answer.headers.get("Docker-Content-Digest")
        if claimed and claimed != str(manifest.digest):
            raise RegistryError(
                self.registry.host, answer.status_code, "DIGEST_INVALID",
                f"the manifest of {repository}:{name} is not what its digest {claimed} says",
            )  # fmt: skip
        return manifest

    def digest(self, repository: Repository, name: str) -> Digest | None:
        """The digest under a tag, None when there is none. Raises :class:`RegistryError`."""
        answer = self._ask("HEAD", repository, f"manifests/{name}", PULL)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        claimed = self._accepted(answer).headers.get("Docker-Content-Digest")
        if claimed:
            return Digest(claimed)
        manifest = self.manifest(repository, name)
        return manifest.digest if manifest else None

    def labels(self, repository: Repository, manifest: Manifest) -> Mapping[str, str] | None:
        """The image's labels, None when its configuration is lost or not what the manifest says.

        https://github.com/opencontainers/image-spec/blob/main/config.md
        """
        digest = manifest.content.get("config", {}).get("digest", "")
        answer = self._ask("GET", repository, f"blobs/{digest}", PULL)
        if hashlib.sha256(answer.content).hexdigest() != digest.removeprefix("sha256:"):
            return None
        labels: Mapping[str, str] = json.loads(answer.content).get("config", {}).get("Labels") or {}
        return labels

    def put_manifest(self, repository: Repository, tag: str, manifest: Manifest) -> None:
        """Raises :class:`RegistryError`."""
        headers = {"Content-Type": manifest.media_type}
        self._accepted(
            self._ask("PUT", repository, f"manifests/{tag}", PUSH, headers, manifest.body)
        )

    def _ask(
        self,
        method: str,
        repository: Repository,
        what: str,
        actions: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> requests.Response:
        scheme = "http" if self.registry.is_loopback else "https"
        request = _Request(
            method,
            f"{scheme}://{self.registry.api_host}/v2/{repository.path}/{what}",
            {"Accept": ", ".join(MANIFEST_TYPES), **(headers or {})},
            body,
        )
        scope = f"repository:{repository.path}:{actions}"
        return self.retry(f"{method} {what} of {repository}", lambda: self._as_user(request, scope))

    def _as_user(self, request: _Request, scope: str) -> requests.Response:
        known = self._tokens.get(scope) or self._tokens.get(ANY_SCOPE)
        answer = self._send(request.authorized(known))
        if answer.status_code != HTTPStatus.UNAUTHORIZED:
            return answer
        authorization = self._authorization(answer, scope)
        basic = authorization.startswith("Basic ")
        self._tokens[ANY_SCOPE if basic else scope] = authorization
        return self._send(request.authorized(authorization))

    def _authorization(self, refusal: requests.Response, scope: str) -> str:
        challenge = Challenge.parse(refusal.headers.get("WWW-Authenticate", ""))
        if challenge.scheme == "bearer":
            return f"Bearer {self._token(challenge, scope)}"
        if challenge.scheme == "basic" and self.credential:
            return basic_authorization(self.credential)
        raise self._error(refusal)

    def _token(self, challenge: Challenge, scope: str) -> str:
        asked = token_request(challenge, scope, self.credential)
        method = "POST" if asked.form else "GET"
        headers = {"Authorization": asked.basic} if asked.basic else {}
        answer = self._send(_Request(method, asked.url, headers, dict(asked.form) or None))
        return token_in(self._accepted(answer).json())

    def _send(self, request: _Request) -> requests.Response:
        try:
            answer = self.session.request(
                request.method,
                request.url,
                headers=dict(request.headers),
                data=request.body,
                auth=_keep_header,
                timeout=TIMEOUT_SECONDS,
            )
        except (requests.ConnectionError, requests.Timeout) as error:
            raise Temporary(f"{self.registry.host} does not answer ({_cause(error)})") from error
        if answer.status_code in TEMPORARY:
            raise Temporary(
                f"{self.registry.host} answered {answer.status_code}", _retry_after(answer)
            )
        return answer

    def _accepted(self, answer: requests.Response) -> requests.Response:
        if not answer.ok:
            raise self._error(answer)
        return answer

    def _error(self, answer: requests.Response) -> RegistryError:
        code, message = _refusal_in(answer)
        return RegistryError(self.registry.host, answer.status_code, code, message)


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | dict[str, str] | None = None

    def authorized(self, authorization: str | None) -> _Request:
        if authorization is None:
            return self
        return replace(self, headers={**self.headers, "Authorization": authorization})


def _keep_header(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Stands in for an authentication, without which requests would ask ~/.netrc for one
    and overwrite ours."""
    return request


def _refusal_in(answer: requests.Response) -> tuple[str, str]:
    """Code and message of the distribution API's error body; a proxy's page has neither."""
    try:
        first = answer.json()["errors"][0]
        return str(first.get("code", "")), str(first.get("message", ""))
    except (ValueError, LookupError, TypeError, AttributeError):
        return "", answer.reason or ""


def _retry_after(answer: requests.Response) -> float | None:
    value = answer.headers.get("Retry-After", "")
    return float(value) if value.isdigit() else None


def _cause(error: Exception) -> str:
    return type(error).__name__


def _media_type(answer: requests.Response) -> str:
    return answer.headers.get("Content-Type", "").partition(";")[0].strip()
