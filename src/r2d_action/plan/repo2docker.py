"""What repo2docker is told, from the inputs that speak of it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from datetime import datetime

from r2d_action.errors import InputError
from r2d_action.event import Event
from r2d_action.inputs import Inputs
from r2d_action.plan.tagging import tag_of_commit

# Blanks are part of one requirement round its operators: `repo2docker >= 2024, < 2026`.
_SECOND_WORD = re.compile(r"[^\s=<>!~@,(\[]\s+[^\s=<>!~@,)\[]")
BINDER_USER = "jovyan"
# https://github.com/opencontainers/image-spec/blob/main/annotations.md
CREATED = "org.opencontainers.image.created"
REVISION = "org.opencontainers.image.revision"
VERSION = "org.opencontainers.image.version"
# What the inputs asked for.
ASKED = "io.github.jupyterhub.r2d-action.asked-for"
# Of what files it was made.
FILES = "io.github.jupyterhub.r2d-action.files"
# What the image had to pass before it was pushed.
CHECKS = "io.github.jupyterhub.r2d-action.checks"
# The user that hubs start servers as.
USER_ID = 1000
# Its name on the package index.
REPO2DOCKER = "jupyter-repo2docker"

# Options that would contradict what we decide, and the input that decides it.
_OURS = {
    "--push": "NO_PUSH",
    "--no-push": "NO_PUSH",
    "--Repo2Docker.push": "NO_PUSH",
    "--image-name": "IMAGE_NAME",
    "--Repo2Docker.output_image_spec": "IMAGE_NAME",
    "--user-name": "NOTEBOOK_USER",
    "--Repo2Docker.user_name": "NOTEBOOK_USER",
    "--target-repo-dir": "REPO_DIR",
    "--Repo2Docker.target_repo_dir": "REPO_DIR",
    "--appendix": "APPENDIX_FILE",
    "--Repo2Docker.appendix": "APPENDIX_FILE",
}
# Options that make repo2docker do something else than build.
_FOREIGN = frozenset(
    f"--{name}"
    for name in (
        "run", "no-build", "publish", "publish-all", "editable", "volume", "env", "ref", "version",
        "help", "help-all", "user-id",
    )
)  # fmt: skip
_SHORT = re.compile(r"-[hpPEve].*")
_SUBDIR = frozenset(["--subdir", "--Repo2Docker.subdir"])


def user_name_of(inputs: Inputs) -> str:
    if inputs.binder_cache or inputs.mybinderorg_tag:
        return BINDER_USER
    if not re.fullmatch(r"[a-z_][a-z0-9_-]{0,31}", inputs.notebook_user):
        raise InputError(
            f"NOTEBOOK_USER: {inputs.notebook_user!r} is not a user name; write for example "
            "`NOTEBOOK_USER: jovyan`."
        )
    return inputs.notebook_user


def repo_dir_of(inputs: Inputs, user_name: str) -> str:
    if re.search(r"[\s\"'`$\\]", inputs.repo_dir):
        raise InputError(
            f"REPO_DIR: {inputs.repo_dir!r} cannot be a folder of the image; write for example "
            "`REPO_DIR: /srv/repo`."
        )
    return inputs.repo_dir or f"/home/{user_name}"


def labels_of(event: Event, *, commit: str, now: datetime) -> Iterator[tuple[str, str]]:
    yield CREATED, now.strftime("%Y-%m-%dT%H:%M:%SZ")
    if commit:
        yield REVISION, commit
        yield VERSION, event.git_tag or str(tag_of_commit(commit))
    if event.repository:
        yield "org.opencontainers.image.source", event.repository_url
        yield "repo2docker.repo", event.repository_url
    if event.ref:
        yield "repo2docker.ref", event.ref


def subdir_of(inputs: Inputs) -> str:
    """SUBDIR, or the ``--subdir`` among the extra arguments that came before it."""
    return inputs.subdir or _without_subdir(_split_extra_args(inputs))[0]


def extra_args_of(inputs: Inputs) -> tuple[str, ...]:
    subdir, args = _without_subdir(_split_extra_args(inputs))
    if subdir and inputs.subdir and subdir != inputs.subdir:
        raise InputError(
            f"SUBDIR: {inputs.subdir!r} and `--subdir {subdir}` in REPO2DOCKER_EXTRA_ARGS name two "
            "folders; keep SUBDIR and remove the argument."
        )
    for arg in args:
        _require_allowed(arg.partition("=")[0])
    return args


def _require_allowed(option: str) -> None:
    if option in _OURS:
        raise InputError(
            f"REPO2DOCKER_EXTRA_ARGS: {option} is what the input {_OURS[option]} decides; remove "
            f"it and use {_OURS[option]}."
        )
    # repo2docker takes any beginning of an option's name for the option.
    known = (*_OURS, *_FOREIGN, *_SUBDIR, "--config", "--build-arg")
    meant = [name for name in known if option.startswith("--") and name.startswith(option)]
    if meant and option not in meant:
        raise InputError(
            f"REPO2DOCKER_EXTRA_ARGS: {option} may stand for {meant[0]}; write the name in full."
        )
    if option in _FOREIGN or _SHORT.fullmatch(option):
        raise InputError(
            f"REPO2DOCKER_EXTRA_ARGS: {option} has no place in a run that builds an image; remove "
            "it, and keep to arguments such as `--build-arg NAME=value`."
        )


def _without_subdir(args: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    subdir, kept, words = "", [], iter(args)
    for word in words:
        option, given, value = word.partition("=")
        if option in _SUBDIR:
            subdir = value if given else next(words, "")
        else:
            kept.append(word)
    return subdir, tuple(kept)


def _split_extra_args(inputs: Inputs) -> tuple[str, ...]:
    # `--Trait = value` is seen in the wild, and would be three words to a shell.
    text = re.sub(r"(--\w+\.\w+)\s*=\s*", r"\1=", inputs.repo2docker_extra_args)
    return _split("REPO2DOCKER_EXTRA_ARGS", text)


def extra_packages_of(inputs: Inputs) -> tuple[str, ...]:
    return _split("EXTRA_PIP_INSTALL", inputs.extra_pip_install)


def _split(name: str, text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError:
        raise InputError(
            f"{name}: a quotation mark in {text!r} is never closed; close it, or write \\' for one "
            "that is meant as it is."
        ) from None


def requirement_of(inputs: Inputs) -> str:
    """What pip takes for FORCE_REPO2DOCKER_VERSION, empty for the version we carry.

    A bare version, ``repo2docker==X`` and what is a requirement already are all
    written in the wild.
    """
    text = inputs.force_repo2docker_version
    if _SECOND_WORD.search(text.partition(";")[0]):
        raise InputError(
            f"FORCE_REPO2DOCKER_VERSION: {text!r} is more than repo2docker and its version; write "
            "for example `FORCE_REPO2DOCKER_VERSION: 2024.07.0`, and the packages beside it in "
            "EXTRA_PIP_INSTALL: `EXTRA_PIP_INSTALL: docker==7.1.0`."
        )
    if re.fullmatch(r"v?\d[\w.+!-]*", text):
        return f"{REPO2DOCKER}=={text.removeprefix('v')}"
    return re.sub(r"^(jupyter[-_])?repo2docker(?=\s*([=<>!~\[@]|$))", REPO2DOCKER, text)
