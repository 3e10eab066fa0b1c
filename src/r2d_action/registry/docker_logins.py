"""The logins that docker has on this machine: in its configuration, or behind the credential
helpers that it names.

https://docs.docker.com/reference/cli/docker/login/#credential-stores
"""

from __future__ import annotations

import base64
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker.auth import INDEX_URL
from docker.credentials import CredentialsNotFound, Store, StoreError

from r2d_action.errors import LoginFailed
from r2d_action.reference import DOCKER_HUB_HOSTS, Registry
from r2d_action.registry.auth import Credential
from r2d_action.registry.refusal import printable

# The user name under which helpers hand out an identity token.
TOKEN_USER = "<token>"  # noqa: S105
# Keys are hosts, or addresses as in the times of the first version of the API.
VERSIONS = frozenset({"", "v1", "v2"})


@dataclass(frozen=True, slots=True)
class DockerLogins:
    """``file`` is docker's config.json; a missing or broken one holds no logins."""

    file: Path

    def credential(self, registry: Registry) -> Credential | None:
        """Raises :class:`LoginFailed` when the helper for ``registry`` does not work."""
        helper = self._helper(registry)
        found = self._asked(helper, registry) if helper else None
        return found or self.written().get(name_of(registry))

    def written(self) -> Mapping[str, Credential]:
        """Those in the file itself, by the name of the registry."""
        source = f"the login in {self.file}"
        entries = ((_name(key), entry) for key, entry in self._section("auths").items())
        found = ((name, _read(entry, source)) for name, entry in entries if name)
        return {name: credential for name, credential in found if credential}

    def _helper(self, registry: Registry) -> str:
        """As docker does, the helper of this registry before the one for all of them."""
        own = {_name(key): helper for key, helper in self._section("credHelpers").items()}
        helper = own.get(name_of(registry)) or self.content().get("credsStore")
        return helper if isinstance(helper, str) else ""

    def _asked(self, helper: str, registry: Registry) -> Credential | None:
        try:
            with warnings.catch_warnings():
                # Of a helper that is missing; the error that follows says the same.
                warnings.simplefilter("ignore")
                name = INDEX_URL if registry.is_docker_hub else registry.host
                found = Store(helper).get(name)  # type: ignore[no-untyped-call]
            user, secret = found["Username"], found["Secret"]
        except CredentialsNotFound:
            return None
        except (StoreError, ValueError, LookupError, TypeError) as error:
            raise LoginFailed(
                f"The credential helper docker-credential-{helper}, which {self.file} names for "
                f"{registry}, does not work: {printable(str(error))}; install it in an earlier "
                "step, or set DOCKER_USERNAME and DOCKER_PASSWORD."
            ) from None
        return _credential(user, secret, f"docker-credential-{helper}, named in {self.file}")

    def _section(self, name: str) -> Mapping[str, Any]:
        section = self.content().get(name)
        return section if isinstance(section, dict) else {}

    def content(self) -> Mapping[str, Any]:
        """All that is written there, settings too."""
        try:
            content = json.loads(self.file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}


def name_of(registry: Registry) -> str:
    """One name for the many that Docker Hub has."""
    return "docker.io" if registry.is_docker_hub else registry.host.lower()


def _name(key: str) -> str:
    """Of the registry that a key stands for; empty when it is for a part of one only."""
    host, _, path = key.partition("://")[2].partition("/") if "://" in key else key.partition("/")
    if path.strip("/") not in VERSIONS:
        return ""
    return "docker.io" if host in DOCKER_HUB_HOSTS else host.lower()


def _read(entry: Any, source: str) -> Credential | None:
    """An entry of ``auths``; empty ones stand beside a helper that holds the rest."""
    if not isinstance(entry, dict):
        return None
    user, password = entry.get("username") or "", entry.get("password") or ""
    if entry.get("auth"):
        user, password = _decoded(entry["auth"])
    if token := entry.get("identitytoken"):
        return Credential("", "", source, identity_token=token)
    return Credential(user, password, source) if user and password else None


def _decoded(auth: str) -> tuple[str, str]:
    try:
        user, _, password = base64.b64decode(auth).decode().partition(":")
    except ValueError:
        return "", ""
    return user, password.rstrip("\0")


def _credential(user: str, secret: str, source: str) -> Credential:
    if user == TOKEN_USER:
        return Credential("", "", source, identity_token=secret)
    return Credential(user, secret, source)
