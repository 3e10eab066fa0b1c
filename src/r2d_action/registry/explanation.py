"""What a registry's refusal means to the person who has to mend it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from r2d_action.errors import LoginFailed, PublishFailed
from r2d_action.reference import Repository
from r2d_action.registry.client import Client
from r2d_action.registry.providers import provider_of
from r2d_action.registry.refusal import RegistryError
from r2d_action.retry import Temporary


def explained(
    error: RegistryError, repository: Repository, *, forgotten: str = ""
) -> PublishFailed:
    """Its operator knows best what it means; nobody else's words are as exact. ``forgotten``
    is the half of the login that is empty: no operator can know that."""
    said = f"{error.status or ''} {error.code} {error.message}".strip()
    advice = provider_of(repository.registry).explain(error, repository)
    if error.is_denial:
        advice = _FORGOTTEN.get(forgotten) or advice or _GENERAL_ADVICE
        if repository.path.startswith(f"{_EXAMPLE_OWNER}/"):
            advice = f"{_EXAMPLE_ADVICE} {advice}"
        return LoginFailed(
            f"{repository.registry} does not let this run push to {repository}: {advice} "
            f"It said: {said}"
        )
    if advice:
        return PublishFailed(f"{error.host} refused {repository}: {advice} It said: {said}")
    return PublishFailed(
        f"{error.host} refused a request for {repository}: {said}; run it again, and ask the "
        "registry's operator if it stays so."
    )


_EXAMPLE_OWNER = "my-community"
_EXAMPLE_ADVICE = (
    f"`{_EXAMPLE_OWNER}` is the name in our examples: if it is not yours, write the name of your "
    "organization or account there in its place, in IMAGE_NAME and in DOCKER_USERNAME."
)
_FORGOTTEN = {
    "DOCKER_PASSWORD": (
        "DOCKER_USERNAME is given and DOCKER_PASSWORD is empty, as it is when the secret does not "
        "exist that the workflow hands over as DOCKER_PASSWORD: in this repository on GitHub, open "
        "Settings > Secrets and variables > Actions, and add a secret of exactly that name."
    ),
    "DOCKER_USERNAME": (
        "DOCKER_PASSWORD is given and DOCKER_USERNAME is empty, so that there is no login: write "
        "the account there, and if the workflow takes it from a secret or a variable, see under "
        "Settings > Secrets and variables > Actions that one of exactly that name exists."
    ),
}
_GENERAL_ADVICE = (
    "check that DOCKER_USERNAME and DOCKER_PASSWORD are set from secrets that exist, that the "
    "repository exists, and that the account may write to it."
)


@contextmanager
def explaining(client: Client, repository: Repository) -> Iterator[None]:
    """What a registry refuses or does not answer within is raised as :class:`PublishFailed`."""
    try:
        yield
    except RegistryError as error:
        raise explained(error, repository) from error
    except Temporary as trouble:
        raise unreachable(trouble, client, repository) from trouble


def unreachable(trouble: Temporary, client: Client, repository: Repository) -> PublishFailed:
    return PublishFailed(
        f"{client.registry} could not be reached: {trouble.reason}, {client.retry.tries} times in "
        f"a row; run the job again later. {_limits(trouble, repository)}".strip()
    )


def _limits(trouble: Temporary, repository: Repository) -> str:
    if not re.search(r"\b429\b|too many requests", trouble.reason, re.IGNORECASE):
        return ""
    host = repository.registry.host
    error = RegistryError(host, HTTPStatus.TOO_MANY_REQUESTS, "", trouble.reason)
    return provider_of(repository.registry).explain(error, repository)
