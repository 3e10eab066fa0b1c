"""What an image is made of, gathered from a plan and its context."""

from __future__ import annotations

import platform
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from r2d_action.context import Context
from r2d_action.key import Material, NoKey
from r2d_action.key.bases import images_in
from r2d_action.key.files import Known, digest_of, empty_folders
from r2d_action.key.ignore import kept, rules_in
from r2d_action.plan import BuildPlan
from r2d_action.plan.repo2docker import USER_ID

# What the repo2docker that we carry starts from, unless it is told otherwise.
BASE_IMAGE = "docker.io/library/buildpack-deps:24.04"
BASE_OPTION = "--Repo2Docker.base_image"
TESTS = "image-tests"

# The digest behind the name of an image, now. Raises NoKey.
Resolve = Callable[[str], str]


def material_of(
    plan: BuildPlan,
    context: Context,
    *,
    known: Callable[[], Known],
    repo2docker: str,
    config: str,
    resolve: Resolve,
) -> Material:
    """``known`` asks git for the files it vouches for, ``repo2docker`` is the requirement of the
    one we carry, ``config`` the text of the repository's repo2docker_config.py.

    Raises :class:`NoKey`.
    """
    if context.keeps_git:
        raise NoKey("KEEP_GIT copies the `.git` folder, which is another one in each checkout")
    packages = (plan.requirement or repo2docker, *plan.extra_packages)
    _require_fixed(packages)
    # The names first: they cost nothing, and may end the matter.
    names = _bases(plan, context, is_ours=packages == (repo2docker,) and not config)
    return Material(
        files=digest_of(context, _paths(context), known()),
        repo2docker=" ".join(packages),
        user_name=f"{plan.user_name}:{USER_ID}",
        repo_dir=plan.repo_dir,
        appendix=plan.appendix,
        extra_args=plan.extra_args,
        config=config,
        platform=platform.machine(),
        bases=tuple((name, resolve(name)) for name in names),
    )


def _require_fixed(packages: tuple[str, ...]) -> None:
    for package in packages:
        if not re.search(r"==[^*]+$|@[0-9a-f]{40}$", package):
            raise NoKey(f"`{package}` may be another version tomorrow")


def _paths(context: Context) -> set[str]:
    """What is copied, what is read to decide the steps, and the tests that the image passes."""
    rules = rules_in("\n".join(_read(context.root / path) for path in _ignore_files(context)))
    everything = (*context.files, *empty_folders(context))
    tests = (path for path in context.files if path.startswith(f"{TESTS}/"))
    return {*kept(everything, rules), *context.environment_files, *tests}


def _ignore_files(context: Context) -> tuple[str, ...]:
    """Docker's builder reads one file, repo2docker two of its configuration folder."""
    if context.dockerfile:
        own = f"{context.dockerfile}.dockerignore"
        return (own,) if own in context.files else (".dockerignore",)
    names = (context.config_file(name) for name in (".dockerignore", ".containerignore"))
    return tuple(name for name in names if name)


def _bases(plan: BuildPlan, context: Context, *, is_ours: bool) -> tuple[str, ...]:
    arguments = _build_arguments(plan)
    if context.dockerfile:
        text = f"{_read(context.root / context.dockerfile).rstrip()}\n{plan.appendix}"
        return images_in(text, arguments)
    chosen = [arg.partition("=")[2] for arg in plan.extra_args if arg.startswith(BASE_OPTION)]
    if not chosen and not is_ours:
        raise NoKey(
            "another repo2docker, or a repo2docker_config.py, may start from another base image; "
            f"name one with `{BASE_OPTION}=…` in REPO2DOCKER_EXTRA_ARGS"
        )
    return images_in(f"FROM {chosen[-1] if chosen else BASE_IMAGE}\n{plan.appendix}", arguments)


def _build_arguments(plan: BuildPlan) -> dict[str, str]:
    given = dict(pair.partition("=")[::2] for pair in _given(plan.extra_args))
    own = {"NB_USER": plan.user_name, "NB_UID": str(USER_ID), "REPO_DIR": plan.repo_dir}
    return {**own, **given}


def _given(args: tuple[str, ...]) -> Iterator[str]:
    words = iter(args)
    for word in words:
        if word == "--build-arg":
            yield next(words, "")
        elif word.startswith("--build-arg="):
            yield word.removeprefix("--build-arg=")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
