"""A server could not be reached, or cannot be trusted."""

from __future__ import annotations

import re

from r2d_action.errors import Place
from r2d_action.report.diagnose.diagnosis import Diagnosis
from r2d_action.report.diagnose.passage import instruction_place, locate_named, passages, step_place
from r2d_action.report.diagnose.sources import Sources
from r2d_action.report.diagnose.stream import Stream
from r2d_action.report.diagnose.words import code, written_in

# Only what a tool says when it gives up: a single attempt that fails is tried again.
_UNREACHABLE = re.compile(
    r"Retry\(total=0,"
    r"|ERROR: .*(?:Max retries exceeded|Read timed out|Connection aborted|IncompleteRead)"
    r"|(?:ReadTimeoutError|ConnectTimeoutError|ProtocolError|ConnectionError): "
    r"|(?:W|E): Failed to fetch .*(?:Temporary failure|[Cc]ould not (?:connect|resolve)"
    r"|[Cc]onnection (?:timed out|failed|reset)|Cannot initiate the connection|\b50[234]\b)"
    r"|Could not resolve (?:host|proxy)"
    r"|unable to access '.*(?:Failed to connect|timed out|requested URL returned error: 5\d\d)"
    r"|curl: \((?:5|6|7|16|18|28|35|52|55|56|92)\)"
    r"|unable to resolve host address"
    # Not what sudo says of the machine's own name, which harms nothing.
    r"|(?:failed:|\]) (?:Name or service not known|Temporary failure in name resolution)"
    r"|getaddrinfo (?:ENOTFOUND|EAI_AGAIN)|\b(?:ETIMEDOUT|ECONNRESET|EAI_AGAIN)\b"
    r"|Download error \((?:5|6|7|16|18|28|35|52|55|56|92)\)"
    r"|CondaHTTPError: HTTP (?:000|5\d\d)|ConnectionFailed|HTTP 5\d\d .* for url"
    r"|TLS handshake timeout|i/o timeout|: no such host\b|connect: connection refused"
    r"|: server misbehaving"
    r"|context deadline exceeded|connection reset by peer|\b50[234] (?:Bad Gateway|Service"
    r" (?:Temporarily )?Unavailable|Gateway Time-?out)|HTTP Error 50\d|Connection timed out"
)
_CERTIFICATE = re.compile(
    r"CERTIFICATE_VERIFY_FAILED|certificate verification failed|SSL certificate problem"
    r"|x509: certificate|self[- ]signed certificate|CondaSSLError|curl: \(60\)"
)
_HOST = re.compile(
    r"(?:Could not resolve host: |resolving '|host='|host address '|lookup |Host: )"
    r"([\w.-]*\w)"
    r"|https?://([\w.-]*\w)"
)


def certificate(stream: Stream, sources: Sources) -> Diagnosis | None:
    match = stream.find(_CERTIFICATE)
    if not match:
        return None
    host = _host([match])
    return Diagnosis(
        what=f"The certificate of {code(host) if host else 'a server'} could not be checked.",
        why="The image lacks the list of trusted certificates, or the server's own certificate is "
        "out of date or of its institution's making.",
        remedy="Install the package `ca-certificates` in an earlier step, and check the address in "
        "a browser.",
        place=step_place(stream, sources, host),
    )


def unreachable(stream: Stream, sources: Sources) -> Diagnosis | None:
    match = stream.find(_UNREACHABLE) or _UNREACHABLE.search(stream.verdict)
    if not match:
        return None
    host = _host([match, *stream.find_all(_UNREACHABLE)])
    place = _place(stream, sources, host)
    spelling = (
        f"check how {code(host)} is spelled in {written_in(place, '')}, and " if place else ""
    )
    return Diagnosis(
        what=f"The build could not reach {code(host) if host else 'a server that it needs'}.",
        why="Most often the server or the network is down for a short while, and nothing is wrong "
        "with the repository.",
        remedy=f"Run the job again. If it fails the same way again, {spelling}look for news of an "
        "outage.",
        place=place,
    )


def _host(matches: list[re.Match[str]]) -> str:
    """The first host that one of the lines names."""
    for match in matches:
        if found := _HOST.search(match.string):
            return found[1] or found[2]
    return ""


def _place(stream: Stream, sources: Sources, host: str) -> Place | None:
    """The line that names ``host``, or the instruction that the engine itself fails in."""
    if place := locate_named(passages(stream, sources), host):
        return place
    engine_failed = stream.failed is not None and not stream.failed.lines
    return instruction_place(stream, sources) if engine_failed else None
