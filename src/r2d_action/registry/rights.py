"""What somebody may do with a repository, found out without leaving a trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from r2d_action.errors import PublishFailed
from r2d_action.reference import Repository
from r2d_action.registry.client import Client
from r2d_action.registry.explanation import explaining
from r2d_action.registry.keychain import Keychain
from r2d_action.registry.providers import provider_of
from r2d_action.registry.refusal import RegistryError
from r2d_action.retry import Temporary


@dataclass(frozen=True, slots=True)
class Right:
    """``why`` is a sentence where it is denied, with the remedy, or where there is more to say."""

    granted: bool
    why: str = ""

    def __str__(self) -> str:
        return f"{'yes' if self.granted else 'no'}{': ' if self.why else ''}{self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """``login`` says where the credential was found, never what it holds."""

    repository: Repository
    provider: str
    login: str
    pull: Right
    push: Right
    public: Right

    def lines(self) -> Iterator[str]:
        """One screen for people."""
        yield f"repository  {self.repository}, at {self.provider}"
        yield f"login       {self.login}"
        yield f"pull        {self.pull}"
        yield f"push        {self.push}"
        yield f"public      {self.public}"


def rights(repository: Repository, keychain: Keychain, nobody: Client) -> Rights:
    """``nobody`` is a client without a credential. Raises :class:`LoginFailed` when no login can
    be had at all."""
    registry = repository.registry
    client = keychain.client(registry)
    credential = client.credential
    provider = provider_of(registry)
    tags = cache(lambda: client.tags(repository))
    return Rights(
        repository=repository,
        provider=provider.name,
        login=credential.source if credential else "none",
        pull=_asked(client, repository, lambda: _listed(tags())),
        push=_asked(client, repository, lambda: _pushing(client, repository)),
        public=_public(repository, tags, nobody),
    )


def _asked(client: Client, repository: Repository, question: Callable[[], Right]) -> Right:
    try:
        with explaining(client, repository):
            return question()
    except PublishFailed as error:
        return Right(granted=False, why=str(error))


def _listed(tags: tuple[str, ...]) -> Right:
    if not tags:
        return Right(granted=True, why="there is no image in it yet")
    return Right(granted=True, why=f"it has {len(tags)} tag{'s' if len(tags) > 1 else ''}")


def _pushing(client: Client, repository: Repository) -> Right:
    client.require_push(repository)
    return Right(granted=True)


def _public(repository: Repository, tags: Callable[[], tuple[str, ...]], nobody: Client) -> Right:
    """Some registries show their list of tags to nobody, and their images to everybody."""
    try:
        tag = next(iter(tags()), "latest")
        if nobody.digest(repository, tag):
            return Right(granted=True)
    except Temporary as trouble:
        return Right(granted=False, why=str(trouble))
    except RegistryError as error:
        if not error.is_denial:
            return Right(granted=False, why=str(error))
    return Right(granted=False, why=provider_of(repository.registry).make_public(repository))
