"""The verbs of the distribution API that publishing needs.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import requests

from r2d_action.reference import Digest, InvalidReference, Registry, Repository
from r2d_action.registry.access import Access, Known
from r2d_action.registry.auth import PULL, PUSH, Credential, Scope
from r2d_action.registry.login import Login
from r2d_action.registry.manifest import MANIFEST_TYPES, Manifest
from r2d_action.registry.refusal import RegistryError, damaged, is_page
from r2d_action.registry.transport import Request, accepted, json_in
from r2d_action.retry import Retry, Temporary

__all__ = ["Client", "Manifest", "RegistryError"]

ACCEPT_MANIFESTS = {"Accept": ", ".join(MANIFEST_TYPES)}
TAGS_PER_PAGE = 1000
# Proxies before a registry may know no HEAD.
NO_HEADS = frozenset({HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED})


@dataclass(frozen=True, slots=True)
class Client:
    """One registry, as one user (or nobody).

    All verbs raise :class:`RegistryError`, and :class:`Temporary` when no try is left.
    """

    session: requests.Session
    registry: Registry
    login: Login
    retry: Retry
    _known: Known = field(default_factory=Known, repr=False)
    # By their digests: what a digest names does not change.
    _configurations: dict[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)

    @property
    def host(self) -> str:
        return self.registry.host

    @property
    def credential(self) -> Credential | None:
        return self.login.credential()

    # Manifests

    def manifest(self, repository: Repository, name: str) -> Manifest | None:
        """The manifest under a tag or digest, None when there is none. What does not match its
        digest is refused."""
        answer = self.ask("GET", repository, f"manifests/{name}", ACCEPT_MANIFESTS)
        if missing(answer):
            return None
        body = self.accepted(answer).content
        manifest = Manifest(_media_type(answer, body), body)
        wanted = name if name.startswith("sha256:") else str(manifest.digest)
        told = answer.headers.get("Docker-Content-Digest", "")
        # Another kind of digest is no contradiction.
        claimed = told if told.startswith("sha256:") else wanted
        if not str(manifest.digest) == wanted == claimed:
            raise damaged(self.host, answer.status_code, f"the manifest {name}", claimed)
        if _mapping_in(manifest.body) is None:
            code, message = "MANIFEST_INVALID", f"the manifest {name} is broken off"
            raise RegistryError(self.host, answer.status_code, code, message)
        return manifest

    def digest(self, repository: Repository, name: str) -> Digest | None:
        """The digest under a tag, None when there is none."""
        answer = self.ask("HEAD", repository, f"manifests/{name}", ACCEPT_MANIFESTS)
        if missing(answer):
            return None
        with suppress(InvalidReference):
            if answer.status_code not in NO_HEADS:
                return Digest(self.accepted(answer).headers.get("Docker-Content-Digest", ""))
        manifest = self.manifest(repository, name)
        return manifest.digest if manifest else None

    def configuration(self, repository: Repository, manifest: Manifest) -> Mapping[str, Any] | None:
        """The image's, None when it is lost or not what the manifest says.

        https://github.com/opencontainers/image-spec/blob/main/config.md
        """
        config = manifest.content.get("config")
        digest = config.get("digest") if isinstance(config, Mapping) else None
        if not isinstance(digest, str):
            return None
        if digest in self._configurations:
            return self._configurations[digest]
        answer = self.ask("GET", repository, f"blobs/{digest}")
        if hashlib.sha256(answer.content).hexdigest() != digest.removeprefix("sha256:"):
            return None
        content = _mapping_in(answer.content)
        if content is not None:
            self._configurations[digest] = content
        return content

    def labels(self, repository: Repository, manifest: Manifest) -> Mapping[str, str] | None:
        """None where :meth:`configuration` is, or has no place for them."""
        configuration = self.configuration(repository, manifest)
        return None if configuration is None else labels_in(configuration)

    def put_manifest(self, repository: Repository, tag: str, manifest: Manifest) -> None:
        """``tag`` may be the manifest's own digest, too."""
        headers = {"Content-Type": manifest.media_type}
        answer = self.ask(
            "PUT", repository, f"manifests/{tag}", headers, body=manifest.body, push=True
        )
        claimed = self.accepted(answer).headers.get("Docker-Content-Digest")
        if claimed and claimed != str(manifest.digest):
            raise damaged(self.host, answer.status_code, f"the manifest put as {tag}", claimed)

    def tags(self, repository: Repository) -> tuple[str, ...]:
        """All of them, none for a repository that does not exist (yet)."""
        found: list[str] = []
        seen = {""}
        page = self.url(repository, f"tags/list?n={TAGS_PER_PAGE}")
        while page not in seen:
            seen.add(page)
            listed, page = self._page_of_tags(repository, page)
            found += listed
        return tuple(dict.fromkeys(found))

    def _page_of_tags(self, repository: Repository, url: str) -> tuple[list[str], str]:
        """The tags, and where there are more; empty when there are none."""
        request, scope = Request("GET", url), Scope(repository.path)

        def ask() -> tuple[list[str], str]:
            answer = self.once(request, scope)
            if missing(answer):
                return [], ""
            content = json_in(self.host, self.accepted(answer))
            following = answer.links.get("next", {}).get("url", "")
            return _tags_in(content), request.moved(following).url if following else ""

        return self.retry(f"tags of {repository}", ask)

    # The right to push

    def require_push(self, repository: Repository) -> None:
        """Proves that a push will be let in: an upload is begun, and given up at once.

        Registries that do not know how to give one up clear it away in time, like that of any
        push that broke off.
        """
        answer = self.ask("POST", repository, "blobs/uploads/", push=True)
        self.cancel(repository, self.upload_in(answer))

    def cancel(self, repository: Repository, upload: str) -> None:
        """Give up the upload at that address; nothing depends on it."""
        with suppress(RegistryError, Temporary):
            self.once(Request("DELETE", upload), Scope(repository.path, PUSH))

    # Requests

    def ask(
        self,
        method: str,
        repository: Repository,
        what: str,
        headers: Mapping[str, str] | None = None,
        *,
        body: bytes | None = None,
        push: bool = False,
    ) -> requests.Response:
        """The answer, whatever it is, to a request that is tried again while that can help."""
        request = Request(method, self.url(repository, what), headers or {}, body)
        scope = Scope(repository.path, PUSH if push else PULL)
        return self.retry(f"{method} {what} of {repository}", lambda: self.once(request, scope))

    def once(self, request: Request, *scopes: Scope) -> requests.Response:
        return self._access.send(request, *scopes)

    def url(self, repository: Repository, what: str) -> str:
        return f"{self._access.base}/v2/{repository.path}/{what}"

    def accepted(self, answer: requests.Response) -> requests.Response:
        return accepted(self.host, answer, self._known.secrets)

    def upload_in(self, answer: requests.Response) -> str:
        """Where the registry wants the upload that it opened."""
        location = self.accepted(answer).headers.get("Location")
        if not location:
            message = "it does not say where to upload to"
            raise RegistryError(self.host, answer.status_code, "", message)
        return Request("PATCH", answer.url).moved(location).url

    @property
    def _access(self) -> Access:
        return Access(self.session, self.registry.api_host, self.login, self._known)


def missing(answer: requests.Response) -> bool:
    """That there is none is an answer, from the registry itself."""
    return answer.status_code == HTTPStatus.NOT_FOUND and not is_page(answer)


def _tags_in(content: Mapping[str, Any]) -> list[str]:
    tags = content.get("tags")
    return [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []


def labels_in(configuration: Mapping[str, Any]) -> Mapping[str, str] | None:
    settings = configuration.get("config") or {}
    labels = (settings.get("Labels") or {}) if isinstance(settings, Mapping) else None
    return labels if isinstance(labels, Mapping) else None


def _mapping_in(document: bytes) -> Mapping[str, Any] | None:
    try:
        content = json.loads(document)
    except ValueError:
        return None
    return content if isinstance(content, Mapping) else None


def _media_type(answer: requests.Response, body: bytes) -> str:
    """What the manifest says of itself counts where the registry says nothing of use."""
    told: str = answer.headers.get("Content-Type", "").partition(";")[0].strip()
    if told in MANIFEST_TYPES:
        return told
    try:
        own = json.loads(body).get("mediaType")
    except (ValueError, AttributeError):
        return told
    return own if own in MANIFEST_TYPES else told
