"""Blobs on their way: never a whole one in memory, and none that is not what its digest says.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-blobs
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, NoReturn
from urllib.parse import urlencode

import requests

from r2d_action.reference import Repository
from r2d_action.registry.auth import PUSH, Scope
from r2d_action.registry.client import Client, missing
from r2d_action.registry.manifest import Blob
from r2d_action.registry.refusal import RegistryError, damaged
from r2d_action.registry.transport import Request, Streamed, chunks
from r2d_action.retry import Temporary

CHUNK_BYTES = 1 << 20
PART_BYTES = 16 << 20

# The bytes of a blob, from an offset up to another one.
Source = Callable[[int, int], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Blobs:
    """Those of one repository. Raises as :class:`Client` does."""

    client: Client
    repository: Repository

    def has(self, blob: Blob) -> bool:
        return self.client.retry(f"look for {blob.digest}", lambda: self.holds(blob))

    def mount(self, blob: Blob, source: Repository) -> str:
        """Have it taken over from another repository of the registry: empty when it was, else
        the address of the upload that the registry opened instead."""
        query = urlencode({"mount": blob.digest, "from": source.path})
        request = Request("POST", self.client.url(self.repository, f"blobs/uploads/?{query}"))
        scopes = (Scope(self.repository.path, PUSH), Scope(source.path))
        answer = self.client.retry(
            f"mount of {blob.digest} in {self.repository}",
            lambda: self.client.once(request, *scopes),
        )
        if answer.status_code != HTTPStatus.CREATED:
            return self.client.upload_in(answer)
        self.require(answer, blob)
        return ""

    def upload(self, blob: Blob, source: Source, location: str = "") -> None:
        """``location`` is that of an upload which is open already."""
        attempt = _Upload(self, blob, source, location, blob.size)
        self.client.retry(f"upload of {blob.digest} to {self.repository}", attempt)

    # One try each, for those who know better how to go on

    def holds(self, blob: Blob) -> bool:
        request = Request("HEAD", self.client.url(self.repository, f"blobs/{blob.digest}"))
        answer = self.client.once(request, Scope(self.repository.path))
        if missing(answer):
            return False
        self.require(answer, blob)
        return True

    def read(self, blob: Blob, start: int, end: int) -> Iterator[bytes]:
        """The bytes of ``blob`` from ``start`` up to ``end``."""
        headers = {"Accept-Encoding": "identity"}
        if (start, end) != (0, blob.size):
            headers["Range"] = f"bytes={start}-{end - 1}"
        url = self.client.url(self.repository, f"blobs/{blob.digest}")
        request = Request("GET", url, headers, stream=True)
        answer = self.client.once(request, Scope(self.repository.path))
        partial = self.client.accepted(answer).status_code == HTTPStatus.PARTIAL_CONTENT
        arriving = chunks(answer, CHUNK_BYTES)
        # Not every registry knows of ranges.
        yield from arriving if partial else _between(arriving, start, end)

    def push(
        self,
        method: str,
        url: str,
        body: Streamed | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        request = Request(method, url, headers or {}, body)
        return self.client.once(request, Scope(self.repository.path, PUSH))

    def require(self, answer: requests.Response, blob: Blob) -> None:
        """Raises :class:`RegistryError` for a refusal, and when another blob is spoken of."""
        claimed = self.client.accepted(answer).headers.get("Docker-Content-Digest")
        if claimed and claimed != str(blob.digest):
            what = f"the blob {blob.digest}"
            raise damaged(self.client.host, answer.status_code, what, claimed)


def _between(arriving: Iterator[bytes], start: int, end: int) -> Iterator[bytes]:
    position = 0
    for chunk in arriving:
        wanted = chunk[max(start - position, 0) : max(end - position, 0)]
        position += len(chunk)
        if wanted:
            yield wanted
        if position >= end:
            return


@dataclass(slots=True)
class _Upload:
    """One blob's way up; called again after each break, it goes on where the registry is.

    The first try sends the blob in one piece, which every registry takes. A way that has broken
    once may break again: then it goes in parts, of which those that arrived stay.
    """

    blobs: Blobs
    blob: Blob
    source: Source
    location: str
    part: int
    tried: bool = False
    in_pieces: bool = False

    def __call__(self) -> None:
        """Raises :class:`Temporary` for a break."""
        again, self.tried = self.tried, True
        if again and self.blobs.holds(self.blob):
            return
        offset = self._arrived() if again and self.location else 0
        if not self.location:
            self.location = self._opened()
        while offset < self.blob.size:
            offset = self._send_part(offset)
        self._complete()

    def _arrived(self) -> int:
        """How much of the blob the registry has. Where that is next to nothing, or it does not
        say, the upload is given up: ``0-0`` stands for no byte as well as for one."""
        answer = self.blobs.push("GET", self.location)
        found = _RANGE.fullmatch(answer.headers.get("Range", "")) if answer.ok else None
        offset = int(found[1]) + 1 if found else 0
        if 1 < offset <= self.blob.size:
            self.in_pieces = True
            self._follow(answer)
            return offset
        self.blobs.client.cancel(self.blobs.repository, self.location)
        self.location, self.part = "", PART_BYTES
        return 0

    def _opened(self) -> str:
        url = self.blobs.client.url(self.blobs.repository, "blobs/uploads/")
        return self.blobs.client.upload_in(self.blobs.push("POST", url))

    def _send_part(self, start: int) -> int:
        end = min(start + self.part, self.blob.size)
        headers = {"Content-Type": "application/octet-stream"}
        if (start, end) != (0, self.blob.size):
            headers["Content-Range"] = f"{start}-{end - 1}"
            self.in_pieces = True
        body = _Part(self.source, start, end)
        answer = self.blobs.push("PATCH", self.location, body, headers)
        try:
            self._follow(answer)
        except RegistryError as error:
            self._refused(error)
        return end

    def _follow(self, answer: requests.Response) -> None:
        """Where an upload goes on may change with each answer."""
        if "Location" in self.blobs.client.accepted(answer).headers:
            self.location = self.blobs.client.upload_in(answer)

    def _complete(self) -> None:
        joint = "&" if "?" in self.location else "?"
        url = f"{self.location}{joint}{urlencode({'digest': self.blob.digest})}"
        answer = self.blobs.push("PUT", url)
        try:
            self.blobs.require(answer, self.blob)
        except RegistryError as error:
            self._refused(error)

    def _refused(self, error: RegistryError) -> NoReturn:
        """Not every registry takes pieces, and pieces may have been put together wrongly: what
        the registry says of a blob in one piece counts."""
        if not self.in_pieces or error.is_denial:
            raise error
        self.blobs.client.cancel(self.blobs.repository, self.location)
        self.location, self.part, self.in_pieces = "", self.blob.size, False
        raise Temporary(f"{error} to the rest of an upload") from error


_RANGE = re.compile(r"(?:bytes=)?0-(\d+)")


@dataclass(frozen=True, slots=True)
class _Part:
    """The body of a request: read anew each time that the request is sent."""

    source: Source
    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start

    def __iter__(self) -> Iterator[bytes]:
        left = len(self)
        for chunk in self.source(self.start, self.end):
            left -= len(chunk)
            if left < 0:
                break
            yield chunk
        if left:
            raise Temporary("the source of the blob gives another number of bytes than it said")


@dataclass(slots=True)
class Verified:
    """A source whose bytes are held against the digest as they pass, however often it is begun
    again. Raises :class:`RegistryError` before the last of them is out of hand; ``host`` is
    where they come from."""

    host: str
    blob: Blob
    source: Source
    _sum: Any = field(default_factory=hashlib.sha256, init=False, repr=False)
    _summed: int = field(default=0, init=False)

    def __call__(self, start: int, end: int) -> Iterator[bytes]:
        position = start
        for chunk in self.source(start, end):
            self._add(position, chunk)
            position += len(chunk)
            yield chunk

    def _add(self, position: int, chunk: bytes) -> None:
        known = self._summed - position
        if not 0 <= known < len(chunk):
            return
        self._sum.update(chunk[known:])
        self._summed += len(chunk) - known
        found = f"sha256:{self._sum.hexdigest()}"
        if self._summed == self.blob.size and found != str(self.blob.digest):
            raise damaged(self.host, HTTPStatus.OK, "a blob", str(self.blob.digest))
