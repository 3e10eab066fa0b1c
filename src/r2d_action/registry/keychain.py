"""As whom we speak to a registry."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from r2d_action.errors import LoginFailed
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
    One that fails is not tried again.

    ``own`` is the registry that user and password of the inputs are for; no other one gets to
    see them. ``docker_config`` is the folder of docker's config.json.
    """

    own: Registry
    means: Means
    docker_config: Path
    _logins: dict[Registry, Login] = field(default_factory=dict, repr=False)
    _failed: dict[Registry, LoginFailed] = field(default_factory=dict, repr=False)
    _clients: dict[tuple[Registry, bool], Client] = field(default_factory=dict, repr=False)

    def client(self, registry: Registry, retry: Retry | None = None) -> Client:
        """For what cannot do without the login, such as a push: it raises :class:`LoginFailed`
        when it is first asked for one."""
        return self._client(registry, self._login(registry), retry)

    def reader(self, registry: Registry, retry: Retry | None = None) -> Client:
        """For what can do without: as :meth:`login` says."""
        return self._client(registry, self.login(registry), retry)

    def login(self, registry: Registry) -> Login:
        """Ours, or nobody's where none can be had, which is said once: a pull request from a fork
        has no identity to log in with, and has to be built all the same."""
        login, is_news = self._login(registry), registry not in self._failed
        try:
            login.credential()
        except LoginFailed as failed:
            if is_news:
                # What could be done about it comes after the semicolon, and need not be done.
                reason = failed.what.partition("; ")[0].rstrip(".")
                self.means.say(f"{registry} is asked without a login: {reason}.")
            return Login.of(None)
        return login

    def means_for(self, registry: Registry) -> Means:
        if registry == self.own:
            return self.means
        inputs = replace(self.means.inputs, docker_username="", docker_password="")
        return replace(self.means, inputs=inputs)

    def _client(self, registry: Registry, login: Login, retry: Retry | None) -> Client:
        """All clients of one user share what they know: a registry is asked for a token once."""
        made = Client(self.means.session, registry, login, self.means.retry)
        client = self._clients.setdefault((registry, login is self._login(registry)), made)
        return replace(client, retry=retry or client.retry)

    def _login(self, registry: Registry) -> Login:
        return self._logins.setdefault(registry, Login(partial(self._credential, registry)))

    def _credential(self, registry: Registry) -> Credential | None:
        if failed := self._failed.get(registry):
            raise failed
        try:
            credential = self._found(registry)
        except LoginFailed as failure:
            self._failed[registry] = failure
            raise
        if credential:
            # What an earlier step left is known to docker, and not yet to the runner.
            for secret in filter(None, (credential.password, credential.identity_token)):
                self.means.mask(secret)
        return credential

    def _found(self, registry: Registry) -> Credential | None:
        """What the registry's provider makes of the inputs, else what an earlier step left on the
        runner, else nobody."""
        means, logins = self.means_for(registry), DockerLogins(self.docker_config / "config.json")
        try:
            found = provider_of(registry).login(registry, means)
        except LoginFailed as failed:
            # The cloud's variables may be there for something else than images.
            left = logins.credential(registry)
            if left is None:
                raise
            means.say(f"{failed.what} So {left.source} is used.")
            return left
        return found or logins.credential(registry)
