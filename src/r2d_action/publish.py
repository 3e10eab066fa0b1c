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
from r2d_action.order import Order, Unknown
from r2d_action.plan import Plan
from r2d_action.plan.tagging import cache_tag, key_tag
from r2d_action.reference import Digest, Reference, Repository, Tag
from r2d_action.registry.auth import Credential
from r2d_action.registry.client import Client, Manifest, RegistryError
from r2d_action.retry import Retry, Temporary


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """``compressed_size`` in bytes, as the registry holds it; ``tags`` those that hold the
    image now, the one that names its commit first."""

    reference: Reference
    digest: Digest
    tags: tuple[Tag, ...]
    compressed_size: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """Publishes for one plan. ``key`` is that of the image, empty without one and for an
    image that was found by it."""

    plan: Plan
    client: Client
    order: Order
    key: str
    say: Callable[[str], None]

    def built(self, engine: Engine) -> Published:
        """Push the image that the engine has. Raises :class:`PublishFailed`; the registry then
        has what the message says."""
        return self._publish(lambda: self._pushed(engine))

    def reused(self, manifest: Manifest) -> Published:
        """Give an image of the registry the plan's tags. Raises like :meth:`built`."""
        return self._publish(lambda: self._tagged(manifest))

    def _publish(self, source: Callable[[], tuple[Reference, Manifest]]) -> Published:
        """``source`` makes a manifest that the registry then has under the reference's tag."""
        started = time.monotonic()
        try:
            reference, manifest = source()
            named = self.plan.tags[0].tag
            if reference.tag != named:
                self._put((named,), manifest)
            fixed = tuple(dict.fromkeys((reference.tag or named, named)))
            moved = self._moved(manifest)
            self._verify(fixed, moved, manifest.digest)
        except RegistryError as error:
            raise explained(error, self._repository) from error
        except Temporary as trouble:
            raise PublishFailed(
                f"{self._repository.registry} could not be reached: {trouble.reason}, "
                f"{self.client.retry.tries} times in a row; run the job again later."
            ) from trouble
        return Published(
            reference=reference.with_digest(manifest.digest),
            digest=manifest.digest,
            tags=(*fixed, *moved),
            compressed_size=sum(manifest.layer_sizes),
            seconds=time.monotonic() - started,
        )

    @property
    def _repository(self) -> Repository:
        return self.plan.repository

    def _digest(self, tag: Tag) -> Digest | None:
        return self.client.digest(self._repository, str(tag))

    def _tagged(self, manifest: Manifest) -> tuple[Reference, Manifest]:
        reference = self.plan.commit_reference
        self._put((self.plan.tags[0].tag,), manifest)
        return reference, manifest

    # The layers

    def _pushed(self, engine: Engine) -> tuple[Reference, Manifest]:
        reference = self._own_reference(engine)
        credential = self.client.credential
        pushed = push(
            reference, engine=engine, credential=credential, retry=self.client.retry, say=self.say
        )
        return reference, self._manifest_of(reference, pushed)

    def _own_reference(self, engine: Engine) -> Reference:
        """The reference that names this very image.

        A commit that has an image already (a rebuild for new packages) gets one under a new
        name: nodes that hold the old image would not ask for another one under its tag.
        """
        reference = self.plan.commit_reference
        if not self.client.digest(self._repository, str(reference.tag)):
            return reference
        own = self._repository.tagged(Tag(f"{reference.tag}-{self.plan.time:%Y%m%d%H%M%S}"))
        engine.client.images.get(reference.tagged_name).tag(self._repository.name, str(own.tag))
        self.say(f"{reference} exists already, so this image is called {own}")
        return own

    def _manifest_of(self, source: Reference, pushed: Digest | None) -> Manifest:
        """By digest, where the engine told it: the tag may be another run's by now."""
        manifest = self.client.manifest(source.repository, str(pushed or source.tag))
        if manifest is None:
            raise PublishFailed(
                f"{source} was pushed, but {source.repository.registry} does not know it; run the "
                "job again, and ask the registry's operator if it stays so."
            )
        return manifest

    # The tags

    def _put(self, tags: Iterable[Tag], manifest: Manifest) -> None:
        for tag in tags:
            self.client.put_manifest(self._repository, str(tag), manifest)
            self.say(f"tagged {self._repository}:{tag}")

    def _moved(self, manifest: Manifest) -> tuple[Tag, ...]:
        """Move the moving tags to ``manifest``; those of the plan that hold it now."""
        wanted = tuple(planned.tag for planned in self.plan.pushed_tags if planned.moving)
        cache = tuple(cache_tag(branch) for branch in self.plan.cache_branches[:1])
        newer = self._newer()
        self._keep(manifest, overtaken=newer is not None)
        if newer:
            self.say("a newer commit is published already: its tags stay as they are")
            unused = tuple(tag for tag in wanted if self._digest(tag) is None)
            self._put(unused, manifest)
            return unused
        self._put((*cache, *wanted), manifest)
        # A newer run may have come and gone between the question and the answer.
        if newer := self._newer():
            self.say("a newer commit was published meanwhile: the moving tags are its again")
            self._put((*cache, *wanted), newer)
            return ()
        return wanted

    def _keep(self, manifest: Manifest, *, overtaken: bool) -> None:
        """Let later runs find the image by its key: a tag that only images of this very
        content have, of which the newer one has the newer packages."""
        if not self.key:
            return
        tag = key_tag(self.key)
        if not (overtaken and self._digest(tag)):
            self._put((tag,), manifest)

    def _newer(self) -> Manifest | None:
        """What is published of the newest commit after ours."""
        try:
            tag = self.order.newest_after_ours()
        except Unknown:
            tag = self._held_by_a_newer_image()
        return self.client.manifest(self._repository, str(tag)) if tag else None

    def _held_by_a_newer_image(self) -> Tag | None:
        moving = [planned.tag for planned in self.plan.pushed_tags if planned.moving]
        return next((tag for tag in moving[-1:] if self.order.holds_newer(tag)), None)

    def _verify(self, fixed: Iterable[Tag], moved: Iterable[Tag], digest: Digest) -> None:
        for tag in fixed:
            self._require(tag, digest)
        for tag in moved:
            if self._digest(tag) != digest and not self._newer():
                self._require(tag, digest)

    def _require(self, tag: Tag, digest: Digest) -> None:
        found = self._digest(tag)
        if found != digest:
            raise PublishFailed(
                f"{self._repository}:{tag} should be {digest} and is {found or 'nothing'}: another "
                "run pushed at the same time, or the registry lost it; run the job again."
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


def push(
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
                auth_config=auth_config(credential),
            )
            return _follow(progress, source, say)
        except APIError as error:
            raise _refusal(str(error.explanation or error), source) from error

    say(f"pushing {source}")
    return retry(f"push of {source}", attempt)


def auth_config(credential: Credential | None) -> dict[str, str]:
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


def explained(error: RegistryError, repository: Repository) -> PublishFailed:
    if error.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return _denied(repository, f"{error.status} {error.code} {error.message}".strip())
    return PublishFailed(
        f"{error.host} refused a request for {repository}: {error.status} {error.code} "
        f"{error.message}".rstrip()
        + "; the image stays in the engine of this runner."
    )
