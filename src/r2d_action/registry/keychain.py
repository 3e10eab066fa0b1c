"""As whom we speak to a registry: what the inputs say, else what the runner has set up.

A runner's logins are in docker's configuration, or behind the credential helpers
that it names; docker's own library reads both.
"""

from __future__ import annotations

import warnings
from pathlib import Path

from docker.auth import INDEX_URL, load_config
from docker.errors import DockerException

from r2d_action.errors import PublishFailed
from r2d_action.inputs import Inputs
from r2d_action.reference import Registry
from r2d_action.registry.auth import Credential


def credential_for(registry: Registry, inputs: Inputs, docker_config: Path) -> Credential | None:
    """None for nobody. ``docker_config`` is the folder that holds docker's config.json."""
    if inputs.docker_username and inputs.docker_password:
        source = "DOCKER_USERNAME and DOCKER_PASSWORD"
        return Credential(inputs.docker_username, inputs.docker_password, source)
    return _login_of_the_runner(registry, docker_config)


def _login_of_the_runner(registry: Registry, docker_config: Path) -> Credential | None:
    file = docker_config / "config.json"
    if not file.is_file():
        return None
    try:
        with warnings.catch_warnings():
            # Of a helper that is missing; the error that follows says more.
            warnings.simplefilter("ignore")
            found = load_config(str(file)).resolve_authconfig(
                INDEX_URL if registry.is_docker_hub else registry.host
            )
    except DockerException as error:
        raise PublishFailed(
            f"The credential helper that {file} names for {registry} does not work: {error}; "
            "install it in an earlier step, or set DOCKER_USERNAME and DOCKER_PASSWORD."
        ) from error
    if not found:
        return None
    return Credential(
        found.get("Username") or found.get("username") or "",
        found.get("Password") or found.get("password") or "",
        "a login that an earlier step left on the runner",
        found.get("IdentityToken") or found.get("identitytoken") or "",
    )
