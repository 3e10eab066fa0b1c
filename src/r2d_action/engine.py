"""The container engine: found, and found able, before anything is asked of it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import docker
from docker.errors import DockerException

from r2d_action.errors import EngineError
from r2d_action.process import capture

# Less than this and not even a small image can be unpacked.
LEAST_FREE_BYTES = 1_000_000_000
# An engine that is asked for more than this is copying layers, and that can take long.
CLIENT_TIMEOUT_SECONDS = 1800


@dataclass(frozen=True, slots=True)
class Engine:
    """``env`` is the environment for its command line; ``config`` docker's own folder."""

    client: docker.DockerClient
    env: Mapping[str, str]
    cli: str
    config: Path


def connect(
    env: Mapping[str, str], working_directory: Path, make_room: Callable[[], None] = lambda: None
) -> Engine:
    """The engine that the environment names. Raises :class:`EngineError`."""
    # repo2docker decides in the same way which of the two it calls.
    cli = "podman" if "podman" in env.get("DOCKER_HOST", "") else "docker"
    config = docker_config(env, working_directory)
    env = {**env, "DOCKER_CONFIG": str(config)}
    _require_command(cli, env)
    client = _client(cli, env)
    require_room(partial(free_bytes, client), make_room)
    return Engine(client, env, cli, config)


def docker_config(env: Mapping[str, str], working_directory: Path) -> Path:
    """The folder of docker's configuration, absolute.

    A job's ``DOCKER_CONFIG: $HOME/.docker`` is a relative path to docker, since nobody
    expands it: made absolute here, it stays the same folder in whatever directory a
    command runs.
    """
    given = env.get("DOCKER_CONFIG")
    if given:
        return working_directory / given
    return Path(env.get("HOME") or Path.home()) / ".docker"


def _require_command(cli: str, env: Mapping[str, str]) -> None:
    if shutil.which(cli, path=env.get("PATH")) is None:
        raise EngineError(
            f"There is no `{cli}` command on this machine; run the job on `ubuntu-latest`, which "
            "has it, or install Docker Engine.",
            link="https://docs.docker.com/engine/install/",
        )


def require_buildx(engine: Engine) -> None:
    """Asked when a build failed: repo2docker asks at its start, and says it in its own words.

    Raises :class:`EngineError`.
    """
    if capture([engine.cli, "buildx", "version"], env=engine.env).returncode != 0:
        raise EngineError(
            f"`{engine.cli}` has no buildx plugin, which repo2docker builds with; run the "
            "job on `ubuntu-latest`, which has it, or install the package `docker-buildx-plugin` "
            "(Docker's packages) or `docker-buildx` (Debian, Ubuntu).",
            link="https://docs.docker.com/build/install-buildx/",
        )


def _client(cli: str, env: Mapping[str, str]) -> docker.DockerClient:
    host = env.get("DOCKER_HOST") or _host_of_context(cli, env)
    try:
        client = docker.from_env(
            timeout=CLIENT_TIMEOUT_SECONDS, environment={**env, "DOCKER_HOST": host}
        )
        client.ping()
    except DockerException as error:
        raise EngineError(
            f"The container engine at {host or 'its usual place'} does not answer; start it "
            "(`sudo systemctl start docker`), and check that this user may use it "
            f"(`docker info`). It said: {error}"
        ) from error
    return client


def _host_of_context(cli: str, env: Mapping[str, str]) -> str:
    """Rootless engines and Docker Desktop are named by a context, not by DOCKER_HOST."""
    answer = capture([cli, "context", "inspect"], env=env)
    try:
        host = json.loads(answer.text)[0]["Endpoints"]["docker"]["Host"]
    except (ValueError, LookupError, TypeError):
        return ""
    return host if isinstance(host, str) else ""


def require_room(free: Callable[[], int | None], make_room: Callable[[], None]) -> None:
    """``free`` tells the bytes, None for unknown; ``make_room`` is called where they are too few.

    Raises :class:`EngineError`.
    """
    if not _is_little(free()):
        return
    make_room()
    if _is_little(left := free()):
        raise EngineError(
            f"Only {(left or 0) // 1_000_000} MB are free where the engine keeps its images, which "
            "is too little for any build; set `FREE_DISK_SPACE: true`, which makes room on "
            "GitHub's own runners, or remove images with `docker system prune`."
        )


def _is_little(free: int | None) -> bool:
    return free is not None and free < LEAST_FREE_BYTES


def require_builder(name: str, engine: Engine) -> None:
    """Raises :class:`EngineError` unless ``name``, a builder of buildx, can hand its image to this
    engine; no name is the engine itself."""
    if not name:
        return
    answer = capture([engine.cli, "buildx", "inspect", name], env=engine.env)
    if answer.returncode != 0:
        raise EngineError(
            f"BUILDER: there is no builder {name!r}; make it in an earlier step, for example with "
            f"docker/setup-buildx-action and `name: {name}`. docker says: {answer.stderr.strip()}"
        )
    driver = re.search(r"^Driver:\s*(\S+)", answer.text, re.MULTILINE)
    if driver and driver[1] == "docker":
        # It keeps what it built: an engine has no way of its own to give images away.
        raise EngineError(
            f"BUILDER: {name!r} is an engine itself, and what it builds stays there; leave BUILDER "
            f"out to build with this runner's engine, or set the variable DOCKER_CONTEXT to {name} "
            "to do all of the work there."
        )


def free_bytes(client: docker.DockerClient) -> int | None:
    """Free bytes where the engine keeps images, None when it runs on another machine, or where
    this user may not look."""
    try:
        return shutil.disk_usage(client.info().get("DockerRootDir") or "/nonexistent").free
    except OSError:
        return None
