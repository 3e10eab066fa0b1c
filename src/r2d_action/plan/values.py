"""What a plan is made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from r2d_action.reference import Reference, Repository, Tag


@dataclass(frozen=True, slots=True)
class PlannedTag:
    """A tag of the image. ``moving`` tags pass from image to image (`latest`, a branch);
    one that is not ``pushed`` is given in the local engine only."""

    tag: Tag
    moving: bool
    pushed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPlan:
    """How repo2docker is called; ``requirement`` is what pip takes, empty for the locked one."""

    user_name: str
    repo_dir: str
    appendix: str
    appendix_file: str
    extra_args: tuple[str, ...]
    requirement: str
    extra_packages: tuple[str, ...]
    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPlan:
    """``timeout`` in seconds; ``hub_start`` is auto, true or false."""

    hub_start: str
    timeout: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BinderPlan:
    """``mybinder_ref`` is empty when mybinder.org is not asked."""

    cache: bool
    message: str
    no_git_push: bool
    mybinder_ref: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """``skip`` and ``why_no_push`` are sentences, empty when we build and push.

    ``reuse`` says whether an image of the same key may stand in for a build, ``key_tags`` whether
    images are tagged with their key; ``cache_branches`` are those whose layers may be of use, the
    run's own first.
    """

    skip: str
    repository: Repository
    commit: str
    time: datetime
    tags: tuple[PlannedTag, ...]
    why_no_push: str
    reuse: bool
    key_tags: bool
    cache_branches: tuple[str, ...]
    public_check: bool
    build: BuildPlan
    check: CheckPlan
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
    def pushed_tags(self) -> tuple[PlannedTag, ...]:
        """The commit's tag first, moving tags last."""
        return tuple(sorted((one for one in self.tags if one.pushed), key=lambda one: one.moving))
