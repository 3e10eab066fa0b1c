"""The rule of an immutable repository of Amazon's, for a front of a registry.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from fnmatch import fnmatch

from integration.front import Answer, Seen

TAG = re.compile(r"/v2/(?P<repository>.+)/manifests/(?P<tag>[^:]+)")


@dataclass
class ImmutableTags:
    """``excluded`` are patterns of tags that may move. Amazon documents that a tag which is there
    cannot be pushed, and users tell of either answer to a push of the very same image: that is
    taken unless ``strict``."""

    excluded: tuple[str, ...] = ()
    strict: bool = False
    held: dict[str, str] = field(default_factory=dict)

    def __call__(self, seen: Seen) -> Answer | None:
        match = TAG.fullmatch(seen.path) if seen.method == "PUT" else None
        if not match or any(fnmatch(match["tag"], pattern) for pattern in self.excluded):
            return None
        digest = hashlib.sha256(seen.body).hexdigest()
        held = self.held.setdefault(seen.path, digest)
        new = held is digest
        return (
            None if new or (held == digest and not self.strict) else _refusal(**match.groupdict())
        )


def _refusal(repository: str, tag: str) -> Answer:
    said = (
        f"The image tag '{tag}' already exists in the '{repository}' repository and cannot be "
        "overwritten because the tag is immutable."
    )
    body = json.dumps({"errors": [{"code": "TAG_INVALID", "message": said}]}).encode()
    return Answer(400, (("Content-Type", "application/json; charset=utf-8"),), body)
