"""One repository gets the image: its layers, then its tags, and all is read back."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace

from docker.errors import APIError

from r2d_action.engine import Engine
from r2d_action.errors import PublishFailed
from r2d_action.order import Made
from r2d_action.plan.repo2docker import CREATED, FILES
from r2d_action.publish.push import push
from r2d_action.publish.tags import LOST, Tags
from r2d_action.publish.values import Published
from r2d_action.reference import Digest, Reference, Repository, Tag
from r2d_action.registry.client import Client, Manifest, RegistryError
from r2d_action.registry.copy import copy_manifest
from r2d_action.registry.explanation import explaining
from r2d_action.registry.tags import require_tag
from r2d_action.retry import Retry, Temporary


@dataclass(frozen=True, slots=True)
class Source:
    """An image that a registry has already, under ``reference``."""

    client: Client
    reference: Reference
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Named:
    """An image that has its first tag, and ``tags`` to give it the others."""

    tags: Tags
    reference: Reference
    manifest: Manifest

    @property
    def tag(self) -> Tag:
        return self.tags.tag_of(self.reference)


@dataclass(frozen=True, slots=True)
class Publisher:
    """Brings an image to the repository of ``tags``, and gives it these."""

    tags: Tags

    def built(self, engine: Engine, image: str, *, reuse: bool) -> Published:
        """Push ``image`` of the engine; where ``reuse`` allows it, take the one instead that
        another run has published of the same files meanwhile. Raises :class:`PublishFailed`; the
        registry then has what the message says."""
        started = time.monotonic()
        with explaining(self._client, self._repository):
            previous = self._previous_size()
            named = (self._taken() if reuse else None) or self._pushed(engine, image, reuse=reuse)
            return replace(self._tagged(named, started, reuse=reuse), previous_size=previous)

    def reused(self, source: Source, adopted: Reference | None = None) -> Published:
        """Give an image that a registry has already the plan's tags; ``adopted`` is the one that
        it has got here by now. Raises like :meth:`built`."""
        started = time.monotonic()
        with explaining(self._client, self._repository):
            named = Named(self.tags, adopted or self._copied(source), source.manifest)
            return self._tagged(named, started, reuse=True)

    def source(self, published: Published) -> Source:
        """What this repository has now, for others to copy. Raises :class:`PublishFailed`."""
        reference = published.reference
        with explaining(self._client, self._repository):
            manifest = self._manifest_of(reference, published.digest)
        return Source(self._client, reference, manifest)

    @property
    def _client(self) -> Client:
        return self.tags.client

    @property
    def _repository(self) -> Repository:
        return self.tags.repository

    @property
    def _wanted(self) -> Reference:
        return self.tags.plan.commit_reference

    def _say(self, text: str) -> None:
        self.tags.say(text)

    def _tagged(self, named: Named, started: float, *, reuse: bool) -> Published:
        tags = named.tags.give(named.manifest, named.tag)
        held = self.tags.digest(tags[0])
        if held != named.manifest.digest:
            # Two runs of one commit found its tag free at the same moment.
            named = self._beside(named.manifest, reuse=reuse) if held else named
            tags = named.tags.give(named.manifest, named.tag)
            require_tag(self._client, self._repository, tags[0], named.manifest)
        return Published(
            reference=named.reference.with_digest(named.manifest.digest),
            digest=named.manifest.digest,
            tags=tags,
            compressed_size=sum(named.manifest.layer_sizes),
            seconds=time.monotonic() - started,
        )

    def _previous_size(self) -> int | None:
        """Nice to know, and nothing to fail for."""
        with suppress(RegistryError, Temporary):
            for tag in self.tags.earlier:
                manifest = self._client.manifest(self._repository, str(tag))
                if manifest and manifest.layer_sizes:
                    return sum(manifest.layer_sizes)
        return None

    def _copied(self, source: Source) -> Reference:
        home, manifest = source.reference.repository, source.manifest
        # Whose tag may be a rebuilt image's own.
        wanted = self._repository.tagged(self.tags.tag_of(source.reference))
        elsewhere = home != self._repository
        if elsewhere and self._client.digest(self._repository, str(manifest.digest)) is None:
            self._copy(source)
        try:
            return self.tags.adopt(wanted, manifest)
        except RegistryError as error:
            if not elsewhere or error.code not in LOST:
                raise
        self._copy(source)
        return self.tags.adopt(wanted, manifest)

    def _copy(self, source: Source) -> None:
        home = source.reference.repository
        copy_manifest(
            source.client, home, self._client, self._repository, source.manifest, say=self._say
        )

    def _taken(self) -> Named | None:
        """The image that another run has published under our key, of which this one knew nothing
        when it started to build. One that is of no use is none."""
        with suppress(RegistryError, Temporary):
            for tag in self.tags.key_tags:
                manifest = self._client.manifest(self._repository, str(tag))
                labels = self._client.labels(self._repository, manifest) if manifest else None
                if manifest and labels is not None:
                    reference = self.tags.adopt(self._wanted, manifest)
                    return self._in_its_place(Made.of(labels), reference, manifest)
        return None

    def _pushed(self, engine: Engine, image: str, *, reuse: bool) -> Named:
        """Under the key first, where that is free: a push takes its time, and the tag of the commit
        must not be taken from a run that was quicker."""
        for tag in filter(self._is_free, self.tags.key_tags):
            if manifest := self._sent_under_key(tag, engine, image):
                named = self._beside(manifest, reuse=reuse)
                here = engine.client.images.get(image)
                here.tag(self._repository.name, str(named.tag))
                return named
        reference = self.tags.free_reference(self._wanted)
        return Named(self.tags, reference, self._sent(reference, engine, image, self._client.retry))

    def _sent_under_key(self, tag: Tag, engine: Engine, image: str) -> Manifest | None:
        """None where that fails: it may be this tag alone that the registry refuses, which nobody
        needs, and the push goes on under the commit's."""
        try:
            return self._sent(self._repository.tagged(tag), engine, image, self.tags.hasty)
        except (PublishFailed, RegistryError, Temporary):
            return None
        finally:
            with suppress(APIError):  # nobody looks for that name in the engine
                engine.client.images.remove(f"{self._repository}:{tag}", noprune=True)

    def _is_free(self, tag: Tag) -> bool:
        with suppress(RegistryError, Temporary):
            return self.tags.digest(tag) is None
        return False

    def _sent(self, reference: Reference, engine: Engine, image: str, retry: Retry) -> Manifest:
        engine.client.images.get(image).tag(self._repository.name, str(reference.tag))
        pushed = push(
            reference, engine=engine, login=self._client.login, retry=retry, say=self._say
        )
        return self._manifest_of(reference, pushed)

    def _beside(self, manifest: Manifest, *, reuse: bool) -> Named:
        """Name an image after the commit; where another run was quicker, its image is taken if
        that is allowed and it was made of the same, and else ours gets a name of its own."""
        if reuse and (twin := self._twin(manifest)):
            image, theirs = twin
            self.tags.put_if_allowed(self.tags.key_tags, theirs)
            return self._in_its_place(image, self._wanted, theirs)
        return Named(self.tags, self.tags.adopt(self._wanted, manifest), manifest)

    def _twin(self, ours: Manifest) -> tuple[Made, Manifest] | None:
        """Another image under the commit's tag, of which its labels say what ours say, but for the
        time."""
        theirs = self._client.manifest(self._repository, str(self.tags.of_commit))
        if theirs is None or theirs.digest == ours.digest:
            return None
        labels = self._client.labels(self._repository, theirs) or {}
        told = dict(self.tags.plan.build.labels)
        # An image with a `.git` folder does not tell of its files.
        names = {*told, FILES} - {CREATED}
        same = all(labels.get(name) == told.get(name) for name in names)
        return (Made.of(labels), theirs) if same else None

    def _in_its_place(self, image: Made, reference: Reference, manifest: Manifest) -> Named:
        self._say(
            f"another run has published {manifest.digest} meanwhile, which was made of the same "
            "files: this run takes that one"
        )
        # It stands for ours, too, where times decide.
        ours = self.tags.image
        image = replace(ours, commit=image.commit, created=max(image.created, ours.created))
        return Named(replace(self.tags, image=image, key=""), reference, manifest)

    def _manifest_of(self, source: Reference, pushed: Digest | None) -> Manifest:
        """By digest, where the engine told it: the tag may be another run's by now."""
        manifest = self._client.manifest(source.repository, str(pushed or source.tag))
        if manifest is None:
            raise PublishFailed(
                f"{source} was pushed, but {source.repository.registry} does not know it; run the "
                "job again, and ask the registry's operator if it stays so."
            )
        return manifest
