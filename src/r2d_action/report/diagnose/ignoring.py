"""Which line of an ignore file keeps a file from the build."""

from __future__ import annotations

from r2d_action.key import NoKey
from r2d_action.key.ignore import BuilderRules, LibraryRules, stays


def line_leaving_out(path: str, text: str, *, has_dockerfile: bool) -> int | None:
    """The last line of ``text`` that leaves ``path`` out; None where all in all it stays, or
    nobody can tell. With a Dockerfile the rules are those of Docker's builder."""
    read = BuilderRules.read if has_dockerfile else LibraryRules.read
    lines = enumerate(text.split("\n"), start=1)
    try:
        if stays(path, read(text)):
            return None
        deciding = [number for number, line in lines if not stays(path, read(line))]
    except NoKey:
        return None
    return deciding[-1] if deciding else None
