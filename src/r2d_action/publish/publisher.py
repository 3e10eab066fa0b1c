"""One repository gets the image: its layers, then its tags, and all is read back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

from r2d_action.engine import Engine
from r2d_action.errors import PublishFailed
from r2d_action.order import Order, Unknown
from r2d_action.plan import Plan
from r2d_action.plan.tagging import cache_tag, key_tag, own_tag
from r2d_action.publish.push import push
from r2d_action.publish.values import Published
from r2d_action.reference import Digest, Reference, Repository, Tag
from r2d_action.registry.client import Client, Manifest, RegistryError
from r2d_action.registry.copy import copy_manifest
from r2d_action.registry.explanation import explaining
from r2d_action.retry import Temporary


@dataclass(frozen=True, slots=True)
class Source:
    """An image that a registry has already, under ``reference``."""

    client: Client
    reference: Reference
    manifest: Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """Publishes for one plan. ``key`` is that of the image, empty without one and for an
    image that was found by it."""

    plan: Plan
    client: Client
    order: Order
    key: str
    say: Callable[[str], None]

    def built(self, engine: Engine, image: str) -> Published:
        """Push ``image`` of the engine. Raises :class:`PublishFailed`; the registry then has what
        the message says."""
        previous = self._previous_size()
        return replace(self._publish(lambda: self._pushed(engine, image)), previous_size=previous)

    def reused(self, source: Source) -> Published:
        """Give an image that a registry has already the plan's tags. Raises like :meth:`built`."""
        return self._publish(lambda: self._copied(source))

    def source(self, published: Published) -> Source:
        """What this repository has now, for others to copy. Raises :class:`PublishFailed`."""
        reference = published.reference
        with explaining(self.client, self._repository):
            manifest = self._manifest_of(reference, published.digest)
        return Source(self.client, reference, manifest)

    def _publish(self, source: Callable[[], tuple[Reference, Manifest]]) -> Published:
        """``source`` makes a manifest that the registry then has under the reference's tag."""
        with explaining(self.client, self._repository):
            return self._tagged(*source(), time.monotonic())

    def _tagged(self, reference: Reference, manifest: Manifest, started: float) -> Published:
        named = self.plan.tags[0].tag
        fixed: tuple[Tag, ...] = (reference.tag or named,)
        if named not in fixed and self._digest(named) is None:
            self._put((named,), manifest)
            fixed = (*fixed, named)
        moved = self._moved(manifest)
        self._verify(fixed, moved, manifest.digest)
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

    @property
    def _moving_tags(self) -> tuple[Tag, ...]:
        return tuple(planned.tag for planned in self.plan.pushed_tags if planned.moving)

    @property
    def _cache_tags(self) -> tuple[Tag, ...]:
        # A builder that was named has exported its cache under this tag by itself.
        branches = () if self.plan.build.builder else self.plan.cache_branches[:1]
        return tuple(cache_tag(branch) for branch in branches)

    def _previous_size(self) -> int | None:
        """Nice to know, and nothing to fail for."""
        with suppress(RegistryError, Temporary):
            for tag in (*self._cache_tags, *self._moving_tags):
                manifest = self.client.manifest(self._repository, str(tag))
                if manifest and manifest.layer_sizes:
                    return sum(manifest.layer_sizes)
        return None

    # The layers

    def _copied(self, source: Source) -> tuple[Reference, Manifest]:
        home, manifest = source.reference.repository, source.manifest
        if home != self._repository:
            copy_manifest(
                source.client, home, self.client, self._repository, manifest, say=self.say
            )
        # Which may be a rebuilt image's own.
        tag = source.reference.tag or self.plan.tags[0].tag
        self._put((tag,), manifest)
        return self._repository.tagged(tag), manifest

    def _pushed(self, engine: Engine, image: str) -> tuple[Reference, Manifest]:
        reference = self._own_reference()
        engine.client.images.get(image).tag(self._repository.name, str(reference.tag))
        client = self.client
        pushed = push(
            reference, engine=engine, login=client.login, retry=client.retry, say=self.say
        )
        return reference, self._manifest_of(reference, pushed)

    def _own_reference(self) -> Reference:
        """The reference that names this very image.

        A commit that has an image already (a rebuild for new packages) gets one under a new
        name: nodes that hold the old image would not ask for another one under its tag.
        """
        reference = self.plan.commit_reference
        if not self.client.digest(self._repository, str(reference.tag)):
            return reference
        own = self._repository.tagged(own_tag(self.plan.tags[0].tag, self.plan.time))
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
            try:
                self.client.put_manifest(self._repository, str(tag), manifest)
            except RegistryError:
                # Some registries with immutable tags do not even take the same image again.
                if self._digest(tag) != manifest.digest:
                    raise
            self.say(f"tagged {self._repository}:{tag}")

    def _put_if_allowed(self, tags: Iterable[Tag], manifest: Manifest) -> None:
        """For tags of our own: where tags cannot be moved (a setting of some registries), later
        runs do without them."""
        for tag in tags:
            try:
                self._put((tag,), manifest)
            except RegistryError as error:
                self.say(f"{self._repository}:{tag} cannot be moved, so it stays: {error}")

    def _moved(self, manifest: Manifest) -> tuple[Tag, ...]:
        """Move the moving tags to ``manifest``; those of the plan that hold it now."""
        wanted, cache = self._moving_tags, self._cache_tags
        newer = self._newer()
        self._keep(manifest, overtaken=newer is not None)
        if newer:
            self.say("a newer commit is published already: its tags stay as they are")
            unused = tuple(tag for tag in wanted if self._digest(tag) is None)
            self._put(unused, manifest)
            return unused
        self._put_if_allowed(cache, manifest)
        self._put(wanted, manifest)
        # A newer run may have come and gone between the question and the answer.
        if newer := self._newer():
            self.say("a newer commit was published meanwhile: the moving tags are its again")
            self._put_if_allowed(cache, newer)
            self._put(wanted, newer)
            return ()
        return wanted

    def _keep(self, manifest: Manifest, *, overtaken: bool) -> None:
        """Let later runs find the image by its key: a tag that only images of this very
        content have, of which the newer one has the newer packages."""
        if not self.key:
            return
        tag = key_tag(self.key)
        if not (overtaken and self._digest(tag)):
            self._put_if_allowed((tag,), manifest)

    def _newer(self) -> Manifest | None:
        """What is published of the newest commit after ours."""
        try:
            tag = self.order.newest_after_ours()
        except Unknown:
            tag = self._held_by_a_newer_image()
        return self.client.manifest(self._repository, str(tag)) if tag else None

    def _held_by_a_newer_image(self) -> Tag | None:
        return next((tag for tag in self._moving_tags[-1:] if self.order.holds_newer(tag)), None)

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
