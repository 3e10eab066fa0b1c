"""Files of this machine that hold credentials, wherever the run's variables put them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from r2d_action.engine import docker_config

# Variables that name a file with a credential in it, and what that is.
_CREDENTIAL_VARIABLES = {
    "GOOGLE_APPLICATION_CREDENTIALS": "a login to Google Cloud",
    "GOOGLE_GHA_CREDS_PATH": "a login to Google Cloud",
    "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE": "a login to Google Cloud",
    "AWS_SHARED_CREDENTIALS_FILE": "access keys of Amazon",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "a token for Amazon",
    "AZURE_CONFIG_DIR": "a login to Azure",
    "KUBECONFIG": "a login to a cluster",
    "NETRC": "passwords",
    "REGISTRY_AUTH_FILE": "logins to registries",
    "RUNNER_TEMP": "files of the runner itself",
}


def private_paths(env: Mapping[str, str], workspace: Path) -> dict[Path, str]:
    """Absolute paths that must not enter an image, and what each holds."""
    named = {
        workspace / env[name]: holds
        for name, holds in _CREDENTIAL_VARIABLES.items()
        if env.get(name)
    }
    config = docker_config(env, workspace)
    docker_files = {config / "config.json": "the login of docker"}
    # The folder as well, with docker's state, unless it is the checkout itself.
    if not workspace.is_relative_to(config):
        docker_files[config] = "the login of docker"
    return {**named, **docker_files}
