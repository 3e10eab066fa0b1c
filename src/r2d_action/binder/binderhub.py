"""Have a BinderHub build a repository before its first visitor comes.

https://binderhub.readthedocs.io/en/latest/api.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from urllib.parse import quote, urlsplit

import requests

from r2d_action import __version__
from r2d_action.addresses import is_loopback, same_origin
from r2d_action.authorization import as_it_is
from r2d_action.binder.build_stream import (
    LONGEST_WAIT,
    Hearing,
    Refused,
    WouldLaunch,
    events_in,
    require_stream,
)
from r2d_action.errors import BinderFailed, InputError
from r2d_action.retry import Retry, Temporary

CONNECT_TIMEOUT = 20.0
# BinderHub breaks every silence after 25 seconds.
SILENCE_TIMEOUT = 60.0
MAX_REDIRECTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class BinderHub:
    """``url`` is where `/build` begins, without a slash at its end; ``token`` one of the
    JupyterHub that the BinderHub belongs to, empty where anybody may ask.

    With ``build_only`` it is asked to start no server, which it must allow. A build is followed
    for ``time_limit`` seconds, and goes on without us; ``tries`` is how often we connect.
    """

    name: str
    url: str
    token: str = field(default="", repr=False)
    build_only: bool = True
    time_limit: float = 3600.0
    tries: int = 5

    @classmethod
    def at(cls, url: str, token: str = "") -> BinderHub:
        """The one at BINDERHUB_URL. Raises :class:`InputError`."""
        address = url.rstrip("/")
        host = _host(url)
        if "@" in host:
            raise InputError(
                "BINDERHUB_URL holds a user name or a password before the `@`; remove it, and give "
                "the hub's token to BINDERHUB_TOKEN."
            )
        if token and address.startswith("http:") and not is_loopback(address):
            raise InputError(
                f"BINDERHUB_URL: {url!r} would carry the token through the network for everybody "
                "to read; write it with `https://`."
            )
        return cls(name=host, url=address, token=token)


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InputError(
            f"BINDERHUB_URL: {url!r} is not the address of a BinderHub; write for example "
            "`BINDERHUB_URL: https://hub.example.org/services/binder`."
        )
    return parts.netloc


class PrebuildFailed(BinderFailed):
    title = "BinderHub has no image of the repository"


class TriggerOutcome(str, Enum):
    BUILT = "built"
    UNFINISHED = "unfinished"
    FAILED = "failed"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Triggered:
    """What came of it. ``last_lines`` are the end of the build's log, oldest first.

    ``phase`` is the last one that BinderHub named, ``image`` empty unless it told; ``found`` says
    that it had the image already. ``launch_url`` is empty where nothing can be launched by link.
    """

    outcome: TriggerOutcome
    launch_url: str
    note: str
    phase: str = ""
    image: str = ""
    last_lines: tuple[str, ...] = ()
    found: bool = False


@dataclass(frozen=True, slots=True)
class BinderSource:
    """What BinderHub builds: ``repository`` is ``owner/name`` at GitHub."""

    repository: str
    ref: str

    @property
    def path(self) -> str:
        """As links to BinderHub have it: a branch by its short name, its slashes kept.

        mybinder.org chooses one of its clusters by this text, and an image built in
        another one than the visitors' would be of no use to them.
        """
        return f"gh/{quote(self.repository)}/{quote(self.short_ref)}"

    @property
    def short_ref(self) -> str:
        return self.ref.removeprefix("refs/heads/").removeprefix("refs/tags/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prebuild:
    """One request for a build, and the means to follow it."""

    hub: BinderHub
    source: BinderSource
    session: requests.Session
    say: Callable[[str], None]
    sleep: Callable[[float], None]
    clock: Callable[[], float]

    def __call__(self) -> Triggered:
        """Trouble is told in the result, never raised."""
        hearing, reason = Hearing(self.say), ""
        try:
            outcome = self._outcome(hearing)
        except (Temporary, Refused) as trouble:
            outcome, reason = TriggerOutcome.UNREACHABLE, _reason(trouble, self.hub)
        # One that only builds has no pages; another would have said `built` before it launched.
        has_pages = not self.hub.build_only or hearing.phase == "built"
        return Triggered(
            outcome=outcome,
            launch_url=f"{self.hub.url}/v2/{self.source.path}" if has_pages else "",
            note=_note(self.hub, outcome, reason or hearing.last_line, found=hearing.found),
            phase=hearing.phase,
            image=hearing.image,
            last_lines=tuple(hearing.lines),
            found=hearing.found and outcome is TriggerOutcome.BUILT,
        )

    def _outcome(self, hearing: Hearing) -> TriggerOutcome:
        if self.hub.build_only:
            try:
                return self._followed(hearing, "?build_only=true")
            except WouldLaunch:
                self.say(_LAUNCHES)
        return self._followed(hearing, "")

    def _followed(self, hearing: Hearing, query: str) -> TriggerOutcome:
        hub = self.hub
        url = f"{hub.url}/build/{self.source.path}{query}"
        deadline = self.clock() + hub.time_limit
        retry = Retry(
            self.sleep, self.say, tries=hub.tries, first_wait=10.0, longest_wait=LONGEST_WAIT
        )
        return retry(hub.name, lambda: self._followed_once(url, hearing, deadline))

    def _followed_once(self, url: str, hearing: Hearing, deadline: float) -> TriggerOutcome:
        """How the build ended, as far as one connection tells. Raises Temporary and Refused."""
        try:
            with self._open(url) as answer:
                require_stream(answer)
                for event in events_in(self._until(deadline, answer.iter_lines())):
                    hearing.hear(event)
                    if hearing.has_failed:
                        return TriggerOutcome.FAILED
                    if hearing.is_built:
                        return TriggerOutcome.BUILT
        except requests.RequestException as trouble:
            raise Temporary(f"the connection failed ({type(trouble).__name__})") from trouble
        except TimeoutError:
            return TriggerOutcome.UNFINISHED
        raise Temporary("the connection ended before the build did")

    def _open(self, url: str) -> requests.Response:
        """The answer at the end of the redirects: mybinder.org hands over to a cluster."""
        for _ in range(MAX_REDIRECTS):
            answer = self.session.get(
                url,
                headers=self._headers(url),
                auth=as_it_is,
                stream=True,
                timeout=(CONNECT_TIMEOUT, SILENCE_TIMEOUT),
                allow_redirects=False,
            )
            target = self.session.get_redirect_target(answer)
            if not target:
                return answer
            answer.close()
            url = requests.compat.urljoin(url, target)
        raise Refused("it sent us from one address to the next without end")

    def _headers(self, url: str) -> dict[str, str]:
        headers = {
            "Accept": "text/event-stream",
            # What is compressed arrives in lumps.
            "Accept-Encoding": "identity",
            "User-Agent": f"r2d-action/{__version__}",
        }
        # The token is for this hub, and for nobody that it sends us to.
        if self.hub.token and same_origin(url, self.hub.url):
            headers["Authorization"] = f"token {self.hub.token}"
        return headers

    def _until(self, deadline: float, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Raises ``TimeoutError`` at the first line after the deadline."""
        for line in lines:
            if self.clock() > deadline:
                raise TimeoutError
            yield line


# Words --------------------------------------------------------------------------------------

_LAUNCHES = (
    "This BinderHub does not only build (`enable_api_only_mode` is off): it also starts a server, "
    "which the hub stops again when nobody uses it."
)


def _reason(trouble: Exception, hub: BinderHub) -> str:
    status = trouble.status if isinstance(trouble, Refused) else 0
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        remedy = (
            "the hub does not know the token of BINDERHUB_TOKEN, or its role has no access to the "
            "service (`access:services`)"
            if hub.token
            else "it wants a token of its JupyterHub, which goes into BINDERHUB_TOKEN"
        )
        return f"{trouble}: {remedy}"
    # A JupyterHub sends whom it has no service for to its own page.
    if status in {HTTPStatus.OK, HTTPStatus.NOT_FOUND}:
        return f"{trouble}: there is no BinderHub at {hub.url}"
    return str(trouble)


def _note(hub: BinderHub, outcome: TriggerOutcome, reason: str, *, found: bool) -> str:
    return {
        TriggerOutcome.BUILT: (
            f"{hub.name} had the image already." if found else f"{hub.name} has the image ready."
        ),
        TriggerOutcome.UNFINISHED: (
            f"{hub.name} is still building after {hub.time_limit / 60:.0f} minutes, and goes on "
            "by itself."
        ),
        TriggerOutcome.FAILED: (
            f"{hub.name} could not build the repository: {reason or 'it gave no reason'}"
        ),
        TriggerOutcome.UNREACHABLE: (
            f"{hub.name} could not be asked for a build: {reason}. It will build when the first "
            "visitor comes."
        ),
    }[outcome]
