"""Names of images, parsed once and never cut up as strings again.

The grammar is that of the distribution project, whose reading of a name every
engine and registry shares: the first component is a host when it has a dot, a
colon or is ``localhost``; otherwise the name belongs to Docker Hub.
https://github.com/distribution/reference
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from r2d_action.addresses import is_loopback

DOCKER_HUB_HOSTS = frozenset(
    {"docker.io", "index.docker.io", "registry.hub.docker.com", "registry-1.docker.io"}
)
MAX_NAME = 255
MAX_TAG = 128

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_HOST = re.compile(
    r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*"
    r"|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class InvalidReference(ValueError):
    """The text is not the name of an image; the message says which part is not."""


@dataclass(frozen=True, slots=True)
class Registry:
    """``host`` is the name as people write it, ``docker.io`` when they write none."""

    host: str

    @property
    def is_docker_hub(self) -> bool:
        return self.host in DOCKER_HUB_HOSTS

    @property
    def api_host(self) -> str:
        """The host that answers the distribution API (Docker Hub's has another name)."""
        return "registry-1.docker.io" if self.is_docker_hub else self.host

    @property
    def is_loopback(self) -> bool:
        """Engines speak plain HTTP to these without being told."""
        return is_loopback(f"//{self.host}")

    def __str__(self) -> str:
        return self.host


@dataclass(frozen=True, slots=True)
class Tag:
    """A legal tag: 1 to 128 characters of ``[A-Za-z0-9_.-]``, no dot or dash first."""

    name: str

    def __post_init__(self) -> None:
        if not _TAG.fullmatch(self.name):
            raise InvalidReference(f"{self.name!r} is not a legal tag")

    @classmethod
    def legalized(cls, text: str) -> Tag:
        """The tag nearest to ``text``: each run of illegal characters becomes one dash."""
        name = re.sub(r"[^A-Za-z0-9_.-]+", "-", text).lstrip(".-")[:MAX_TAG].rstrip("-")
        return cls(name)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Digest:
    """``sha256:`` and 64 hexadecimal digits."""

    value: str

    def __post_init__(self) -> None:
        if not _DIGEST.fullmatch(self.value):
            raise InvalidReference(f"{self.value!r} is not a sha256 digest")

    @property
    def short(self) -> str:
        return self.value.removeprefix("sha256:")[:12]

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Repository:
    """An image's home in a registry.

    ``name`` is the name as people write it and as the engine knows it: without
    a host for Docker Hub unless one was written.
    """

    registry: Registry
    path: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Repository:
        """Raises :class:`InvalidReference` for a tag, a digest or an illegal name."""
        host, path = _split_host(text)
        if ":" in path or "@" in path:
            raise InvalidReference(f"{text!r} carries a tag or a digest")
        _require_legal(text, host, path)
        registry = Registry(host or "docker.io")
        if registry.is_docker_hub and "/" not in path:
            path = f"library/{path}"
        return cls(registry, path, text)

    @property
    def identity(self) -> tuple[str, str]:
        """The same for all spellings of one repository: docker.io/org/image is org/image."""
        return self.registry.api_host, self.path

    def tagged(self, tag: Tag) -> Reference:
        return Reference(self, tag)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Reference:
    """``repository:tag@digest``, of which the tag or the digest may be missing."""

    repository: Repository
    tag: Tag | None = None
    digest: Digest | None = None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Raises :class:`InvalidReference`."""
        name, _, digest = text.partition("@")
        host, path = _split_host(name)
        path, _, tag = path.partition(":")
        return cls(
            Repository.parse(f"{host}/{path}" if host else path),
            Tag(tag) if tag else None,
            Digest(digest) if digest else None,
        )

    def with_digest(self, digest: Digest) -> Reference:
        return replace(self, digest=digest)

    @property
    def tagged_name(self) -> str:
        """``name:tag``, the form that engines take."""
        return f"{self.repository}:{self.tag or 'latest'}"

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.repository}{tag}{digest}"


def _split_host(text: str) -> tuple[str, str]:
    first, slash, rest = text.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return first, rest
    return "", text


def _require_legal(text: str, host: str, path: str) -> None:
    if host and not _HOST.fullmatch(host):
        raise InvalidReference(f"{host!r} in {text!r} is not the name of a registry")
    if not _PATH.fullmatch(path):
        raise InvalidReference(
            f"{path!r} is not a legal image name: lower-case letters, digits and single "
            "separators (. _ -), in parts joined by /"
        )
    if len(host) + len(path) + 1 > MAX_NAME:
        raise InvalidReference(f"{text!r} is longer than {MAX_NAME} characters")
