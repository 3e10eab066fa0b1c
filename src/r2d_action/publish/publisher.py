"""One repository gets the image: its layers, then its tags, and all is read back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from docker.errors import APIError

from r2d_action.engine import Engine
from r2d_action.errors import PublishFailed
from r2d_action.order import Made, Order, Unknown
from r2d_action.plan import Plan, PlannedTag
from r2d_action.plan.tagging import cache_tag, key_tag, own_tag
from r2d_action.publish.push import push
from r2d_action.publish.values import Published
from r2d_action.reference import Digest, Reference, Repository, Tag
from r2d_action.registry.client import Client, Manifest, RegistryError
from r2d_action.registry.copy import copy_manifest
from r2d_action.registry.explanation import explaining
from r2d_action.retry import Temporary

# https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes
LOST = frozenset({"MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN"})


@dataclass(frozen=True, slots=True)
class Source:
    """An image that a registry has already, under ``reference``."""

    client: Client
    reference: Reference
    manifest: Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """Publishes for one plan. ``image`` tells of the one that is published, which another run may
    have made; ``key`` is its key, empty without one and for an image that was found by it."""

    plan: Plan
    client: Client
    order: Order
    image: Made
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
        own = reference.tag or self.plan.tags[0].tag
        names = (own, *self._named(manifest, without=own))
        moved = self._moved(manifest)
        self._verify(names, moved, manifest)
        return Published(
            reference=reference.with_digest(manifest.digest),
            digest=manifest.digest,
            tags=(*names, *moved),
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
        pushed = self.plan.pushed_tags
        return tuple(one.tag for one in pushed if one.moving and not one.git_tag)

    @property
    def _cache_tags(self) -> tuple[Tag, ...]:
        # A builder that was named has exported its cache under this tag by itself.
        branches = () if self.plan.build.builder else self.plan.cache_branches[:1]
        return tuple(cache_tag(branch) for branch in branches)

    @property
    def _key_tags(self) -> tuple[Tag, ...]:
        return (key_tag(self.key),) if self.key else ()

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
        # Whose tag may be a rebuilt image's own.
        wanted = self._repository.tagged(source.reference.tag or self.plan.tags[0].tag)
        reference = self._free_reference(wanted, manifest.digest)
        try:
            self._put((reference.tag or self.plan.tags[0].tag,), manifest)
        except RegistryError as error:
            if error.code not in LOST:
                raise
            raise PublishFailed(
                f"{self._repository.registry} has lost a part of the image {manifest.digest}, "
                "which was made of the same files. Start the workflow by hand "
                "(`workflow_dispatch`): that builds it anew, and later runs find the new one."
            ) from error
        return reference, manifest

    def _pushed(self, engine: Engine, image: str) -> tuple[Reference, Manifest]:
        """Under the key first, where that is free: a push takes its time, and the tag of the commit
        must not be taken from a run that was quicker."""
        for tag in filter(self._is_free, self._key_tags):
            try:
                manifest = self._sent(self._repository.tagged(tag), engine, image)
            finally:
                with suppress(APIError):  # nobody looks for that name in the engine
                    engine.client.images.remove(f"{self._repository}:{tag}", noprune=True)
            reference = self._free_reference(self.plan.commit_reference, manifest.digest)
            self._put((reference.tag or self.plan.tags[0].tag,), manifest)
            engine.client.images.get(image).tag(self._repository.name, str(reference.tag))
            return reference, manifest
        reference = self._free_reference(self.plan.commit_reference)
        return reference, self._sent(reference, engine, image)

    def _is_free(self, tag: Tag) -> bool:
        with suppress(RegistryError):
            return self._digest(tag) is None
        return False

    def _sent(self, reference: Reference, engine: Engine, image: str) -> Manifest:
        engine.client.images.get(image).tag(self._repository.name, str(reference.tag))
        client = self.client
        pushed = push(
            reference, engine=engine, login=client.login, retry=client.retry, say=self.say
        )
        return self._manifest_of(reference, pushed)

    def _free_reference(self, wanted: Reference, digest: Digest | None = None) -> Reference:
        """The reference that names this very image, of ``digest`` if that is known.

        A commit that has another image already (a rebuild for new packages) gets this one under
        a new name: nodes that hold the old image would not ask for another one under its tag.
        """
        if self.client.digest(self._repository, str(wanted.tag)) in {None, digest}:
            return wanted
        made = self.image.time or self.plan.time
        own = self._repository.tagged(own_tag(self.plan.tags[0].tag, made))
        self.say(f"{wanted} is another image already, so this one is called {own}")
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

    def _named(self, manifest: Manifest, *, without: Tag) -> Iterator[Tag]:
        """Give the tags that name the commit, which stay with its first image, and those that
        name the git tag, which go where it went; those that hold ``manifest`` now."""
        for planned in self.plan.pushed_tags:
            tag = planned.tag
            if tag == without or (planned.moving and not planned.git_tag):
                continue
            held = self._digest(tag)
            if held is None or self._went_on(planned, held, manifest):
                self._put((tag,), manifest)
            elif held != manifest.digest:
                self.say(f"{self._repository}:{tag} stays with the image that has it")
                continue
            yield tag

    def _went_on(self, planned: PlannedTag, held: Digest, manifest: Manifest) -> bool:
        """Whether the git tag has come from the image that is ``held`` to ours."""
        if not planned.git_tag or held == manifest.digest:
            return False
        return not self.order.has_moved(planned.git_tag)

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
        newer = self._newer(manifest, (*cache, *wanted)[-1:])
        self._keep(manifest)
        if newer:
            self.say("a newer image is published already: its tags stay as they are")
            unused = tuple(tag for tag in wanted if self._digest(tag) is None)
            self._put(unused, manifest)
            return unused
        self._put_if_allowed(cache, manifest)
        self._put(wanted, manifest)
        # A newer run may have come and gone between the question and the answer.
        if newer := self._newer(manifest, self._key_tags):
            self.say("a newer image was published meanwhile: the moving tags are its again")
            self._put_if_allowed(cache, newer)
            self._put(wanted, newer)
            return ()
        return wanted

    def _keep(self, manifest: Manifest) -> None:
        """Let later runs find the image by its key: a tag that only images of this very
        content have, of which the one that was made last has the newest packages."""
        tags = self._key_tags
        if not self._held(tags, manifest, lambda held: held.created > self.image.created):
            self._put_if_allowed(tags, manifest)

    def _newer(self, manifest: Manifest, tags: Iterable[Tag]) -> Manifest | None:
        """The image of a commit after ours, or a later one of our own commit; ``tags`` are where
        one may be that commits alone do not lead to."""
        try:
            commits = self.order.commits_after_ours()
        except Unknown:
            return self._held(tags, manifest, lambda held: held.created > self.order.created)
        if published := self.order.newest_published(commits):
            return self.client.manifest(self._repository, str(published))
        return self._held(
            tags, manifest, lambda held: held.commit in commits or self.image.is_rebuilt_in(held)
        )

    def _held(
        self, tags: Iterable[Tag], ours: Manifest, is_newer: Callable[[Made], bool]
    ) -> Manifest | None:
        """The first image under ``tags`` that is newer than ours."""
        for tag in tags:
            # One that the registry cannot read is in nobody's way.
            with suppress(RegistryError):
                held = self.client.manifest(self._repository, str(tag))
                if held is None or held.digest == ours.digest:
                    continue
                if is_newer(Made.of(self.client.labels(self._repository, held) or {})):
                    return held
        return None

    def _verify(self, names: Iterable[Tag], moved: Iterable[Tag], manifest: Manifest) -> None:
        for tag in names:
            self._require(tag, manifest.digest)
        for tag in moved:
            if self._digest(tag) != manifest.digest and not self._newer(manifest, (tag,)):
                self._require(tag, manifest.digest)

    def _require(self, tag: Tag, digest: Digest) -> None:
        found = self._digest(tag)
        if found != digest:
            raise PublishFailed(
                f"{self._repository}:{tag} should be {digest} and is {found or 'nothing'}: another "
                "run pushed at the same time, or the registry lost it; run the job again."
            )
