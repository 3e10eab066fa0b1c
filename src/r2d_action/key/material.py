"""What an image is made of, gathered from a plan and its context."""

from __future__ import annotations

import ast
import platform
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from r2d_action.check.image_tests import FOLDER, find_image_tests
from r2d_action.context import Context, below, read_context, resolved
from r2d_action.key import Material, NoKey
from r2d_action.key.bases import images_in
from r2d_action.key.files import Known, digest_of
from r2d_action.key.ignore import kept, rules_of
from r2d_action.plan import BuildPlan, CheckPlan
from r2d_action.plan.repo2docker import USER_ID

# What the repo2docker that we carry starts from, unless it is told otherwise.
BASE_IMAGE = "docker.io/library/buildpack-deps:24.04"
BASE_OPTION = "--Repo2Docker.base_image"

# The digest behind the name of an image, now. Raises NoKey.
Resolve = Callable[[str], str]


def material_of(
    plan: BuildPlan,
    context: Context,
    *,
    files: str,
    repo2docker: str,
    config: str,
    resolve: Resolve,
    checks: str,
) -> Material:
    """``files`` is what :func:`files_of` says, ``repo2docker`` the requirement of the one we
    carry, ``config`` the text of the repository's repo2docker_config.py, ``checks`` what
    :func:`checks_of` says.

    Raises :class:`NoKey`.
    """
    packages = (plan.requirement or repo2docker, *plan.extra_packages)
    _require_fixed(packages)
    _require_plain(plan.extra_args)
    _require_settings_alone(config)
    # The names first: they cost nothing, and may end the matter.
    names = _bases(plan, context, is_ours=packages == (repo2docker,) and not config)
    return Material(
        files=files,
        repo2docker=" ".join(packages),
        user_name=f"{plan.user_name}:{USER_ID}",
        repo_dir=plan.repo_dir,
        appendix=plan.appendix,
        extra_args=plan.extra_args,
        config=config,
        checks=checks,
        platform=platform.machine(),
        bases=tuple((name, resolve(name)) for name in names),
    )


def files_of(context: Context, known: Callable[[], Known]) -> str:
    """A digest of those of ``context`` that decide the image; ``known`` asks git for those that it
    vouches for. Raises :class:`NoKey`."""
    if context.keeps_git:
        raise NoKey("KEEP_GIT copies the `.git` folder, which is another one in each checkout")
    return digest_of(context, _paths(context), known(), read=context.environment_files)


def _require_fixed(packages: tuple[str, ...]) -> None:
    for package in packages:
        if not re.search(r"==[^*]+$|@[0-9a-f]{40}$", package):
            raise NoKey(
                f"`{package}` of FORCE_REPO2DOCKER_VERSION or EXTRA_PIP_INSTALL may be another "
                "version tomorrow; `==` and a version names one"
            )


# Of what these name, or do, nothing is known here.
_FAR_REACHING = ("--config", "--DockerEngine.", "--Repo2Docker.extra_build")


def _require_plain(args: tuple[str, ...]) -> None:
    for arg in args:
        if arg.startswith(_FAR_REACHING):
            raise NoKey(f"`{arg}` in REPO2DOCKER_EXTRA_ARGS may bring in what is not known here")


def _require_settings_alone(config: str) -> None:
    """A program may look at anything; settings are what they say."""
    try:
        for statement in ast.parse(config).body:
            if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
                ast.literal_eval(getattr(statement, "value", statement))
    except (SyntaxError, ValueError, TypeError, RecursionError):
        raise NoKey("repo2docker_config.py does more than to give values to settings") from None
    if re.search("DockerEngine|extra_build|subdir|appendix", config):
        raise NoKey("repo2docker_config.py may bring in what is not known here")


_REQUIRED, _NOT_REQUIRED = "hub-start=required", "hub-start=optional"


def checks_of(plan: CheckPlan, context: Context, workspace: Path) -> str:
    """What an image has passed that was made by this run, beside the tests in ``context``: an
    image that only got a warning, or passed other tests, must not stand in for it."""
    start = _REQUIRED if plan.hub_start == "true" else _NOT_REQUIRED
    found = find_image_tests(context.root, workspace)
    folder = found.directory.resolve() if found else None
    if folder is None or folder.is_relative_to(context.root.resolve()):
        return start
    tests = read_context(folder)
    return f"{start} tests={digest_of(tests, tests.files, Known({}))}"


def has_passed(checks: str, wanted: str) -> bool:
    """Whether an image that passed ``checks`` has passed those that are ``wanted``, or more."""
    return checks in {wanted, wanted.replace(_NOT_REQUIRED, _REQUIRED)}


def _tests_inside(context: Context) -> str:
    """The folder of the tests, which may have another name."""
    root, folder = context.root.resolve(), resolved(context.root / FOLDER)
    return folder.relative_to(root).as_posix() if folder.is_relative_to(root) else FOLDER


def _paths(context: Context) -> Iterable[str]:
    """What is copied, what is read to decide the steps, and the tests that the image passes, each
    once."""
    copied = kept(context.files, context.folders, rules_of(context))
    tests = below(context.files, _tests_inside(context))
    # Not a set: nearly all of them are sorted, which makes it quick to sort them.
    return dict.fromkeys((*copied, *context.environment_files, *tests))


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
        # A link may lead to a device, which has no end.
        return path.read_bytes().decode(errors="surrogateescape") if path.is_file() else ""
    except OSError:
        return ""
