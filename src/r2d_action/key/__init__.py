"""The image key: the digest of everything that decides an image's content.

Two builds with the same key make the same image, so the second one need not happen.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

DIGITS = 24
# Raised when what goes into the key changes, so that old keys are never mistaken for new ones.
SCHEMA = 2


class NoKey(Exception):
    """Something decides the image that cannot be named; the message says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """``files`` is a digest of the context; ``bases`` has each image that the build starts from
    or copies from, as it is written, and the digest that it resolves to now; ``checks`` are the
    checks that the image has to pass."""

    files: str
    repo2docker: str
    user_name: str
    repo_dir: str
    appendix: str
    extra_args: tuple[str, ...]
    config: str
    checks: str
    platform: str
    bases: tuple[tuple[str, str], ...]
    schema: int = SCHEMA


@dataclass(frozen=True, slots=True)
class ImageKey:
    """``value`` is ``DIGITS`` hexadecimal digits."""

    value: str
    material: Material


def key_of(material: Material) -> ImageKey:
    return ImageKey(digits_of(asdict(material)), material)


def digits_of(facts: object) -> str:
    """``DIGITS`` hexadecimal digits that stand for these very facts, which JSON can write."""
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
