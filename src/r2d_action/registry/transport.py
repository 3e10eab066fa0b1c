"""Requests as they go over the wire: where to, through what, and what went wrong on the way."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import urljoin

import requests

from r2d_action.addresses import host_in, is_loopback, name_in, origin
from r2d_action.authorization import as_it_is
from r2d_action.registry.refusal import RegistryError, is_page, refusal
from r2d_action.retry import Temporary

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 120.0
TEMPORARY = frozenset({429, 502, 503, 504})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_REDIRECTS = 5
NO_ADDRESS = "it names something that is no address"
# How web servers that speak TLS answer a request without: Go's, nginx, Apache.
_TLS_EXPECTED = re.compile(rb"HTTPS? (?:server|port)|plain HTTP", re.IGNORECASE)


class Streamed(Protocol):
    """A body that is not held in memory. It is read anew at each try."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[bytes]: ...


@dataclass(frozen=True, slots=True)
class Request:
    """``stream`` leaves the answer's body on the wire; it has to be read or closed."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Mapping[str, str] | Streamed | None = None
    stream: bool = False

    @property
    def host(self) -> str:
        return host_in(self.url)

    @property
    def timeout(self) -> tuple[float, float]:
        """Of which the first is also how long a body may wait for a registry that is busy with
        what it has got of it."""
        streamed = not isinstance(self.body, bytes | Mapping | None)
        return (ANSWER_SECONDS if streamed else CONNECT_SECONDS), ANSWER_SECONDS

    def authorized(self, authorization: str | None) -> Request:
        if authorization is None:
            return self
        return replace(self, headers={**self.headers, "Authorization": authorization})

    def moved(self, location: str) -> Request:
        """The request to where an answer sends it, without our name unless it is the same place.

        Raises :class:`RegistryError` for a way from a safe place to an open one.
        """
        try:
            url = urljoin(self.url, location)
            same = origin(url) == origin(self.url)
        except ValueError:
            raise RegistryError(self.host, 0, "", NO_ADDRESS) from None
        if same:
            return replace(self, url=url)
        if self.url.startswith("https:") and not url.startswith("https:"):
            raise RegistryError(
                self.host, 0, "", f"it sends us on to {host_in(url)} without encryption"
            )
        kept = {k: v for k, v in self.headers.items() if k.lower() != "authorization"}
        return replace(self, url=url, headers=kept)


def new_session(env: Mapping[str, str]) -> requests.Session:
    """Proxies and REQUESTS_CA_BUNDLE are known to requests; SSL_CERT_FILE, which most other
    programs go by, is not."""
    session = requests.Session()
    session.verify = env.get("SSL_CERT_FILE") or True
    return session


def send(session: requests.Session, request: Request) -> requests.Response:
    """The answer, from where a GET was sent on to.

    Raises :class:`Temporary`, and :class:`RegistryError` for what no further try can mend.
    """
    for _ in range(MOST_REDIRECTS):
        answer = _exchanged(session, request)
        location = answer.headers.get("Location")
        if answer.status_code not in REDIRECTS or not location:
            return answer
        if request.method not in {"GET", "HEAD"}:
            return answer
        answer.close()
        request = request.moved(location)
    raise RegistryError(request.host, answer.status_code, "", "it sends us round in circles")


def expects_tls(request: Request, answer: requests.Response) -> bool:
    if answer.status_code != HTTPStatus.BAD_REQUEST or not request.url.startswith("http:"):
        return False
    if request.method == "HEAD":
        # Without a body, all that it tells is that it is no registry's.
        return "json" not in answer.headers.get("Content-Type", "")
    return bool(_TLS_EXPECTED.search(answer.content))


def accepted(
    host: str, answer: requests.Response, secrets: Iterable[str] = ()
) -> requests.Response:
    """Raises :class:`RegistryError` for a refusal, and for a page that only looks like success."""
    if not HTTPStatus.OK <= answer.status_code < HTTPStatus.MULTIPLE_CHOICES or is_page(answer):
        error = refusal(host, answer, secrets)
        answer.close()
        raise error
    return answer


def json_in(host: str, answer: requests.Response) -> Mapping[str, Any]:
    """Raises :class:`Temporary` for half a document."""
    try:
        content = answer.json()
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise Temporary(f"{host} sent a broken answer")
    return content


def server_time(answer: requests.Response) -> float | None:
    """Seconds since 1970 by the other side's clock."""
    moment = _moment(answer.headers.get("Date", ""))
    return moment.timestamp() if moment else None


def chunks(answer: requests.Response, size: int) -> Iterator[bytes]:
    """The body as it comes. Raises :class:`Temporary` when it breaks off."""
    host = host_in(answer.url)
    try:
        yield from answer.iter_content(size)
    except requests.RequestException as error:
        raise Temporary(f"{host} broke off ({_cause(error)})") from None
    finally:
        answer.close()


def _exchanged(session: requests.Session, request: Request) -> requests.Response:
    try:
        answer = session.request(
            request.method,
            request.url,
            headers=dict(request.headers),
            data=request.body,
            auth=as_it_is,
            proxies=_no_proxy_for_loopback(request.url),
            timeout=request.timeout,
            stream=request.stream,
            allow_redirects=False,
        )
    # Without what they came from: its text has addresses, and those may be signed.
    except requests.exceptions.SSLError as error:
        raise _no_tls(request.host, error) from None
    except _BROKEN as error:
        raise Temporary(f"{request.host} does not answer ({_cause(error)})") from None
    except (requests.RequestException, ValueError):
        # The other side may write any text where an address should be, of redirections as well.
        raise RegistryError(request.host, 0, "", NO_ADDRESS) from None
    if answer.status_code in TEMPORARY:
        answer.close()
        raise Temporary(f"{request.host} answered {answer.status_code}", _retry_after(answer))
    return answer


_BROKEN = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)


def _no_proxy_for_loopback(url: str) -> dict[str, str]:
    """As engines do it: what is on this machine is not asked for through a proxy."""
    return {"no_proxy": name_in(url)} if is_loopback(url) else {}


def _no_tls(host: str, error: Exception) -> Exception:
    doubts = [each for each in _chain(error) if isinstance(each, ssl.SSLCertVerificationError)]
    if not doubts:
        return Temporary(f"{host} does not answer ({_cause(error)})")
    return RegistryError(
        host, 0, "",
        f"this machine does not trust its certificate ({doubts[0].verify_message}); name a file "
        "with the certificates of its authority in REQUESTS_CA_BUNDLE",
    )  # fmt: skip


def _cause(error: BaseException) -> str:
    """What the system says, without addresses."""
    told = [each.strerror for each in _chain(error) if isinstance(each, OSError) and each.strerror]
    return told[-1] if told else type(error).__name__


def _chain(error: BaseException) -> Iterable[BaseException]:
    """What an error of requests was made of: it is handed on as an argument or a reason."""
    inside = [*error.args, getattr(error, "reason", None), error.__cause__, error.__context__]
    yield error
    for each in inside:
        if isinstance(each, BaseException):
            yield from _chain(each)


def _retry_after(answer: requests.Response) -> float | None:
    """Seconds, or a date to be held against the server's own."""
    value = answer.headers.get("Retry-After", "")
    if value.isdecimal():
        return float(value)
    moment, now = _moment(value), server_time(answer)
    return moment.timestamp() - now if moment and now is not None else None


def _moment(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
