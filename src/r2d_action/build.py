"""Build the context with repo2docker; the image ends up in the engine under its local tags."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from docker.errors import ImageNotFound

from r2d_action.engine import Engine
from r2d_action.layers import LABEL, label_of
from r2d_action.plan import BuildPlan, Plan
from r2d_action.plan.repo2docker import USER_ID
from r2d_action.process import Completed, stream
from r2d_action.progress.steps import Step, Steps
from r2d_action.reference import Digest, Reference

# A name that no registry has. repo2docker builds nothing when the engine knows the name
# already, so each build gets a new one and the image its real names afterwards.
SCRATCH = "localhost/r2d-action/build"
CONFIG_FILE = "repo2docker_config.py"


@dataclass(frozen=True, slots=True)
class Layer:
    """``size`` in bytes, unpacked; ``made_by`` is the instruction that made it."""

    size: int
    made_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """``size`` in bytes, unpacked; layers lowest first, without the empty ones; ``steps`` as the
    builder told of them, those included that it found in its cache.

    ``free_before`` and ``free_after`` are the bytes that the engine's disk had left, None where
    the engine runs on another machine.
    """

    image_id: Digest
    size: int
    layers: tuple[Layer, ...]
    seconds: float
    steps: tuple[Step, ...] = ()
    free_before: int | None = None
    free_after: int | None = None


@dataclass(frozen=True, slots=True)
class Layers:
    """``taken_from`` are images of the registry whose layers may serve again; under ``to`` the
    builder keeps those of this build, None where they travel in the image."""

    taken_from: tuple[Reference, ...] = ()
    to: Reference | None = None


class Repo2dockerFailed(Exception):
    """repo2docker ended with an error; ``completed`` has all it said."""

    def __init__(self, completed: Completed) -> None:
        super().__init__(f"repo2docker ended with exit code {completed.returncode}")
        self.completed = completed


def build(
    plan: Plan,
    folder: Path,
    *,
    engine: Engine,
    env: Mapping[str, str],
    repo2docker: tuple[str, ...],
    config: Path | None,
    layers: Layers,
    bases: Mapping[str, Reference],
    on_line: Callable[[str], None],
) -> Built:
    """Build ``folder`` and give the image all its local tags.

    ``env`` is that of the command line (see :mod:`r2d_action.registry.lending`),
    ``repo2docker`` the command, ``config`` the repository's own repo2docker_config.py.
    ``bases`` stand in for images that the Dockerfile names. Raises :class:`Repo2dockerFailed`.
    """
    started = time.monotonic()
    scratch = f"{SCRATCH}:{secrets.token_hex(8)}"
    buildx = buildx_arguments(plan.build, layers, bases)
    argv = [*repo2docker, *arguments(plan.build, scratch, config, buildx), str(folder)]
    steps = Steps()
    hear = _telling(steps, on_line)
    try:
        completed = stream(argv, env=build_environment(env), on_line=hear)
        if completed.returncode != 0:
            raise Repo2dockerFailed(completed)
        built = inspect(engine, scratch, time.monotonic() - started)
        for tag in plan.tags:
            engine.client.images.get(scratch).tag(plan.repository.name, str(tag.tag))
    finally:
        _forget(engine, scratch)
    return replace(built, steps=steps.known)


def arguments(
    plan: BuildPlan, image: str, config: Path | None, buildx: Iterable[str]
) -> Iterator[str]:
    yield "--no-run"
    yield from ("--image-name", image)
    yield from ("--user-id", str(USER_ID), "--user-name", plan.user_name)
    yield from ("--target-repo-dir", plan.repo_dir)
    if config is not None:
        yield from ("--config", str(config))
    if plan.appendix:
        yield from ("--appendix", plan.appendix)
    yield from plan.extra_args
    for argument in buildx:
        yield f"--DockerEngine.extra_buildx_build_args={argument}"


def buildx_arguments(
    plan: BuildPlan, layers: Layers, bases: Mapping[str, Reference]
) -> Iterator[str]:
    """What ``docker buildx build`` gets beside repo2docker's own arguments.

    A builder in a container (docker/setup-buildx-action makes one) keeps its result to
    itself unless told to load it. Labels given here change the image's configuration
    only; as instructions of the Dockerfile they would run postBuild again each time.
    """
    yield "--load"
    if plan.builder:
        yield from ("--builder", plan.builder)
    yield from ("--cache-to", _cache_to(layers.to))
    if plan.fresh:
        yield "--no-cache"
    for image in layers.taken_from:
        yield from ("--cache-from", f"type=registry,ref={image}")
    if layers.taken_from:
        yield from ("--label", f"{LABEL}={label_of(layers.taken_from)}")
    for key, value in plan.labels:
        yield from ("--label", f"{key}={value}")
    for name, image in bases.items():
        # https://docs.docker.com/reference/cli/docker/buildx/build/#build-context
        yield from ("--build-context", f"{name}=docker-image://{image}")


def _cache_to(image: Reference | None) -> str:
    if image is None:
        # What a later build needs to know of these layers travels in the image itself: the one
        # way that every engine and registry takes.
        return "type=inline"
    # Also the layers of stages that are not in the image. As an index, which is the default, some
    # registries refuse it. That it cannot be kept is no reason to do without the image.
    return f"type=registry,ref={image},mode=max,image-manifest=true,ignore-error=true"


def build_environment(env: Mapping[str, str]) -> dict[str, str]:
    """An attestation would make an index of the image, which BinderHub's lookup and older
    registries do not take for an image."""
    return {**env, "BUILDX_NO_DEFAULT_ATTESTATIONS": "1", "PYTHONUNBUFFERED": "1"}


def inspect(engine: Engine, name: str, seconds: float) -> Built:
    image = engine.client.images.get(name)
    layers = tuple(
        Layer(step["Size"], step["CreatedBy"]) for step in reversed(image.history()) if step["Size"]
    )
    return Built(
        image_id=Digest(image.id or ""),
        # The engine's own figure is the unpacked size in one image store, not in the other.
        size=sum(layer.size for layer in layers),
        layers=layers,
        seconds=seconds,
    )


def _forget(engine: Engine, scratch: str) -> None:
    with suppress(ImageNotFound):
        engine.client.images.remove(scratch, noprune=True)


def _telling(steps: Steps, on_line: Callable[[str], None]) -> Callable[[str], None]:
    def hear(line: str) -> None:
        steps.hear(line)
        on_line(line)

    return hear
