"""The table of inputs, which is the only truth about them.

The fields of :class:`Inputs` are the table: action.yml, the options of the
command and the reference in docs/ are generated from it. Every input reaches
us as one environment variable, ``R2D_`` and its name, so that no value is ever
part of a command line or of a script.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from r2d_action.errors import InputError

ENV_PREFIX = "R2D_"


class Unreadable(ValueError):
    """The text of an input cannot be read; the message says what is expected."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One input as its readers meet it: ``default`` and ``example`` are text, as in YAML."""

    summary: str
    read: Callable[[str], object]
    kind: str
    section: str
    default: str = ""
    example: str = ""
    secret: bool = False


def _read_flag(text: str) -> bool:
    word = text.strip().lower()
    if word in {"true", "yes", "on", "1"}:
        return True
    if word in {"false", "no", "off", "0", ""}:
        return False
    raise Unreadable("is neither true nor false")


def _read_tristate(text: str) -> str:
    word = text.strip().lower()
    if word in {"", "auto"}:
        return "auto"
    try:
        return "true" if _read_flag(word) else "false"
    except Unreadable:
        raise Unreadable("is none of auto, true and false") from None


def _read_list(text: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"[\s,]+", text) if part)


def _read_lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}


def _read_duration(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip().lower())
    if not match or float(match[1]) == 0:
        raise Unreadable("is not a length of time such as 90s, 30m or 1h")
    return float(match[1]) * _SECONDS[match[2]]


def _entry(value: object, **entry: Any) -> Any:
    return field(default=value, metadata={"entry": Entry(**entry)})


def _text(section: str, summary: str, *, default: str = "", example: str = "") -> Any:
    return _entry(
        default,
        summary=summary,
        read=str.strip,
        kind="text",
        section=section,
        default=default,
        example=example,
    )


def _secret(section: str, summary: str, *, example: str) -> Any:
    return _entry(
        "",
        summary=summary,
        read=str.strip,
        kind="secret",
        section=section,
        example=example,
        secret=True,
    )


def _flag(section: str, summary: str, unset: bool | None = False) -> Any:
    return _entry(
        unset, summary=summary, read=_read_flag, kind="true or false", section=section,
        default="true" if unset else "false", example="false" if unset else "true",
    )  # fmt: skip


def _list(section: str, summary: str, *, example: str) -> Any:
    return _entry(
        (), summary=summary, read=_read_list, kind="list", section=section, example=example
    )


def _tristate(section: str, summary: str, *, example: str) -> Any:
    return _entry(
        "auto", summary=summary, read=_read_tristate, kind="auto, true or false",
        section=section, default="auto", example=example,
    )  # fmt: skip


def _duration(section: str, summary: str, *, default: str, example: str) -> Any:
    return _entry(
        _read_duration(default), summary=summary, read=_read_duration, kind="length of time",
        section=section, default=default, example=example,
    )  # fmt: skip


IMAGE = "Image"
BUILD = "Build"
CHECK = "Checks"
PUSH = "Push"
LOGIN = "Login without a stored password"
HUB = "The hub's configuration"
HUB_SERVER = "The hub itself"
BINDER = "Binder"
SECTIONS = (IMAGE, BUILD, CHECK, PUSH, LOGIN, HUB, HUB_SERVER, BINDER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Every input, read and typed. Build it with :func:`read_inputs`."""

    image_name: str = _text(
        IMAGE,
        "Name of the image without a tag, and without the registry when DOCKER_REGISTRY is set. "
        "Left out, it is DOCKER_USERNAME/repository, or actor/repository without a user name.",
        example="my-community/user-image",
    )
    docker_registry: str = _text(
        IMAGE, "Host of the registry; Docker Hub when left out.", example="quay.io"
    )
    docker_username: str = _text(
        PUSH,
        "User or robot account of the registry. Left out, credentials and credential helpers "
        "that an earlier step set up are used.",
        example="my-community+builder",
    )
    docker_password: str = _secret(
        PUSH,
        "Password or token of that account. Hand it over from a secret.",
        example="${{ secrets.QUAY_PASSWORD }}",
    )
    github_token: str = _secret(
        LOGIN,
        "The job's own token: pushes to ghcr.io when the job has `permissions: packages: write`, "
        "and asks git for newer commits of a private repository.",
        example="${{ github.token }}",
    )
    aws_role_arn: tuple[str, ...] = _list(
        LOGIN,
        "Role of Amazon that the job takes on to push to ECR; one for each account.",
        example="arn:aws:iam::123456789012:role/images",
    )
    google_workload_identity_provider: str = _text(
        LOGIN,
        "Workload identity provider of Google that knows the repository, by its whole name.",
        example="projects/123/locations/global/workloadIdentityPools/github/providers/image",
    )
    google_service_account: str = _text(
        LOGIN,
        "Service account that the job then acts as; left out, the repository itself must have the "
        "right to push.",
        example="images@my-project.iam.gserviceaccount.com",
    )
    azure_client_id: str = _text(
        LOGIN,
        "Application (client) of Microsoft Entra that trusts the repository.",
        example="00000000-1111-2222-3333-444444444444",
    )
    azure_tenant_id: str = _text(
        LOGIN,
        "The tenant that it belongs to.",
        example="55555555-6666-7777-8888-999999999999",
    )
    quay_api_token: str = _secret(
        LOGIN,
        "Token of quay.io's API, with which a repository that is missing is made public and gets "
        "its description.",
        example="${{ secrets.QUAY_API_TOKEN }}",
    )
    push_to: tuple[str, ...] = _list(
        PUSH,
        "Further repositories that get the same image under the same tags, on this or "
        "another registry: whole names, separated by spaces, commas or lines. The password above "
        "is for the registry of IMAGE_NAME; log in to others in an earlier step.",
        example="ghcr.io/my-community/user-image",
    )
    additional_tag: str = _text(
        IMAGE, "One more tag beside the commit and `latest`.", example="2026-spring"
    )
    tags: tuple[str, ...] = _list(
        IMAGE,
        "More tags, separated by spaces, commas or lines, with `{branch}`, `{git_tag}`, "
        "`{pr}`, `{commit}` and `{date}` filled in; a tag whose part does not exist in a run is "
        "left out.",
        example='"{branch} {date}"',
    )
    # None when nobody wrote it: a written `false` counted as true in repo2docker-action.
    latest_tag_off: bool | None = _flag(IMAGE, "Do not give the image the tag `latest`.", None)
    subdir: str = _text(
        BUILD, "Folder of the repository that is built, instead of its top.", example="images/r"
    )
    notebook_user: str = _text(
        BUILD,
        "User name inside the image. Binder images (BINDER_CACHE, MYBINDERORG_TAG) always have "
        "`jovyan`.",
        default="jovyan",
        example="jovyan",
    )
    repo_dir: str = _text(
        BUILD,
        "Folder inside the image that the repository is copied to; the user's home when left out. "
        "A hub mounts over the home, so /srv/repo keeps these files visible there.",
        example="/srv/repo",
    )
    appendix_file: str = _text(
        BUILD,
        "File of the repository with Dockerfile instructions that are run at the end of the build.",
        example="appendix",
    )
    repo2docker_extra_args: str = _text(
        BUILD,
        "More arguments for repo2docker, quoted as in a shell.",
        example="--Repo2Docker.base_image=docker.io/library/buildpack-deps:24.04",
    )
    force_repo2docker_version: str = _text(
        BUILD,
        "Another repo2docker: a version, or what pip takes.",
        example="2026.4.0",
    )
    extra_pip_install: str = _text(
        BUILD,
        "Python packages to install beside repo2docker (plug-ins and configuration it loads), "
        "as pip takes them. Nothing of this enters the image.",
        example="my-repo2docker-buildpack",
    )
    base_images: tuple[str, ...] = _list(
        BUILD,
        "Images that stand in for those that a Dockerfile names: pairs of a name as it is "
        "written there, and an image with its digest. The workflow build-image.yml sets it for "
        "images that are built on one another.",
        example=f"quay.io/org/base:latest=quay.io/org/base@sha256:{'0123456789abcdef' * 4}",
    )
    builder: str = _text(
        BUILD,
        "Builder of `docker buildx` that builds in place of the runner's engine: a remote one, "
        "one in Kubernetes, one in a container. An earlier step makes it. The image is checked "
        "and pushed here as ever.",
        example="big-machine",
    )
    reuse: str = _tristate(
        BUILD,
        "Take the image from the registry when one was built from the same files already. "
        "`auto` does so, except in manual and scheduled runs, which are there to get new packages; "
        "`false` also leaves out the tag `r2d-key-…` by which such an image is found.",
        example="false",
    )
    cache: bool = _flag(
        BUILD,
        "Start from the layers of earlier images, which are found under the tag "
        "`r2d-cache-<branch>`.",
        True,
    )
    keep_git: bool = _flag(
        BUILD,
        "Copy the `.git` folder into the image. Every commit then rebuilds all steps that follow "
        "the copy.",
    )
    free_disk_space: bool = _flag(
        BUILD,
        "Remove toolkits that a hosted runner carries and no image build needs (about 30 GB).",
    )
    hub_start_check: str = _tristate(
        CHECK,
        "Start the image as a hub does before it is pushed. `auto` warns when that fails, "
        "`true` stops the run, `false` leaves it out.",
        example="true",
    )
    check_timeout: float = _duration(
        CHECK,
        "Longest time for the tests in `image-tests/`, and for the start as on a hub.",
        default="30m",
        example="10m",
    )
    packages: bool = _flag(
        CHECK,
        "List what is installed in the image, keep the list beside the image in the registry, and "
        "say what has changed.",
        True,
    )
    no_push: bool = _flag(
        PUSH, "Build and check only. The image stays in the runner's engine under all its tags."
    )
    public_registry_check: bool = _flag(
        PUSH, "Fail unless everybody can pull the pushed image without logging in."
    )
    hub_repo: str = _text(
        HUB,
        "Repository with the hub's configuration, to which the new image is proposed by a pull "
        "request.",
        example="my-community/hub",
    )
    hub_branch: str = _text(
        HUB, "Branch that is to be changed; the default branch when left out.", example="staging"
    )
    hub_files: tuple[str, ...] = _list(
        HUB,
        "Files to look at, as globs; all YAML files when left out.",
        example="config/*.values.yaml",
    )
    hub_select: tuple[str, ...] = _entry(
        (),
        summary="Places to change, one selector on each line, where the image stands in several.",
        read=_read_lines,
        kind="lines",
        section=HUB,
        example="**.profileList[Small].kubespawner_override.image",
    )
    hub_token: str = _secret(
        HUB,
        "Token that may write contents and pull requests of HUB_REPO.",
        example="${{ secrets.HUB_TOKEN }}",
    )
    hub_app_id: str = _text(
        HUB,
        "In place of HUB_TOKEN: GitHub App that is installed in HUB_REPO, by its id or client id.",
        example="123456",
    )
    hub_app_private_key: str = _secret(
        HUB, "Private key of that App.", example="${{ secrets.HUB_APP_PRIVATE_KEY }}"
    )
    hub_labels: tuple[str, ...] = _list(HUB, "Labels for the pull request.", example="image")
    hub_reviewers: tuple[str, ...] = _list(
        HUB,
        "Who is asked to review it: user names, or teams as `org/team`.",
        example="my-community/hub-admins",
    )
    hub_automerge: bool = _flag(HUB, "Let GitHub merge it when its checks have passed.")
    hub_dispatch: str = _text(
        HUB,
        "In place of a pull request: event (`repository_dispatch`) that starts the automation of "
        "HUB_REPO.",
        example="new-image",
    )
    hub_url: str = _text(
        HUB_SERVER, "Address of the JupyterHub.", example="https://hub.example.org"
    )
    hub_api_token: str = _secret(
        HUB_SERVER,
        "Token of a service of the hub, or of an administrator where it sets the image; "
        "docs/how-to/hub-api.md lists the scopes.",
        example="${{ secrets.HUB_API_TOKEN }}",
    )
    hub_verify_user: str = _text(
        HUB_SERVER, "User for whom a server is started to verify an image.", example="image-check"
    )
    hub_verify_options: str = _text(
        HUB_SERVER,
        "What that user chooses in the hub's form, as `name=value` pairs.",
        example="profile=small",
    )
    hub_verify_command: str = _text(
        HUB_SERVER, "Command that must succeed in the server.", example="python -c 'import numpy'"
    )
    hub_verify_timeout: float = _duration(
        HUB_SERVER, "Longest time for the server to start and answer.", default="20m", example="30m"
    )
    binderhub_url: str = _text(
        BINDER, "BinderHub that is asked to build by itself.", example="https://binder.example.org"
    )
    binderhub_token: str = _secret(
        BINDER,
        "Token of the JupyterHub behind it, if it wants one.",
        example="${{ secrets.BINDERHUB_TOKEN }}",
    )
    binderhub_image_prefix: str = _text(
        BINDER,
        "The `image_prefix` of a BinderHub, under which the image is pushed as well, so that it "
        "finds the image and builds nothing.",
        example="quay.io/my-org/r2d-",
    )
    binder_cache: bool = _flag(
        BINDER,
        "Commit `binder/Dockerfile`, which lets Binder pull the pushed image instead of building. "
        "The job needs `permissions: contents: write`.",
    )
    commit_msg: str = _text(
        BINDER,
        "Message of that commit.",
        default="Update image tag",
        example="Update the Binder image",
    )
    no_git_push: bool = _flag(BINDER, "Make that commit, but leave it in the checkout.")
    mybinderorg_tag: str = _text(
        BINDER,
        "Branch, tag or commit that mybinder.org is asked to build ahead of its first visitor.",
        example="${{ github.ref_name }}",
    )

    @property
    def secrets(self) -> tuple[str, ...]:
        """Also the passwords in addresses that pip gets."""
        given = [
            value for name, entry in table() if entry.secret and (value := getattr(self, name))
        ]
        addresses = f"{self.force_repo2docker_version} {self.extra_pip_install}"
        return (*given, *_PASSWORD.findall(addresses))


# `git@` names a user; a token may stand alone, or behind the name of one.
_PASSWORD = re.compile(r"https?://(?:[^/@\s:]*:)?([^/@\s:]{8,})@")


def table() -> Iterator[tuple[str, Entry]]:
    """Each input's field name and entry, in the order of :class:`Inputs`."""
    for item in dataclasses.fields(Inputs):
        yield item.name, item.metadata["entry"]


def read_inputs(env: Mapping[str, str]) -> Inputs:
    """The inputs that ``env`` holds as ``R2D_<NAME>``; an empty value is the default.

    Raises :class:`InputError` with the input's name, its value and one that works.
    """
    values = {}
    for name, entry in table():
        text = env.get(ENV_PREFIX + name.upper(), "")
        if text.strip():
            values[name] = _read(name, entry, text)
    return Inputs(**values)


def _read(name: str, entry: Entry, text: str) -> Any:
    try:
        return entry.read(text)
    except Unreadable as reason:
        raise InputError(
            f"{name.upper()}: {text.strip()!r} {reason}; write for example "
            f"`{name.upper()}: {entry.example}`."
        ) from None


def nearest_input(name: str) -> str | None:
    """The input that somebody who wrote ``name`` most likely meant."""
    known = [known.upper() for known, _ in table()]
    wanted = name.upper()
    # A forgotten or added prefix (SOURCE_SUBDIR, MYBINDERORG_CACHE) is the usual slip.
    parts = sorted((one for one in known if wanted.endswith(f"_{one}")), key=len, reverse=True)
    close = difflib.get_close_matches(wanted, known, n=1, cutoff=0.7)
    return next(iter((*close, *parts)), None)


def unknown_inputs(names: Iterable[str]) -> tuple[str, ...]:
    """Those of ``names`` that no entry of the table has, whatever their case."""
    known = {known.upper() for known, _ in table()}
    return tuple(name for name in names if name.upper() not in known)
