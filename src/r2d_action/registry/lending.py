"""Lend a credential to docker's command line without writing it into any file.

A build may start from a private image of the registry that it is pushed to, so the
command line has to be logged in. It gets a configuration of its own, whose
credential helper reads an environment variable that only this command line has.
The user's other logins are lent in the same way, so that none of them is copied.
https://github.com/docker/docker-credential-helpers#development
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from docker.auth import INDEX_URL

from r2d_action.reference import Registry
from r2d_action.registry.auth import Credential
from r2d_action.registry.docker_logins import TOKEN_USER, DockerLogins

HELPER = "r2d-action"
VARIABLE = "R2D_ACTION_LOGINS"
DOCKER_HUB = "index.docker.io"

_HELPER_PROGRAM = f"""\
#!{sys.executable} -I
import json, os, sys
host = sys.stdin.read().strip().removeprefix("https://").partition("/")[0]
answer = json.loads(os.environ["{VARIABLE}"]).get(host)
print(json.dumps(answer) if answer else "credentials not found in native keychain")
sys.exit(0 if answer else 1)
"""


@contextmanager
def lent(
    env: Mapping[str, str], docker_config: Path, registry: Registry, credential: Credential | None
) -> Iterator[Mapping[str, str]]:
    """``env`` for a command line that is logged in as ``credential``; as it is for nobody."""
    if credential is None:
        yield env
        return
    logins = {**_logins(docker_config), _host(registry): _answer(credential)}
    with TemporaryDirectory(prefix="r2d-docker-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        _imitate(docker_config, folder, tuple(logins))
        program = folder / f"docker-credential-{HELPER}"
        program.write_text(_HELPER_PROGRAM, encoding="utf-8")
        program.chmod(0o700)
        yield {
            **env,
            "DOCKER_CONFIG": name,
            "PATH": f"{name}{os.pathsep}{env.get('PATH', os.defpath)}",
            VARIABLE: json.dumps(logins),
        }


def _imitate(docker_config: Path, folder: Path, hosts: tuple[str, ...]) -> None:
    """The user's own configuration (proxies, builders, contexts, helpers) without its logins."""
    written = DockerLogins(docker_config / "config.json").content()
    content = {name: value for name, value in written.items() if name != "auths"}
    helpers = {INDEX_URL if host == DOCKER_HUB else host: HELPER for host in hosts}
    content["credHelpers"] = {**(content.get("credHelpers") or {}), **helpers}
    (folder / "config.json").write_text(json.dumps(content), encoding="utf-8")
    for entry in docker_config.iterdir() if docker_config.is_dir() else ():
        if entry.is_dir():
            (folder / entry.name).symlink_to(entry)


def _logins(docker_config: Path) -> dict[str, dict[str, str]]:
    """The logins that are written into the user's own configuration, by host."""
    written = DockerLogins(docker_config / "config.json").written()
    return {_host(Registry(name)): _answer(credential) for name, credential in written.items()}


def _host(registry: Registry) -> str:
    return DOCKER_HUB if registry.is_docker_hub else registry.host


def _answer(credential: Credential) -> dict[str, str]:
    user = TOKEN_USER if credential.identity_token else credential.username
    return {"Username": user, "Secret": credential.identity_token or credential.password}
