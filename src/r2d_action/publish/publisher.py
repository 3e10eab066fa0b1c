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
from r2d_action.plan.repo2docker import CREATED
from r2d_action.plan.tagging import cache_tag, key_tag, own_tag
from r2d_action.publish.push import push
from r2d_action.publish.values import Published
from r2d_action.reference import Digest, Reference, Repository, Tag
from r2d_action.registry.client import Client, Manifest, RegistryError
from r2d_action.registry.copy import copy_manifest
from r2d_action.registry.explanation import explaining
from r2d_action.registry.tags import put_tag, require_tag
from r2d_action.retry import Retry, Temporary

# https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes
LOST = frozenset({"MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN"})


@dataclass(frozen=True, slots=True)
class Source:
    """An image that a registry has already, under ``reference``."""

    client: Client
    reference: Reference
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Named:
    """An image that has its first tag, and who knows when it was made."""

    publisher: Publisher
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

    def built(self, engine: Engine, image: str, *, reuse: bool) -> Published:
        """Push ``image`` of the engine; where ``reuse`` allows it, take the one instead that
        another run has published of the same files meanwhile. Raises :class:`PublishFailed`; the
        registry then has what the message says."""
        started = time.monotonic()
        with explaining(self.client, self._repository):
            previous = self._previous_size()
            named = (self._taken() if reuse else None) or self._pushed(engine, image, reuse=reuse)
            return replace(self._tagged(named, started, reuse=reuse), previous_size=previous)

    def adopt(self, wanted: Reference, manifest: Manifest) -> Reference:
        """Give an image whose parts this repository has the tag ``wanted``, or one of its own
        where that names another image. Raises what the client raises; for an image that has lost
        a part, an error with a code in :data:`LOST`."""
        reference = self._free_reference(wanted, manifest.digest)
        self._put((self._tag(reference),), manifest)
        return reference

    def reused(self, source: Source, adopted: Reference | None = None) -> Published:
        """Give an image that a registry has already the plan's tags; ``adopted`` is the one that
        it has got here by now. Raises like :meth:`built`."""
        started = time.monotonic()
        with explaining(self.client, self._repository):
            named = Named(self, adopted or self._copied(source), source.manifest)
            return self._tagged(named, started, reuse=True)

    def source(self, published: Published) -> Source:
        """What this repository has now, for others to copy. Raises :class:`PublishFailed`."""
        reference = published.reference
        with explaining(self.client, self._repository):
            manifest = self._manifest_of(reference, published.digest)
        return Source(self.client, reference, manifest)

    def _tagged(self, named: Named, started: float, *, reuse: bool) -> Published:
        tags = named.publisher.tagged(named)
        held = self._digest(tags[0])
        if held != named.manifest.digest:
            # Two runs of one commit found its tag free at the same moment.
            named = self._beside(named.manifest, reuse=reuse) if held else named
            tags = named.publisher.tagged(named)
            require_tag(self.client, self._repository, tags[0], named.manifest)
        return Published(
            reference=named.reference.with_digest(named.manifest.digest),
            digest=named.manifest.digest,
            tags=tags,
            compressed_size=sum(named.manifest.layer_sizes),
            seconds=time.monotonic() - started,
        )

    @property
    def _repository(self) -> Repository:
        return self.plan.repository

    def _tag(self, reference: Reference) -> Tag:
        return reference.tag or self.plan.tags[0].tag

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

    @property
    def _hasty(self) -> Retry:
        """For what a run can do without: worth a second try, and not a long wait."""
        return replace(self.client.retry, tries=2)

    def _previous_size(self) -> int | None:
        """Nice to know, and nothing to fail for."""
        with suppress(RegistryError, Temporary):
            for tag in (*self._cache_tags, *self._moving_tags):
                manifest = self.client.manifest(self._repository, str(tag))
                if manifest and manifest.layer_sizes:
                    return sum(manifest.layer_sizes)
        return None

    # The layers

    def _copied(self, source: Source) -> Reference:
        home, manifest = source.reference.repository, source.manifest
        # Whose tag may be a rebuilt image's own.
        wanted = self._repository.tagged(self._tag(source.reference))
        elsewhere = home != self._repository
        if elsewhere and self.client.digest(self._repository, str(manifest.digest)) is None:
            self._copy(source)
        try:
            return self.adopt(wanted, manifest)
        except RegistryError as error:
            if not elsewhere or error.code not in LOST:
                raise
        self._copy(source)
        return self.adopt(wanted, manifest)

    def _copy(self, source: Source) -> None:
        home = source.reference.repository
        copy_manifest(
            source.client, home, self.client, self._repository, source.manifest, say=self.say
        )

    def _taken(self) -> Named | None:
        """The image that another run has published under our key, of which this one knew nothing
        when it started to build. One that is of no use is none."""
        with suppress(RegistryError, Temporary):
            for tag in self._key_tags:
                manifest = self.client.manifest(self._repository, str(tag))
                labels = self.client.labels(self._repository, manifest) if manifest else None
                if manifest and labels is not None:
                    reference = self.adopt(self.plan.commit_reference, manifest)
                    return self._in_its_place(Made.of(labels), reference, manifest)
        return None

    def _in_its_place(self, image: Made, reference: Reference, manifest: Manifest) -> Named:
        self.say(
            f"another run has published {manifest.digest} meanwhile, which was made of the same "
            "files: this run takes that one"
        )
        # It stands for ours, too, where times decide.
        image = replace(image, created=max(image.created, self.image.created))
        return Named(replace(self, image=image, key=""), reference, manifest)

    def _pushed(self, engine: Engine, image: str, *, reuse: bool) -> Named:
        """Under the key first, where that is free: a push takes its time, and the tag of the commit
        must not be taken from a run that was quicker."""
        for tag in filter(self._is_free, self._key_tags):
            if manifest := self._sent_under_key(tag, engine, image):
                named = self._beside(manifest, reuse=reuse)
                here = engine.client.images.get(image)
                here.tag(self._repository.name, str(named.reference.tag))
                return named
        reference = self._free_reference(self.plan.commit_reference)
        return Named(self, reference, self._sent(reference, engine, image, self.client.retry))

    def _sent_under_key(self, tag: Tag, engine: Engine, image: str) -> Manifest | None:
        """None where that fails: it may be this tag alone that the registry refuses, which nobody
        needs, and the push goes on under the commit's."""
        try:
            return self._sent(self._repository.tagged(tag), engine, image, self._hasty)
        except (PublishFailed, RegistryError, Temporary):
            return None
        finally:
            with suppress(APIError):  # nobody looks for that name in the engine
                engine.client.images.remove(f"{self._repository}:{tag}", noprune=True)

    def _is_free(self, tag: Tag) -> bool:
        with suppress(RegistryError, Temporary):
            return self._digest(tag) is None
        return False

    def _sent(self, reference: Reference, engine: Engine, image: str, retry: Retry) -> Manifest:
        engine.client.images.get(image).tag(self._repository.name, str(reference.tag))
        pushed = push(reference, engine=engine, login=self.client.login, retry=retry, say=self.say)
        return self._manifest_of(reference, pushed)

    def _beside(self, manifest: Manifest, *, reuse: bool) -> Named:
        """Name an image after the commit; where another run was quicker, its image is taken if
        that is allowed and it was made of the same, and else ours gets a name of its own."""
        wanted = self.plan.commit_reference
        if reuse and (twin := self._twin(self._tag(wanted), manifest)):
            image, theirs = twin
            self._put_if_allowed(self._key_tags, theirs)
            return self._in_its_place(image, wanted, theirs)
        return Named(self, self.adopt(wanted, manifest), manifest)

    def _twin(self, tag: Tag, ours: Manifest) -> tuple[Made, Manifest] | None:
        """Another image under ``tag`` whose labels say of it what ours say, but for the time."""
        theirs = self.client.manifest(self._repository, str(tag))
        if theirs is None or theirs.digest == ours.digest:
            return None
        labels = self.client.labels(self._repository, theirs) or {}
        told = dict(self.plan.build.labels)
        same = all(labels.get(name) == told[name] for name in told if name != CREATED)
        return (Made.of(labels), theirs) if same else None

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

    def tagged(self, named: Named) -> tuple[Tag, ...]:
        """Give the further tags; all that the image has now, its first one in front."""
        own = self._tag(named.reference)
        further = tuple(self._further(named.manifest, without=own))
        # Where another image of the commit is, if ours is not under its tag.
        beside = tuple(tag for tag in (self.plan.tags[0].tag,) if tag != own)
        return (own, *further, *self._moved(named.manifest, beside))

    def _further(self, manifest: Manifest, *, without: Tag) -> Iterator[Tag]:
        """Give the tags that name the commit, which stay with its first image, and those that
        name the git tag, which go where it went; those that hold ``manifest`` now."""
        for planned in self.plan.pushed_tags:
            tag = planned.tag
            if tag == without or (planned.moving and not planned.git_tag):
                continue
            held = self._digest(tag)
            if held is None or self._went_on(planned, held, manifest):
                self._put((tag,), manifest)
                require_tag(self.client, self._repository, tag, manifest)
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
            put_tag(self.client, self._repository, tag, manifest)
            self.say(f"tagged {self._repository}:{tag}")

    def _put_if_allowed(self, tags: Iterable[Tag], manifest: Manifest) -> None:
        """For tags of our own: a registry may refuse them (some have tags that cannot be moved),
        and later runs do without."""
        hasty = replace(self, client=replace(self.client, retry=self._hasty))
        for tag in tags:
            try:
                hasty._put((tag,), manifest)
            except (RegistryError, Temporary) as trouble:
                self.say(f"{self._repository}:{tag} stays as it is: {trouble}")

    def _moved(self, manifest: Manifest, beside: tuple[Tag, ...]) -> tuple[Tag, ...]:
        """Move the moving tags to ``manifest``; those of the plan that hold it now."""
        wanted, cache = self._moving_tags, self._cache_tags
        newer = self._newer(manifest, (*(*cache, *wanted)[-1:], *beside))
        self._keep(manifest)
        if newer:
            self.say("a newer image is published already: its tags stay as they are")
            if beside:
                # Ours may have got them before that was found out.
                self._put_if_allowed([tag for tag in cache if self._holds(tag, manifest)], newer)
                self._put([tag for tag in wanted if self._holds(tag, manifest)], newer)
            return self._unused(wanted, manifest)
        self._put_if_allowed(cache, manifest)
        moving = tuple(tag for tag in wanted if not self._holds(tag, manifest))
        self._put(moving, manifest)
        # A newer run may have come and gone between the question and the answer.
        if newer := self._newer(manifest, self._key_tags):
            self.say("a newer image was published meanwhile: the moving tags are its again")
            self._put_if_allowed(cache, newer)
            self._put(wanted, newer)
            return ()
        return tuple(tag for tag in wanted if tag not in moving or self._stays(tag, manifest))

    def _unused(self, wanted: tuple[Tag, ...], manifest: Manifest) -> tuple[Tag, ...]:
        """Give the tags that no image has yet; those that hold ours then."""
        unused = tuple(tag for tag in wanted if self._digest(tag) is None)
        self._put(unused, manifest)
        return tuple(tag for tag in unused if self._stays(tag, manifest))

    def _holds(self, tag: Tag, manifest: Manifest) -> bool:
        with suppress(RegistryError):  # what the registry cannot read is no image of ours
            return self._digest(tag) == manifest.digest
        return False

    def _stays(self, tag: Tag, manifest: Manifest) -> bool:
        """Whether a tag that was moved is ours still. An older run may have taken it, and be about
        to give it back: it is put once more, and has to stay then."""
        if self._digest(tag) == manifest.digest:
            return True
        if self._newer(manifest, (tag,)):
            return False
        self._put((tag,), manifest)
        require_tag(self.client, self._repository, tag, manifest)
        return True

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
        if not commits and self.image.commit != self.plan.commit:
            # Ours is the newest commit, and its image an earlier one's: it was not made anew.
            return None
        return self._held(
            tags,
            manifest,
            lambda held: (
                held.commit in commits
                or self.image.is_rebuilt_in(held)
                or (not self.order.knows_all_between and held.created > self.order.created)
            ),
        )

    def _held(
        self, tags: Iterable[Tag], ours: Manifest, is_newer: Callable[[Made], bool]
    ) -> Manifest | None:
        """The first image under ``tags`` that is newer than ours."""
        for tag in tags:
            # One that the registry cannot read is in nobody's way; a key is no need, either.
            with suppress(RegistryError, *((Temporary,) if tag in self._key_tags else ())):
                held = self.client.manifest(self._repository, str(tag))
                if held is None or held.digest == ours.digest:
                    continue
                if is_newer(Made.of(self.client.labels(self._repository, held) or {})):
                    return held
        return None
