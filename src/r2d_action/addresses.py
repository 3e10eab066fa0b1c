"""Addresses of other machines, taken apart. Who writes them may have written anything."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit, urlunsplit


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port. Raises ``ValueError`` for what is no address."""
    parts = urlsplit(url)
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or usual


def same_origin(one: str, other: str) -> bool:
    """Whether what is meant for the one may be shown to the other."""
    try:
        return origin(one) == origin(other)
    except ValueError:
        return False


def host_in(url: str) -> str:
    """With its port; empty where there is none to be found."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return ""


def name_in(url: str) -> str:
    """The host without its port; empty where there is none to be found."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def without_login(url: str) -> str:
    """Nor with a query or a fragment, where there may be a token."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def is_loopback(url: str) -> bool:
    """Whether it leads to this very machine. A host alone is written ``//host``."""
    name = name_in(url)
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"
