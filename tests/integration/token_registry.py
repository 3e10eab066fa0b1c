"""A real registry as one of the internet's, with a token server of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests

from fakes.elsewhere import Elsewhere
from integration.registries import Image, image, noise, push
from lab.registry import RunningRegistry, start_registry
from lab.token_server import token_server
from r2d_action.reference import Repository
from r2d_action.registry.auth import Credential
from r2d_action.registry.client import Client
from r2d_action.registry.login import Login
from r2d_action.retry import Retry

# The password of a user that is right at this moment, if any is.
Password = Callable[[str], str | None]


class Passwords(dict[str, str]):
    """Where a cloud says which one is right."""

    def __init__(self, right: Password) -> None:
        super().__init__()
        self.right = right

    def get(self, user: str, default: str | None = None) -> str | None:  # type: ignore[override]
        return self.right(user) or default


@dataclass(frozen=True)
class TokenRegistry:
    """``host`` is what it is called, ``session`` the one that finds it."""

    session: requests.Session
    registry: RunningRegistry

    def push(
        self,
        repository: Repository,
        renew: Callable[[], Credential | None],
        clock: Callable[[], float] = time.time,
    ) -> Image:
        """An image of one layer, as ``v1``; what the registry has then is looked at."""
        client = self.client(repository, renew, clock)
        client.require_push(repository)
        pushed = image(noise(50_000))
        push(client, repository, pushed, "v1")
        assert client.digest(repository, "v1") == pushed.manifest.digest
        assert len(self.registry.uploads()) == len(pushed.blobs)
        return pushed

    def client(
        self,
        repository: Repository,
        renew: Callable[[], Credential | None],
        clock: Callable[[], float] = time.time,
    ) -> Client:
        retry = Retry(lambda _seconds: None, lambda _text: None, tries=2)
        return Client(self.session, repository.registry, Login(renew, clock), retry)


@contextmanager
def token_registry(
    folder: Path, session: requests.Session, host: str, realm: str, users: Mapping[str, str]
) -> Iterator[TokenRegistry]:
    """``realm`` is the address of its token server, as it has it on the internet."""
    with token_server(folder, {}) as tokens:
        tokens.users = users if isinstance(users, dict) else dict(users)
        registry = start_registry(folder / "registry", token=tokens.settings(realm))
        session.mount(f"https://{host}/v2/", Elsewhere(host, registry.host))
        session.mount(realm, Elsewhere(urlsplit(realm).netloc, tokens.host))
        try:
            yield TokenRegistry(session, registry)
        finally:
            registry.stop()
