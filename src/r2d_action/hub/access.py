"""How a run gets at a hub repository: with a token, or with one that it makes as a GitHub App,
for that repository alone and for an hour.

https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any

import requests
from github import Auth, Github, GithubException
from jwt.exceptions import PyJWTError

from r2d_action.errors import HubFailed, InputError
from r2d_action.event import api_url
from r2d_action.hub.github import HubRepository, connect
from r2d_action.retry import Retry
from r2d_action.runner import Runner

# Secondary rate limits ask for a minute or a few; nobody pays a runner to wait for an hour.
LONGEST_WAIT_SECONDS = 300.0
_NAME = re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+")
# All that a proposal needs, in the one repository that it is for.
PERMISSIONS = {"contents": "write", "pull_requests": "write"}


@dataclass(frozen=True, slots=True)
class App:
    """``private_key`` is a PEM text; one whose line ends were written as ``\\n`` will do."""

    id: str
    private_key: str = field(repr=False)

    def auth(self) -> Auth.AppAuth:
        """Raises :class:`InputError` for a key that cannot sign."""
        auth = Auth.AppAuth(self.id, self.private_key.replace("\\n", "\n"))
        try:
            auth.create_jwt()
        except (PyJWTError, ValueError, TypeError):
            # Whatever the library says may quote the key.
            raise InputError(
                "HUB_APP_PRIVATE_KEY is not a private key that can sign; store the whole content "
                "of the .pem file that GitHub gave you for the App, first and last line included."
            ) from None
        return auth


@dataclass(frozen=True, slots=True)
class Surroundings:
    """``certificates`` is a file of authorities to trust in place of the usual ones, ``mask``
    learns secrets that come up, ``clock`` tells seconds since 1970."""

    api_url: str
    certificates: str | None
    mask: Callable[[str], None]
    retry: Retry
    clock: Callable[[], float]

    @classmethod
    def of(cls, runner: Runner, env: Mapping[str, str]) -> Surroundings:
        return cls(
            api_url=api_url(env),
            certificates=env.get("SSL_CERT_FILE") or None,
            mask=runner.mask,
            retry=Retry(time.sleep, runner.say, longest_wait=LONGEST_WAIT_SECONDS),
            clock=time.time,
        )


@contextmanager
def hub_repository(
    name: str, key: str | App, surroundings: Surroundings
) -> Iterator[HubRepository]:
    """``key`` is a token as it is, or the App that makes one.

    Raises :class:`InputError` for a name or an App's key, :class:`HubFailed` for what GitHub
    refuses.
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            f"HUB_REPO: {name!r} is not the name of a repository; write owner and name alone, for "
            "example `HUB_REPO: my-org/hub-config`."
        )
    connected = partial(connect, api_url=surroundings.api_url, verify=surroundings.certificates)
    if isinstance(key, App):
        key = _installation_token(key, name, connected)
        surroundings.mask(key)
    with connected(Auth.Token(key)) as github, requests.Session() as downloads:
        downloads.verify = surroundings.certificates or True
        yield HubRepository(name, github, downloads, surroundings.retry, surroundings.clock)


def _installation_token(app: App, repository: str, connected: Callable[[Auth.Auth], Github]) -> str:
    """A token for ``repository`` alone with :data:`PERMISSIONS`."""
    with connected(app.auth()) as github:
        requester = github.requester
        try:
            _, found = requester.requestJsonAndCheck("GET", f"/repos/{repository}/installation")
            _, made = requester.requestJsonAndCheck(
                "POST",
                f"/app/installations/{found['id']}/access_tokens",
                input={"repositories": [repository.partition("/")[2]], "permissions": PERMISSIONS},
            )
        except GithubException as error:
            raise _refused(error, app, repository) from None
    return str(made["token"])


def _refused(error: GithubException, app: App, repository: str) -> HubFailed:
    said = _said(error)
    if error.status == HTTPStatus.UNAUTHORIZED:
        return HubFailed(
            f"GitHub does not accept the App's key ({said}); check that HUB_APP_ID ({app.id}) and "
            "HUB_APP_PRIVATE_KEY belong to the same App, that the key was not deleted there, and "
            "that this machine's clock is right."
        )
    if error.status == HTTPStatus.NOT_FOUND:
        return HubFailed(
            f"The GitHub App {app.id} is not installed on {repository}; install it there "
            "(the App's settings, Install App), or correct HUB_REPO."
        )
    if error.status == HTTPStatus.UNPROCESSABLE_ENTITY:
        return HubFailed(
            f"The GitHub App {app.id} lacks permissions on {repository} ({said}); give it "
            "“Contents: write” and “Pull requests: write” in its settings under Permissions & "
            "events, and let an owner of the repository accept the change."
        )
    return HubFailed(
        f"GitHub gave no token for {repository} ({error.status}: {said}); run the job "
        "again, and see https://www.githubstatus.com if it stays so."
    )


def _said(error: GithubException) -> str:
    data: Any = error.data
    message = data.get("message") if isinstance(data, dict) else None
    return str(message or "no reason given").rstrip(".")
