"""What somebody may do with a repository, found out without leaving a trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus

from r2d_action.errors import PublishFailed
from r2d_action.reference import Repository
from r2d_action.registry.client import Client
from r2d_action.registry.explanation import explained, unreachable
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
    return Rights(
        repository=repository,
        provider=provider.name,
        login=credential.source if credential else "none",
        pull=_asked(client, repository, lambda: _listed(client, repository)),
        push=_asked(client, repository, lambda: _pushing(client, repository)),
        public=_public(repository, client, nobody),
    )


def _asked(client: Client, repository: Repository, question: Callable[[], Right]) -> Right:
    try:
        return question()
    except RegistryError as error:
        return Right(granted=False, why=str(explained(error, repository)))
    except Temporary as trouble:
        return Right(granted=False, why=str(unreachable(trouble, client, repository)))
    except PublishFailed as error:
        return Right(granted=False, why=str(error))


def _listed(client: Client, repository: Repository) -> Right:
    tags = client.tags(repository)
    if not tags:
        return Right(granted=True, why="there is no image in it yet")
    return Right(granted=True, why=f"it has {len(tags)} tag{'s' if len(tags) > 1 else ''}")


def _pushing(client: Client, repository: Repository) -> Right:
    client.require_push(repository)
    return Right(granted=True)


def _public(repository: Repository, client: Client, nobody: Client) -> Right:
    """Some registries show their list of tags to nobody, and their images to everybody."""
    try:
        tag = next(iter(client.tags(repository)), "latest")
        if nobody.digest(repository, tag):
            return Right(granted=True)
    except (RegistryError, Temporary) as error:
        if getattr(error, "status", None) not in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return Right(granted=False, why=str(error))
    return Right(granted=False, why=provider_of(repository.registry).make_public(repository))
