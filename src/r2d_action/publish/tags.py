"""The tags of an image in one repository: those that name it alone stay, the others go forwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from r2d_action.order import Made, Order, Unknown
from r2d_action.plan import Plan, PlannedTag
from r2d_action.plan.tagging import cache_tag, key_tag, own_tag
from r2d_action.reference import Digest, Reference, Repository, Tag
from r2d_action.registry.client import Client, Manifest, RegistryError
from r2d_action.registry.tags import put_tag, require_tag
from r2d_action.retry import Retry, Temporary

# https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes
LOST = frozenset({"MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN"})
# At most. https://docs.github.com/actions/reference/limits
JOBS_OF_A_MATRIX = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """The tags of one plan. ``image`` tells of the one that gets them, which another run may have
    made; ``key`` is its key, empty without one and for an image that was found by it."""

    plan: Plan
    client: Client
    order: Order
    image: Made
    key: str
    say: Callable[[str], None]

    @property
    def repository(self) -> Repository:
        return self.plan.repository

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
    def key_tags(self) -> tuple[Tag, ...]:
        return (key_tag(self.key),) if self.key else ()

    @property
    def hasty(self) -> Retry:
        """For what a run can do without: worth a second try, and not a long wait."""
        return replace(self.client.retry, tries=2)

    @property
    def of_commit(self) -> Tag:
        return self.plan.tags[0].tag

    @property
    def earlier(self) -> tuple[Tag, ...]:
        """Where an earlier image is, the nearest one first."""
        return (*self._cache_tags, *self._moving_tags)

    def tag_of(self, reference: Reference) -> Tag:
        return reference.tag or self.of_commit

    def digest(self, tag: Tag) -> Digest | None:
        return self.client.digest(self.repository, str(tag))

    def adopt(self, wanted: Reference, manifest: Manifest) -> Reference:
        """Give an image whose parts this repository has the tag ``wanted``, or one of its own
        where that names another image. Raises what the client raises; for an image that has lost
        a part, an error with a code in :data:`LOST`."""
        reference = self.free_reference(wanted, manifest.digest)
        self._put((self.tag_of(reference),), manifest)
        return reference

    def free_reference(self, wanted: Reference, digest: Digest | None = None) -> Reference:
        """The reference that names this very image, of ``digest`` if that is known.

        A commit that has another image already (a rebuild for new packages) gets this one under
        a new name: nodes that hold the old image would not ask for another one under its tag.
        """
        if self._is_free(digest, self.tag_of(wanted)):
            return wanted
        names = self._own_tags
        # A registry that has something under every name is found out when the tag is read back.
        own = self.repository.tagged(next(filter(partial(self._is_free, digest), names), names[0]))
        self.say(f"{wanted} is another image already, so this one is called {own}")
        return own

    @property
    def _own_tags(self) -> tuple[Tag, ...]:
        """By the time at which the image was made; jobs of a matrix may start in one second."""
        made = self.image.time or self.plan.time
        times = (made + timedelta(seconds=later) for later in range(JOBS_OF_A_MATRIX))
        return tuple(own_tag(self.of_commit, time) for time in times)

    def _is_free(self, digest: Digest | None, tag: Tag) -> bool:
        return self.digest(tag) in {None, digest}

    def give(self, manifest: Manifest, own: Tag) -> tuple[Tag, ...]:
        """Give an image that has the tag ``own`` the further ones; all that it has now, that one
        in front."""
        further = tuple(self._further(manifest, without=own))
        # Where another image of the commit is, if ours is not under its tag.
        beside = (self.of_commit,) if own != self.of_commit else ()
        return (own, *further, *self._moved(manifest, beside))

    def _further(self, manifest: Manifest, *, without: Tag) -> Iterator[Tag]:
        """Give the tags that name the commit, which stay with its first image, and those that
        name the git tag, which go where it went; those that hold ``manifest`` now."""
        for planned in self.plan.pushed_tags:
            tag = planned.tag
            if tag == without or (planned.moving and not planned.git_tag):
                continue
            held = self.digest(tag)
            if held is None or self._went_on(planned, held, manifest):
                self._put((tag,), manifest)
                require_tag(self.client, self.repository, tag, manifest)
            elif held != manifest.digest:
                self.say(
                    f"{self.repository}:{tag} stays with the image that has it: it names one "
                    "image for good, or has a later one of the commit, or its git tag has gone on"
                )
                continue
            yield tag

    def _went_on(self, planned: PlannedTag, held: Digest, manifest: Manifest) -> bool:
        """Whether the git tag has come from the image that is ``held`` to ours, which is not what
        ours was rebuilt to meanwhile."""
        if not planned.git_tag or held == manifest.digest:
            return False
        rebuilt = self._held((planned.tag,), manifest, self.image.is_rebuilt_in)
        return not (rebuilt or self.order.has_moved(planned.git_tag))

    def _put(self, tags: Iterable[Tag], manifest: Manifest) -> None:
        for tag in tags:
            put_tag(self.client, self.repository, tag, manifest)
            self.say(f"tagged {self.repository}:{tag}")

    def put_if_allowed(self, tags: Iterable[Tag], manifest: Manifest) -> None:
        """For tags of our own: a registry may refuse them (some have tags that cannot be moved),
        and later runs do without."""
        hasty = replace(self, client=replace(self.client, retry=self.hasty))
        for tag in tags:
            try:
                hasty._put((tag,), manifest)
            except (RegistryError, Temporary) as trouble:
                self.say(
                    f"{self.repository}:{tag} stays as it is, and later runs do without it: "
                    f"{trouble}"
                )

    def _moved(self, manifest: Manifest, beside: tuple[Tag, ...]) -> tuple[Tag, ...]:
        """Move the moving tags to ``manifest``; those of the plan that hold it now."""
        wanted, cache = self._moving_tags, self._cache_tags
        newer = self._newer(manifest, (*self.earlier[-1:], *beside))
        self._keep(manifest)
        if newer:
            self.say("a newer image is published already: its tags stay as they are")
            if beside and self._is_alike(newer):
                # Ours may have got them before that was found out.
                self.put_if_allowed([tag for tag in cache if self._holds(tag, manifest)], newer)
                self._put([tag for tag in wanted if self._holds(tag, manifest)], newer)
            return self._unused(wanted, manifest)
        self.put_if_allowed(cache, manifest)
        moving = tuple(tag for tag in wanted if not self._holds(tag, manifest))
        self._put(moving, manifest)
        # A newer run may have come and gone between the question and the answer.
        if (newer := self._newer(manifest, self.key_tags)) and self._is_alike(newer):
            self.say("a newer image was published meanwhile: the moving tags are its again")
            self.put_if_allowed(cache, newer)
            self._put(wanted, newer)
            return ()
        return tuple(tag for tag in wanted if tag not in moving or self._stays(tag, manifest))

    def _is_alike(self, newer: Manifest) -> bool:
        """Whether it was made for the same inputs: the jobs of a matrix may have one repository,
        and each its own tags there, which are not to get the image of another."""
        labels = self.client.labels(self.repository, newer) or {}
        return Made.of(labels).asked == self.image.asked

    def _unused(self, wanted: tuple[Tag, ...], manifest: Manifest) -> tuple[Tag, ...]:
        """Give the tags that no image has yet; those that hold ours then."""
        unused = tuple(tag for tag in wanted if self.digest(tag) is None)
        self._put(unused, manifest)
        return tuple(tag for tag in unused if self._stays(tag, manifest))

    def _holds(self, tag: Tag, manifest: Manifest) -> bool:
        with suppress(RegistryError):  # what the registry cannot read is no image of ours
            return self.digest(tag) == manifest.digest
        return False

    def _stays(self, tag: Tag, manifest: Manifest) -> bool:
        """Whether a tag that was moved is ours still. An older run may have taken it, and be about
        to give it back: it is put once more, and has to stay then."""
        if self.digest(tag) == manifest.digest:
            return True
        if self._newer(manifest, (tag,)):
            return False
        self._put((tag,), manifest)
        require_tag(self.client, self.repository, tag, manifest)
        return True

    def _keep(self, manifest: Manifest) -> None:
        """Let later runs find the image by its key: a tag that only images of this very
        content have, of which the one that was made last has the newest packages."""
        tags = self.key_tags
        if not self._held(tags, manifest, lambda held: held.created > self.image.created):
            self.put_if_allowed(tags, manifest)

    def _newer(self, manifest: Manifest, tags: Iterable[Tag]) -> Manifest | None:
        """The image of a commit after ours, or a later one of our own commit; ``tags`` are where
        one may be that commits alone do not lead to."""
        try:
            commits = self.order.commits_after_ours()
        except Unknown:
            return self._held(tags, manifest, self._is_later)
        if published := self.order.newest_published(commits):
            return self.client.manifest(self.repository, str(published))
        if not commits and self.image.commit != self.plan.commit:
            # Ours is the newest commit, and its image an earlier one's: it was not made anew.
            return None
        return self._held(
            tags,
            manifest,
            lambda held: (
                held.commit in commits
                or self.image.is_rebuilt_in(held)
                or (not self.order.knows_all_between and self._is_later(held))
            ),
        )

    def _is_later(self, held: Made) -> bool:
        """By the times, which say nothing of what another job of a matrix made of the commit."""
        is_of_another_job = held.commit == self.plan.commit and held.asked != self.image.asked
        return held.created > self.order.created and not is_of_another_job

    def _held(
        self, tags: Iterable[Tag], ours: Manifest, is_newer: Callable[[Made], bool]
    ) -> Manifest | None:
        """The first image under ``tags`` that is newer than ours."""
        for tag in tags:
            # One that the registry cannot read is in nobody's way; a key is no need, either.
            with suppress(RegistryError, *((Temporary,) if tag in self.key_tags else ())):
                held = self.client.manifest(self.repository, str(tag))
                if held is None or held.digest == ours.digest:
                    continue
                if is_newer(Made.of(self.client.labels(self.repository, held) or {})):
                    return held
        return None
