"""A Dockerfile as its instructions, with their lines, taken apart as the builder does it.

https://docs.docker.com/reference/dockerfile/
https://github.com/moby/buildkit/blob/master/frontend/dockerfile/parser/parser.go
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

_BYTE_ORDER_MARK = "\ufeff"
# A backslash of its own at the end; two of them are one that is meant.
_CONTINUED = {
    sign: re.compile(rf"(^|[^{re.escape(sign)}]){re.escape(sign)}[ \t]*$") for sign in ("\\", "`")
}
_DIRECTIVE = re.compile(r"\s*(?:#|//)\s*(syntax|escape|check)\s*=\s*(\S+).*", re.IGNORECASE)
_WORD = re.compile(r"""(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])+""")
_HEREDOC = re.compile(r"\d*<<(-?)([^<]+)")
_WITH_HEREDOCS = frozenset({"ADD", "COPY", "RUN", "ONBUILD"})


@dataclass(frozen=True, slots=True)
class Step:
    """``line`` counts from 1; ``value`` is on one line, whatever it was."""

    keyword: str
    value: str
    line: int

    @property
    def flags(self) -> tuple[str, ...]:
        """The options in front, without quotation marks: ``--from=base``."""
        return self._split[0]

    @property
    def arguments(self) -> tuple[str, ...]:
        """The words behind the options, without quotation marks, or what a JSON list holds."""
        return self._split[1]

    @property
    def _split(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        words = [*_WORD.finditer(self.value)]
        flags = [*takewhile(lambda word: word[0].startswith("--"), words)]
        plain = tuple(_unquoted(word[0]) for word in words)
        behind = self.value[flags[-1].end() if flags else 0 :]
        return plain[: len(flags)], in_json_list(behind) or plain[len(flags) :]


def steps_in(text: str) -> Iterator[Step]:
    """The instructions alone: no comments, and nothing of a script that is part of one."""
    continued = _CONTINUED.get(directives_in(text).get("escape", ""), _CONTINUED["\\"])
    lines = enumerate(text.removeprefix(_BYTE_ORDER_MARK).split("\n"), 1)
    for number, line in lines:
        joined = _joined(line, lines, continued).strip()
        keyword, *rest = joined.split(maxsplit=1) or [""]
        if not keyword:
            continue
        step = Step(keyword.upper(), "".join(rest), number)
        for end, chomps in _heredocs(step):
            next((line for _, line in lines if _trimmed(line, chomps) == end), None)
        yield step


def directives_in(text: str) -> dict[str, str]:
    """What the first comments tell the builder, by their names: ``syntax``, ``escape``."""
    found: dict[str, str] = {}
    lines = text.removeprefix(_BYTE_ORDER_MARK).split("\n")
    for line in lines[lines[0].startswith("#!") :]:
        match = _DIRECTIVE.fullmatch(line.rstrip("\r"))
        if not match:
            break
        found.setdefault(match[1].lower(), match[2])
    return found


def _joined(line: str, rest: Iterator[tuple[int, str]], continued: re.Pattern[str]) -> str:
    """``line`` and what continues it, taken from ``rest``; empty for a comment."""
    parts: list[str] = []
    taken: str | None = "" if _is_comment(line) else line.strip()
    while taken is not None:
        taken, goes_on = continued.subn(r"\1", taken.rstrip("\r"))
        parts.append(taken)
        if not goes_on:
            break
        # Comments and empty lines in between do not end it.
        following = (text for _, text in rest)
        taken = next((one for one in following if one.strip() and not _is_comment(one)), None)
    return "".join(parts)


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _heredocs(step: Step) -> Iterator[tuple[str, bool]]:
    """The line that ends each script, and whether tabs may stand before it."""
    words = step.value
    # Where a quotation mark is left open, the builder sees no words at all.
    if step.keyword not in _WITH_HEREDOCS or _WORD.sub("", words).strip():
        return
    for word in _WORD.findall(words):
        if match := _HEREDOC.fullmatch(word):
            yield _unquoted(match[2]), bool(match[1])


def _trimmed(line: str, chomps: bool) -> str:
    text = line.rstrip("\r")
    return text.lstrip("\t") if chomps else text


def in_json_list(text: str) -> tuple[str, ...]:
    """Nothing for what the builder does not take for a list, and reads as words."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    is_list = isinstance(found, list) and all(isinstance(one, str) for one in found)
    return tuple(found) if is_list else ()


def _unquoted(word: str) -> str:
    return re.sub(r"\\(.)|[\"']", r"\1", word)
