"""Stanzas of ``Name: value`` lines, as dpkg and R keep them.

https://www.debian.org/doc/debian-policy/ch-controlfields.html
"""

from __future__ import annotations

from collections.abc import Iterator


def stanzas(content: bytes) -> Iterator[dict[str, str]]:
    for text in content.decode("utf-8", "replace").split("\n\n"):
        if fields := _fields(text):
            yield fields


def _fields(text: str) -> dict[str, str]:
    """First lines alone: no field that is read here is continued on a second one."""
    pairs = (line.partition(":") for line in text.splitlines() if not line[:1].isspace())
    return {name: value.strip() for name, colon, value in pairs if colon}
