"""As whom we speak to a registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from r2d_action.errors import LoginFailed
from r2d_action.inputs import Inputs
from r2d_action.reference import Registry
from r2d_action.registry.auth import Credential
from r2d_action.registry.client import Client
from r2d_action.registry.docker_logins import DockerLogins
from r2d_action.registry.login import Login
from r2d_action.registry.providers import provider_of
from r2d_action.registry.providers.provider import Means
from r2d_action.retry import Retry


@dataclass(frozen=True, slots=True)
class Keychain:
    """The logins of a run, by registry: an identity is exchanged once, and again when it ends.

    ``own`` is the registry that user and password of the inputs are for; no other one gets to
    see them. ``docker_config`` is the folder of docker's config.json.
    """

    own: Registry
    means: Means
    docker_config: Path
    _logins: dict[Registry, Login] = field(default_factory=dict, repr=False)

    def client(self, registry: Registry, retry: Retry | None = None) -> Client:
        return Client(self.means.session, registry, self.login(registry), retry or self.means.retry)

    def login(self, registry: Registry) -> Login:
        login = Login(lambda: self._credential(registry))
        return self._logins.setdefault(registry, login)

    def means_for(self, registry: Registry) -> Means:
        if registry == self.own:
            return self.means
        inputs = replace(self.means.inputs, docker_username="", docker_password="")
        return replace(self.means, inputs=inputs)

    def _credential(self, registry: Registry) -> Credential | None:
        credential = self._found(registry)
        if credential:
            # What an earlier step left is known to docker, and not yet to the runner.
            for secret in filter(None, (credential.password, credential.identity_token)):
                self.means.mask(secret)
        return credential

    def _found(self, registry: Registry) -> Credential | None:
        means, provider = self.means_for(registry), provider_of(registry)
        try:
            return credential_for(
                registry, means.inputs, self.docker_config, lambda: provider.login(registry, means)
            )
        except LoginFailed as failed:
            # The cloud's variables may be there for something else than images.
            left = DockerLogins(self.docker_config / "config.json").credential(registry)
            if left is None:
                raise
            means.say(f"{failed.what} So {left.source} is used.")
            return left


def _no_login() -> Credential | None:
    return None


def credential_for(
    registry: Registry,
    inputs: Inputs,
    docker_config: Path,
    provider_login: Callable[[], Credential | None] = _no_login,
) -> Credential | None:
    """What the inputs say, else what the registry's provider finds, else what an earlier step
    left on the runner, else None: nobody. ``docker_config`` is the folder of docker's config.json.

    The provider has the first word, since it knows an input that is only the key to a login
    (AWS's access keys) from a login. Raises :class:`LoginFailed`.
    """
    return (
        provider_login()
        or _of_the_inputs(inputs)
        or DockerLogins(docker_config / "config.json").credential(registry)
    )


def _of_the_inputs(inputs: Inputs) -> Credential | None:
    if not inputs.docker_username or not inputs.docker_password:
        return None
    source = "DOCKER_USERNAME and DOCKER_PASSWORD"
    return Credential(inputs.docker_username, inputs.docker_password, source)
