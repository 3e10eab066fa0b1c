"""What a plan is made of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from r2d_action.reference import Reference, Repository, Tag


@dataclass(frozen=True, slots=True)
class PlannedTag:
    """A tag of the image. ``moving`` tags pass from image to image as the branch goes on
    (`latest`, a date), or as the ``git_tag`` goes that they are named after; the others name the
    commit. One that is not ``pushed`` is given in the local engine only."""

    tag: Tag
    moving: bool
    pushed: bool
    git_tag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPlan:
    """How repo2docker is called; ``requirement`` is what pip takes, empty for the locked one.
    ``builder`` is a builder of buildx that builds in place of the engine, empty for none.
    ``fresh`` leaves the layers of earlier builds alone, which hold the packages of their day."""

    user_name: str
    repo_dir: str
    appendix: str
    appendix_file: str
    extra_args: tuple[str, ...]
    requirement: str
    extra_packages: tuple[str, ...]
    labels: tuple[tuple[str, str], ...]
    builder: str
    fresh: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPlan:
    """``timeout`` in seconds; ``hub_start`` is auto, true or false."""

    hub_start: str
    timeout: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BinderPlan:
    """``mybinder_ref`` is empty when mybinder.org is not asked, ``hub_url`` when no other BinderHub
    is; under ``name`` that BinderHub looks for the image."""

    cache: bool
    message: str
    no_git_push: bool
    mybinder_ref: str
    hub_url: str = ""
    name: Reference | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HubPlan:
    """``repository`` (``owner/name``) is that of the hub's configuration, to which the image is
    proposed; ``url`` is where the hub is, ``options`` what its form is to be filled in with. All
    may be empty."""

    repository: str
    url: str
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What readers of a report are led back to; empty away from GitHub."""

    repository: str
    commit_url: str
    run_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """``skip`` and ``why_no_push`` are sentences, empty when we build and push.

    ``packages`` says whether those of the image are listed. ``copies`` are the further
    repositories that get the image under the same tags. ``reuse`` says whether an image of the
    same key may stand in for a build, ``key_tags`` whether images are tagged with their key;
    ``cache_branches`` are those whose layers may be of use, the run's own first.
    """

    skip: str
    repository: Repository
    commit: str
    time: datetime
    tags: tuple[PlannedTag, ...]
    copies: tuple[Repository, ...]
    why_no_push: str
    reuse: bool
    key_tags: bool
    cache_branches: tuple[str, ...]
    public_check: bool
    origin: Origin
    hub: HubPlan
    build: BuildPlan
    check: CheckPlan
    packages: bool
    binder: BinderPlan
    notes: tuple[str, ...]

    @property
    def push(self) -> bool:
        return not self.why_no_push and not self.skip

    @property
    def commit_reference(self) -> Reference:
        """The image under the tag that names its commit."""
        return self.repository.tagged(self.tags[0].tag)

    @property
    def repositories(self) -> tuple[Repository, ...]:
        """All that this run pushes to, its own first."""
        name = self.binder.name
        return (self.repository, *self.copies, *((name.repository,) if name else ()))

    def for_copy(self, repository: Repository) -> Plan:
        """The plan of a further repository. Later runs look for keys and layers in the first."""
        return replace(self, repository=repository, copies=(), key_tags=False, cache_branches=())

    @property
    def pushed_tags(self) -> tuple[PlannedTag, ...]:
        """The commit's tag first, moving tags last."""
        return tuple(sorted((one for one in self.tags if one.pushed), key=lambda one: one.moving))
