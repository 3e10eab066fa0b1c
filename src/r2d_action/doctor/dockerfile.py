"""A Dockerfile of the user's own: will it build, and will a hub start its image?"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from r2d_action.doctor.dockerfile_text import ROOT, Base, Instruction
from r2d_action.doctor.finding import Trouble
from r2d_action.doctor.repository import Repository
from r2d_action.report.diagnose.dockerfile import EXAMPLE_FROM
from r2d_action.report.diagnose.words import block, code

# Images without Jupyter, whose ordinary user is root.
_BARE = re.compile(
    r"(?:python|pypy|ubuntu|debian|buildpack-deps|r-base|julia|node|alpine|fedora|rockylinux"
    r"|continuumio/(?:mini|ana)conda3?|(?:\S+/)?condaforge/(?:miniforge3|mambaforge)"
    r"|rocker/(?:r-ver|r-base|r-ubuntu|rstudio|tidyverse|verse|geospatial|shiny)"
    r"|(?:\S+/)?nvidia/cuda|tensorflow/tensorflow|pytorch/pytorch|ghcr\.io/prefix-dev/pixi)"
)
_MAKES_USER = re.compile(r"\b(?:useradd|adduser|NB_UID|usermod)\b|\b1000\b")
_BRINGS_SERVER = re.compile(r"jupyterhub|install_jupyter|jupyter-?hub", re.IGNORECASE)
_SWALLOWS = re.compile(
    r"jupyter(?:-\w+)?|jupyterhub-singleuser|R|Rscript|rserver|julia|shiny-server"
)


def no_from(repository: Repository) -> Iterator[Trouble]:
    dockerfile = repository.dockerfile
    if repository.has_dockerfile and not dockerfile.final:
        yield Trouble(
            dockerfile.at(1),
            "The Dockerfile names no image to start from.",
            f"Begin it with one:{block(EXAMPLE_FROM)}",
        )


def legacy_image(repository: Repository) -> Iterator[Trouble]:
    dockerfile = repository.dockerfile
    for base in dockerfile.bases():
        if "andrewosh/binder-base" in base.image:
            yield Trouble(
                dockerfile.at(base.line),
                "The image `andrewosh/binder-base` is no longer supported, and repo2docker "
                "refuses it.",
                f"Begin with an image that is kept up, for example:{block(EXAMPLE_FROM)}",
            )


def unpinned(repository: Repository) -> Iterator[Trouble]:
    dockerfile = repository.dockerfile
    for base in dockerfile.bases():
        # No image has a name like `base_image`: a bake file says what that is.
        named = base.image and not re.fullmatch(r"\w*_\w*", base.image)
        if named and not base.is_pinned:
            yield Trouble(
                dockerfile.at(base.line),
                f"{code(base.image)} is another image tomorrow: it has no tag that stays.",
                "Choose a tag that names a version or a date, and write it after the name.",
            )


def runs_as_root(repository: Repository) -> Iterator[Trouble]:
    dockerfile = repository.dockerfile
    user = dockerfile.last("USER")
    if user and user.value.partition(":")[0] in ROOT:
        yield Trouble(
            dockerfile.at(user.line),
            "The image ends as root; servers of users must not run with all rights.",
            "Go back to the ordinary user at the end:" + block("USER ${NB_USER}"),
        )


def no_ordinary_user(repository: Repository) -> Iterator[Trouble]:
    dockerfile, base = repository.dockerfile, _bare_base(repository)
    if base and not any(_MAKES_USER.search(text) for text in _used_texts(repository)):
        yield Trouble(
            dockerfile.at(base.line),
            f"{code(base.image)} has no user 1000, as whom hubs start servers, and this Dockerfile "
            "makes none.",
            "Make the user, and end as that user:"
            + block(
                "ARG NB_USER=jovyan\nARG NB_UID=1000\n"
                "RUN useradd --create-home --uid ${NB_UID} ${NB_USER}\nUSER ${NB_USER}"
            ),
        )


def _bare_base(repository: Repository) -> Base | None:
    """The base of an image for a hub, where it is one without Jupyter."""
    dockerfile = repository.dockerfile
    base = dockerfile.base
    # With ONBUILD it is an image to build on: the next one brings what is missing.
    if base is None or any(dockerfile.all("ONBUILD")) or not repository.settings.for_hub:
        return None
    return base if _BARE.fullmatch(base.name) else None


def _used_texts(repository: Repository) -> Iterator[str]:
    """The Dockerfile's steps, and the small files that it copies or names."""
    steps = repository.dockerfile.steps
    yield steps
    whole = bool(re.search(r"^(?:COPY|ADD) (?:--\S+ )*\.?/? ", steps, re.MULTILINE))
    for path in repository.context.files:
        folder, name = posixpath.split(path)
        named = name in steps or (folder and re.search(rf"(?<![\w/]){re.escape(folder)}\b", steps))
        if named or (whole and not folder):
            yield repository.text(path)


def no_server(repository: Repository) -> Iterator[Trouble]:
    dockerfile, base = repository.dockerfile, _bare_base(repository)
    if base and not any(_BRINGS_SERVER.search(text) for text in _used_texts(repository)):
        yield Trouble(
            dockerfile.at(base.line),
            f"Nothing here seems to install `jupyterhub-singleuser`, which hubs start, and "
            f"{code(base.image)} does not have it.",
            "Install it, or start from an image of Jupyter's own:"
            + block(f"RUN pip install jupyterhub jupyterlab\n{EXAMPLE_FROM}"),
        )


def shell_entrypoint(repository: Repository) -> Iterator[Trouble]:
    dockerfile = repository.dockerfile
    step = dockerfile.last("ENTRYPOINT")
    if step and not step.is_list:
        yield Trouble(
            dockerfile.at(step.line),
            "An ENTRYPOINT without brackets drops the command that the hub adds, so its server "
            "does not start.",
            "Write it as a list:" + block(f"ENTRYPOINT {_as_list(step)}"),
        )


def _as_list(step: Instruction) -> str:
    return "[" + ", ".join(f'"{word}"' for word in step.value.split()) + "]"


def swallowing_entrypoint(repository: Repository) -> Iterator[Trouble]:
    dockerfile = repository.dockerfile
    step = dockerfile.last("ENTRYPOINT")
    if step and step.is_list and _swallows(step.words):
        yield Trouble(
            dockerfile.at(step.line),
            f"{code(step.value)} takes the command that the hub adds for an argument of its own, "
            "so the hub's server does not start.",
            "Make it the command that is used without a hub:"
            + block(f"CMD {step.value}\nENTRYPOINT []"),
        )


def _swallows(words: tuple[str, ...]) -> bool:
    program = next(iter(words), "")
    name = posixpath.basename(program)
    if name in {"sh", "bash"}:
        # `-c` takes one text; what follows are its own arguments, unless it hands them on.
        command = words[1:2] and re.fullmatch(r"-\w*c", words[1])
        return bool(command) and not any("$@" in word for word in words)
    if re.fullmatch(r"python[\d.]*", name):
        return len(words) > 2 and words[2].startswith(("jupyter", "notebook"))
    return bool(_SWALLOWS.fullmatch(name))
