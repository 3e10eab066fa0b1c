"""Who may do what: the handshake with a registry and its token server, request by request."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from http import HTTPStatus

import requests

from r2d_action.addresses import host_in, is_loopback, same_origin
from r2d_action.registry import transport
from r2d_action.registry.auth import (
    Challenge,
    Credential,
    Scope,
    Token,
    TokenRequest,
    basic_authorization,
    opened,
    scopes_in,
    token_in,
    token_request,
    way_in,
)
from r2d_action.registry.login import Login
from r2d_action.registry.refusal import RegistryError, refusal
from r2d_action.registry.transport import Request, accepted, expects_tls, json_in
from r2d_action.retry import Temporary

# How token servers refuse a credential: OAuth's say that the grant is a bad one.
CREDENTIAL_REFUSED = frozenset({400, 401, 403})


@dataclass(slots=True)
class Known:
    """What a registry has told of itself so far, and the tokens that it gave. ``tls`` is for
    registries on this machine: the others are not spoken to without."""

    tls: bool = False
    challenge: Challenge | None = None
    tokens: dict[tuple[Scope, ...], Token] = field(default_factory=dict, repr=False)
    # All that was ever shown to it, and so must not be believed to be harmless in what it says.
    secrets: set[str] = field(default_factory=set, repr=False)

    def token(self, scopes: tuple[Scope, ...], now: float) -> Token | None:
        """One that opens all of ``scopes``, and maybe more."""
        found = (token for held, token in self.tokens.items() if opened(scopes, by=held))
        return next((token for token in found if now < token.until), None)


@dataclass(frozen=True, slots=True)
class Access:
    """Requests to one registry, introduced as far as it wants to know us.

    The number of requests behind one is bounded: two tries, each with a new token, and two more
    with a renewed credential.
    """

    session: requests.Session
    host: str
    login: Login
    known: Known

    @property
    def base(self) -> str:
        plain = is_loopback(f"//{self.host}") and not self.known.tls
        return f"{'http' if plain else 'https'}://{self.host}"

    def send(self, request: Request, *scopes: Scope) -> requests.Response:
        """Raises :class:`RegistryError` when it takes us for nobody it lets in, and what
        :func:`transport.send` raises."""
        if not same_origin(self._at_home(request).url, self.base):
            # Uploads may be sent on to another host, which is not to know us.
            return transport.send(self.session, request)
        if self.known.challenge is None:
            answer = self._first(request)
            if answer.status_code != HTTPStatus.UNAUTHORIZED:
                return answer
            self._learn(answer)
        return self._introduced(request, scopes)

    def _first(self, request: Request) -> requests.Response:
        """Nothing of us is in a first request, so that it may go out in the open."""
        answer = self._exchanged(request)
        if not expects_tls(request, answer):
            return answer
        self.known.tls = True
        return self._exchanged(request)

    def _exchanged(self, request: Request) -> requests.Response:
        return transport.send(self.session, self._at_home(request))

    def _at_home(self, request: Request) -> Request:
        """The request as the registry wants it, which was not known yet when it was made."""
        plain = f"http://{self.host}/"
        if not self.known.tls or not request.url.startswith(plain):
            return request
        return replace(request, url=f"https://{self.host}/{request.url.removeprefix(plain)}")

    def _introduced(self, request: Request, scopes: tuple[Scope, ...]) -> requests.Response:
        credential = self.login.credential()
        try:
            return self._as(credential, request, scopes)
        except RegistryError as error:
            if error.status not in CREDENTIAL_REFUSED:
                raise
            renewed = self.login.renewed(credential)
            if renewed is None:
                raise
        self.known.tokens.clear()
        return self._as(renewed, request, scopes)

    def _as(
        self, credential: Credential | None, request: Request, scopes: tuple[Scope, ...]
    ) -> requests.Response:
        """Raises :class:`RegistryError` when the credential itself is refused."""
        held = self.known.token(scopes, self.login.clock())
        answer = self._sent(credential, request, scopes)
        if answer.status_code != HTTPStatus.UNAUTHORIZED:
            return answer
        challenge = self._learn(answer)
        if challenge.scheme == "basic":
            raise refusal(self.host, answer, self.known.secrets)
        more = tuple(one for one in scopes_in(challenge.get("scope")) if not opened([one], scopes))
        if not held and not more:
            return answer
        answer.close()
        # The token has run out on the way, or registries want more than one should think.
        self.known.tokens.clear()
        return self._sent(credential, request, (*scopes, *more))

    def _sent(
        self, credential: Credential | None, request: Request, scopes: tuple[Scope, ...]
    ) -> requests.Response:
        if credential:
            self.known.secrets |= {credential.password, credential.identity_token}
        authorization = self._authorization(credential, scopes)
        if authorization:
            self.known.secrets.add(authorization.partition(" ")[2])
        return self._exchanged(request.authorized(authorization))

    def _learn(self, answer: requests.Response) -> Challenge:
        """Raises :class:`RegistryError` when there is no way in."""
        challenge = way_in(answer.headers.get("WWW-Authenticate", "")) or self.known.challenge
        if challenge is None or not self._can_take_up(challenge):
            raise refusal(self.host, answer, self.known.secrets)
        self.known.challenge = challenge
        return challenge

    def _can_take_up(self, challenge: Challenge) -> bool:
        return challenge.scheme == "bearer" or self.login.credential() is not None

    def _authorization(
        self, credential: Credential | None, scopes: tuple[Scope, ...]
    ) -> str | None:
        challenge = self.known.challenge
        if challenge is None or challenge.scheme == "basic":
            return basic_authorization(credential) if credential else None
        now = self.login.clock()
        token = self.known.token(scopes, now) or self._new_token(challenge, scopes, credential)
        self.known.tokens[scopes] = token
        return f"Bearer {token.value}"

    def _new_token(
        self, challenge: Challenge, scopes: tuple[Scope, ...], credential: Credential | None
    ) -> Token:
        asked = token_request(challenge, scopes, credential)
        self._require_safe(asked)
        headers = {"Authorization": asked.basic} if asked.basic else {}
        method = "POST" if asked.form else "GET"
        request = Request(method, asked.url, headers, dict(asked.form) or None)
        if asked.basic:
            self.known.secrets.add(asked.basic.partition(" ")[2])
        sent = transport.send(self.session, request)
        answer = accepted(request.host, sent, self.known.secrets)
        now, theirs = self.login.clock(), transport.server_time(answer)
        token = token_in(json_in(request.host, answer), now, theirs)
        if token is None:
            raise Temporary(f"{request.host} answered without a token")
        return token

    def _require_safe(self, asked: TokenRequest) -> None:
        """A registry's word is enough to send a credential to another host, as docker does; not
        to send it in the open, or to something on this machine that is none of the registry's."""
        at_home = is_loopback(asked.url) and is_loopback(f"//{self.host}")
        at_ease = asked.url.startswith("https:") and not is_loopback(asked.url)
        if (asked.basic or asked.form) and not (at_home or at_ease):
            raise RegistryError(
                self.host, 0, "",
                f"it asks for the login to be sent to {host_in(asked.url)}, which is not "
                "safe: that address is not encrypted, or is on this very machine",
            )  # fmt: skip
