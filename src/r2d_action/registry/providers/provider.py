"""What differs between registries beside the protocol that they share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import requests

from r2d_action.inputs import Inputs
from r2d_action.reference import Registry, Repository
from r2d_action.registry.auth import Credential
from r2d_action.registry.client import RegistryError
from r2d_action.retry import Retry


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a provider works with. ``env`` is the environment of the run without our inputs;
    ``mask`` is told each secret where it is born, before anything else is done with it;
    ``extra`` makes the libraries of one cloud importable (``"google"``), which a plain
    installation does not have."""

    inputs: Inputs
    env: Mapping[str, str]
    session: requests.Session
    mask: Callable[[str], None]
    say: Callable[[str], None]
    retry: Retry
    extra: Callable[[str], None]


def _nothing_to_prepare(_repository: Repository, _means: Means) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One operator of registries.

    ``login`` exchanges what the inputs or the cloud's own variables hold for a credential; None
    when they hold nothing for this provider. It sees the inputs before anybody else, since it
    knows one that is only the key to a login (AWS's access keys) from a login. ``prepare`` makes
    the repository ready to be pushed to (creates it where that is allowed) and says what it did.
    ``explain`` tells in one sentence, with the remedy, what a refusal usually means here;
    ``make_public`` which setting lets everybody pull. Both are empty where they know nothing
    better than the general words. ``login`` and ``prepare`` raise :class:`LoginFailed`.
    """

    name: str
    serves: Callable[[Registry], bool]
    login: Callable[[Registry, Means], Credential | None]
    explain: Callable[[RegistryError, Repository], str]
    make_public: Callable[[Repository], str]
    prepare: Callable[[Repository, Means], None] = _nothing_to_prepare
