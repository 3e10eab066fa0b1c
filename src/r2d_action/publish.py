"""Push once, tag by manifest, verify by digest.

The layers travel once, under the tag that names the commit. Every further tag is
the same manifest put under another name, moving tags last, so that a run that is
stopped at any point leaves each tag either as it was or complete.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from docker.errors import APIError

from r2d_action.engine import Engine
from r2d_action.errors import PublishFailed
from r2d_action.plan import Plan
from r2d_action.reference import Digest, Reference, Repository, Tag
from r2d_action.registry.auth import Credential
from r2d_action.registry.client import Client, Manifest, RegistryError
from r2d_action.retry import Retry, Temporary


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """``compressed_size`` in bytes, as the registry holds it; ``tags`` in the order given."""

    reference: Reference
    digest: Digest
    tags: tuple[Tag, ...]
    compressed_size: int
    seconds: float


def publish(
    plan: Plan,
    *,
    engine: Engine,
    client: Client,
    retry: Retry,
    say: Callable[[str], None],
) -> Published:
    """Raises :class:`PublishFailed`; the registry then has what the message says."""
    started = time.monotonic()
    source = plan.commit_reference
    tags = tuple(planned.tag for planned in plan.pushed_tags)
    try:
        pushed = _push(source, engine=engine, credential=client.credential, retry=retry, say=say)
        manifest = _manifest_of(client, source, pushed)
        for tag in tags[1:]:
            client.put_manifest(plan.repository, str(tag), manifest)
            say(f"tagged {plan.repository}:{tag}")
        _require_same_digest(client, plan.repository, tags, manifest.digest)
    except RegistryError as error:
        raise explained(error, plan.repository) from error
    except Temporary as trouble:
        raise PublishFailed(
            f"{plan.repository.registry} could not be reached: {trouble.reason}, {retry.tries} "
            "times in a row; run the job again later."
        ) from trouble
    return Published(
        reference=source.with_digest(manifest.digest),
        digest=manifest.digest,
        tags=tags,
        compressed_size=sum(manifest.layer_sizes),
        seconds=time.monotonic() - started,
    )


def require_public(repository: Repository, tag: Tag, nobody: Client) -> None:
    """Raises :class:`PublishFailed` unless ``nobody``, who has no credential, may pull."""
    try:
        manifest = nobody.manifest(repository, str(tag))
    except RegistryError as error:
        if error.status not in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise explained(error, repository) from error
        manifest = None
    if manifest is None:
        raise PublishFailed(
            f"PUBLIC_REGISTRY_CHECK: {repository}:{tag} was pushed, but nobody can pull it without "
            f"logging in; make {repository} public in the settings of {repository.registry}."
        )


# The push of the layers ---------------------------------------------------------------------


def _push(
    source: Reference,
    *,
    engine: Engine,
    credential: Credential | None,
    retry: Retry,
    say: Callable[[str], None],
) -> Digest | None:
    def attempt() -> Digest | None:
        try:
            progress = engine.client.images.push(
                source.repository.name,
                str(source.tag),
                stream=True,
                decode=True,
                auth_config=_auth_config(credential),
            )
            return _follow(progress, source, say)
        except APIError as error:
            raise _refusal(str(error.explanation or error), source) from error

    say(f"pushing {source}")
    return retry(f"push of {source}", attempt)


def _auth_config(credential: Credential | None) -> dict[str, str]:
    # Not None: docker's library would then go and look for a login by itself.
    if credential is None:
        return {}
    if credential.identity_token:
        return {"identitytoken": credential.identity_token}
    return {"username": credential.username, "password": credential.password}


def _follow(
    progress: Iterable[Mapping[str, Any]], source: Reference, say: Callable[[str], None]
) -> Digest | None:
    """The digest that the engine says it pushed. Raises what an error in the stream means."""
    told: set[str] = set()
    digest = error = ""
    # To its end even after an error: a stream left in the middle keeps its connection open.
    for step in progress:
        error = step.get("error", error)
        digest = step.get("aux", {}).get("Digest", digest)
        line = f"  {step.get('id', '')}: {step.get('status', '')}"
        if _LAYER_DONE.search(line) and line not in told:
            told.add(line)
            say(line)
    if error:
        raise _refusal(error, source)
    return Digest(digest) if digest else None


_LAYER_DONE = re.compile(r": (Pushed|Layer already exists|Mounted from .*)$")
# The engine tells of the network in prose only.
_TEMPORARY = re.compile(
    r"\b(429|50[234])\b|too many requests|connection (reset|refused)|broken pipe|\bEOF$"
    r"|i/o timeout|TLS handshake timeout|temporary failure in name resolution|server misbehaving",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"denied|unauthorized|authentication required|no basic auth|forbidden|\b40[13]\b", re.IGNORECASE
)


def _refusal(message: str, source: Reference) -> Exception:
    message = message.strip()
    if _DENIED.search(message):
        return _denied(source.repository, message)
    if _TEMPORARY.search(message):
        return Temporary(message)
    return PublishFailed(f"{source} was not pushed: the engine says: {message}.")


def _denied(repository: Repository, message: str) -> PublishFailed:
    return PublishFailed(
        f"{repository.registry} does not let this run push to {repository}: check that "
        "DOCKER_USERNAME and DOCKER_PASSWORD are set from secrets that exist, that the repository "
        f"exists, and that the account may write to it. It said: {message}"
    )


# The tags -----------------------------------------------------------------------------------


def _manifest_of(client: Client, source: Reference, pushed: Digest | None) -> Manifest:
    """By digest, where the engine told it: the tag may be another run's by now."""
    manifest = client.manifest(source.repository, str(pushed or source.tag))
    if manifest is None:
        raise PublishFailed(
            f"{source} was pushed, but {source.repository.registry} does not know it; run the job "
            "again, and ask the registry's operator if it stays so."
        )
    return manifest


def _require_same_digest(
    client: Client, repository: Repository, tags: Iterable[Tag], digest: Digest
) -> None:
    for tag in tags:
        manifest = client.manifest(repository, str(tag))
        if manifest is None or manifest.digest != digest:
            found = manifest.digest if manifest else "nothing"
            raise PublishFailed(
                f"{repository}:{tag} should be {digest} and is {found}: another run pushed at the "
                "same time, or the registry lost it; run the job again."
            )


def explained(error: RegistryError, repository: Repository) -> PublishFailed:
    if error.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return _denied(repository, f"{error.status} {error.code} {error.message}".strip())
    return PublishFailed(
        f"{error.host} refused a request for {repository}: {error.status} {error.code} "
        f"{error.message}".rstrip()
        + "; the image stays in the engine of this runner."
    )
