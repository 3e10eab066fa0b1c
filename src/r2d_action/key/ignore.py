"""What ``.dockerignore`` leaves out, by the rules of whoever reads it.

For a Dockerfile of the user's that is Docker's builder; otherwise repo2docker, which
asks docker's Python library, and that one has rules of its own.
https://docs.docker.com/build/concepts/context/#dockerignore-files
"""

from __future__ import annotations

import posixpath
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from docker.utils.build import PatternMatcher

from r2d_action.context import Context, below, resolved
from r2d_action.key import NoKey

# Which of the rules have spoken of a folder, and so of all that is in it.
Spoken = tuple[bool, ...]


class Rules(Protocol):
    def leaves_out(self, path: str, above: Spoken) -> tuple[bool, Spoken]:
        """``above`` is what was said of the folder that ``path`` is in."""

    def may_bring_back(self, folder: str) -> bool:
        """Whether something in a folder that stays out may be in all the same."""


def rules_of(context: Context) -> Rules | None:
    """Raises :class:`NoKey` for rules whose meaning is not known here."""
    paths = ignore_files(context)
    if not paths:
        return None
    text = "\n".join(_text(context, path) for path in paths)
    return BuilderRules.read(text) if context.dockerfile else LibraryRules.read(text)


def ignore_files(context: Context) -> list[str]:
    """The paths of those that count: Docker's builder reads one file, repo2docker two of its
    configuration folder."""
    if context.dockerfile:
        own = f"{context.dockerfile}.dockerignore"
        return [path for path in (own, ".dockerignore") if context.has(path)][:1]
    names = (context.config_file(name) for name in (".dockerignore", ".containerignore"))
    return [name for name in names if name]


def _text(context: Context, path: str) -> str:
    file = resolved(context.root / path)
    if not file.is_relative_to(context.root.resolve()):
        raise NoKey(f"{path} leads out of the folder that is built")
    try:
        return file.read_bytes().decode(errors="surrogateescape") if file.is_file() else ""
    except OSError:
        raise NoKey(f"{path} cannot be read") from None


def kept(files: Sequence[str], folders: Sequence[str], rules: Rules | None) -> list[str]:
    """The ``files`` that are copied, and with a ``/`` at the end the folders with nothing in
    them. Both are sorted, and ``folders`` are all that a file is in."""
    if rules:
        files, folders = _through(files, folders, rules)
    empty = (one for one in folders if not any(below(files, one)) and not any(below(folders, one)))
    return [*files, *(f"{folder}/" for folder in empty)]


def stays(path: str, rules: Rules) -> bool:
    """Whether one file is copied."""
    folders = [folder.as_posix() for folder in PurePosixPath(path).parents]
    return path in kept([path], folders[-2::-1], rules)


def _through(
    files: Sequence[str], folders: Sequence[str], rules: Rules
) -> tuple[list[str], list[str]]:
    spoken: dict[str, Spoken] = {"": ()}  # nothing comes along of a folder that is not here
    inside = []
    for folder in folders:
        above = spoken.get(_parent(folder))
        if above is None:
            continue
        out, said = rules.leaves_out(folder, above)
        if not out:
            inside.append(folder)
        if not out or rules.may_bring_back(folder):
            spoken[folder] = said
    asked = ((file, spoken.get(_parent(file))) for file in files)
    return [
        file for file, above in asked if above is not None and not rules.leaves_out(file, above)[0]
    ], inside


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


# Docker's builder --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rule:
    pattern: str
    matches: Callable[[str], object]
    brings_back: bool

    @property
    def beginning(self) -> str:
        return self.pattern.removesuffix("/**").removesuffix("/*")


@dataclass(frozen=True, slots=True)
class BuilderRules:
    """https://github.com/moby/patternmatcher and https://github.com/tonistiigi/fsutil"""

    rules: tuple[Rule, ...]

    @classmethod
    def read(cls, text: str) -> BuilderRules:
        """Raises :class:`NoKey` for a pattern whose meaning is not known here."""
        lines = text.removeprefix("\ufeff").split("\n")
        patterns = (line.strip() for line in lines if not line.startswith("#"))
        return cls(tuple(_rule(pattern) for pattern in patterns if pattern))

    def leaves_out(self, path: str, above: Spoken) -> tuple[bool, Spoken]:
        out, spoken = False, []
        for rule, spoke in zip(self.rules, above or (False,) * len(self.rules), strict=True):
            # A rule that would change nothing is not asked, and has not spoken of what is inside.
            speaks = spoke or (rule.brings_back == out and bool(rule.matches(path)))
            spoken.append(speaks)
            out = not rule.brings_back if speaks else out
        return out, tuple(spoken)

    def may_bring_back(self, folder: str) -> bool:
        exceptions = [rule.beginning for rule in self.rules if rule.brings_back]
        if any(re.search(r"[*\[\]?^\\]", beginning) for beginning in exceptions):
            return True
        return any(f"{beginning}/".startswith(f"{folder}/") for beginning in exceptions)


def _rule(line: str) -> Rule:
    pattern = line.removeprefix("!").strip()
    cleaned = posixpath.normpath(pattern) if pattern else ""
    cleaned = re.sub(r"^/+(?=.)", "", cleaned)
    return Rule(cleaned, _matcher(cleaned), line.startswith("!"))


def _matcher(pattern: str) -> Callable[[str], object]:
    if pattern.startswith("**") and not re.search(r"[*?\[\]\\]", end := pattern[2:]):
        return lambda path: path.endswith(end) or f"/{path}" == end
    if re.search(r"\\(?:\w|$)", pattern):  # a class of characters to the builder, or nothing
        raise NoKey(_UNKNOWN.format(pattern))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a class of characters that Python reads otherwise
            return re.compile(_expression(pattern), re.DOTALL).fullmatch
    except (re.error, FutureWarning):
        raise NoKey(_UNKNOWN.format(pattern)) from None


_UNKNOWN = "what `{}` in .dockerignore leaves out is not known here"
_PART = re.compile(r"(?P<all>\*\*/?)|(?P<some>\*)|(?P<one>\?)|(?P<as_is>[\[\]^-])|\\?(?P<sign>.)")


def _expression(pattern: str) -> str:
    parts = list(_PART.finditer(pattern))
    return "".join(_translated(part, is_last=part is parts[-1]) for part in parts)


def _translated(part: re.Match[str], *, is_last: bool) -> str:
    if part["all"]:
        return ".*" if is_last else "(?:.*/)?"
    if part["some"]:
        return "[^/]*"
    if part["one"]:
        return "[^/]"
    return part["as_is"] or re.escape(part["sign"])


# docker's Python library -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LibraryRules:
    """https://github.com/docker/docker-py/blob/main/docker/utils/build.py, as repo2docker asks
    it: a Dockerfile is always in, and nobody cares for upper and lower case."""

    matcher: PatternMatcher

    @classmethod
    def read(cls, text: str) -> LibraryRules:
        """Raises :class:`NoKey` for a pattern that the library does not take."""
        lines = (line.strip() for line in text.splitlines())
        patterns = [line for line in lines if line and not line.startswith("#")]
        matcher = PatternMatcher([*patterns, "!Dockerfile"])
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                _matches(matcher, "any/path")
        except (re.error, FutureWarning):
            raise NoKey("a pattern in .dockerignore cannot be read") from None
        return cls(matcher)

    def leaves_out(self, path: str, above: Spoken) -> tuple[bool, Spoken]:
        return _matches(self.matcher, path), above

    def may_bring_back(self, folder: str) -> bool:
        exceptions = (one for one in self.matcher.patterns if one.exclusion)
        return any(one.cleaned_pattern.startswith(folder) for one in exceptions)


def _matches(matcher: PatternMatcher, path: str) -> bool:
    return matcher.matches(path)  # type: ignore[arg-type]  # it works on text
