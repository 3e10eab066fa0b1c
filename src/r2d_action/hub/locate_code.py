"""The places of a hub's Python configuration, and of other texts, that name our image.

Only a whole text in quotes or a whole word counts: ``c.DockerSpawner.image = "org/image:tag"``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from r2d_action.hub import keys
from r2d_action.hub.mention import Image, why_not_a_tag
from r2d_action.hub.place import FOR_PEOPLE, STAYS, Located, Note, Place, Spot
from r2d_action.hub.selector import Key, Path, labelled, one_line


@dataclass(frozen=True, slots=True)
class _Word:
    """``start`` and ``end`` enclose the quotes as well; ``is_part`` of something that a program
    puts together."""

    value: str
    path: Path
    line: int
    start: int
    end: int
    style: str
    is_part: bool = False


# Python ---------------------------------------------------------------------------------------


def locate_python(text: str, image: Image) -> Located:
    try:
        words = tuple(_strings(ast.parse(text), (), _line_starts(text)))
    except (SyntaxError, ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None) or 1
        return Located(text, (), (Note(line, "skipped, since it cannot be read as Python"),))
    return _located(text, words, image)


@dataclass(frozen=True, slots=True)
class _Lines:
    """Python's parser counts bytes from the start of a line, and the first line as 1."""

    lines: tuple[str, ...]
    starts: tuple[int, ...]

    def offset(self, line: int, column: int) -> int:
        before = self.lines[line - 1].encode()[:column]
        return self.starts[line - 1] + len(before.decode())


def _line_starts(text: str) -> _Lines:
    found = tuple(re.finditer(r"[^\r\n]*(?:\r\n|\r|\n|\Z)", text))
    return _Lines(tuple(m.group() for m in found), tuple(m.start() for m in found))


def _strings(node: ast.AST, path: Path, lines: _Lines, *, is_part: bool = False) -> Iterator[_Word]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield _string(node, node.value, path, lines, is_part=is_part)
        return
    # `"image:" + tag`, `f"image:{tag}"`, `"image:v1".replace(...)`
    is_part = is_part or isinstance(node, ast.BinOp | ast.JoinedStr | ast.Attribute)
    for below, way in _below(node):
        yield from _strings(below, (*path, *way), lines, is_part=is_part)


def _string(node: ast.Constant, value: str, path: Path, lines: _Lines, *, is_part: bool) -> _Word:
    start = lines.offset(node.lineno, node.col_offset)
    end = lines.offset(node.end_lineno or node.lineno, node.end_col_offset or 0)
    return _Word(value, path, node.lineno, start, end, '"', is_part)


_Below: TypeAlias = Iterable[tuple[ast.AST, Path]]


def _below(node: ast.AST) -> _Below:
    """The parts of a program that may hold a setting, with the steps of the way to them."""
    match node:
        case ast.Expr(value=ast.Constant()):
            return ()  # documentation
        case ast.Assign(targets=[target, *_]) | ast.AnnAssign(target=target):
            return ((node.value, _names(target)),) if node.value else ()
        case ast.Dict():
            return [(v, _names(k)) for k, v in zip(node.keys, node.values, strict=True)]
        case ast.keyword(arg=str(name)):
            return ((node.value, (Key(name),)),)
        case ast.List() | ast.Tuple():
            items = labelled(tuple(_fields(item)) for item in node.elts)
            return [(one, (item,)) for one, item in zip(node.elts, items, strict=True)]
    return ((child, ()) for child in ast.iter_child_nodes(node))


def _names(target: ast.expr | None) -> Path:
    match target:
        case ast.Name(id=name) | ast.Constant(value=str(name)):
            return (Key(name),)
        case ast.Attribute(value=value, attr=name):
            return (*_names(value), Key(name))
        case ast.Subscript(value=value, slice=name):
            return (*_names(value), *_names(name))
    return ()


def _fields(item: ast.expr) -> Iterator[tuple[str, str]]:
    match item:
        case ast.Constant(value=str(text)):
            yield "", one_line(text)
        case ast.Dict():
            for key, value in zip(item.keys, item.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(value, ast.Constant):
                    yield str(key.value), one_line(str(value.value))


# Any other text -------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"""
    (?P<comment>/\*.*?\*/ | (?:(?<=\s)|^)(?:\#|//)[^\n]*)
    | (?P<quote>["'])(?P<text>(?:(?!(?P=quote))[^\\\n]|\\.)*)(?P=quote)
    | (?P<word>[^\s"'=,;()\[\]{}]+)
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
# What a shell, or a program, puts together with the value in front of it, and behind it.
_GOES_ON = re.compile(r"""[\w"'`${(\[.@/-]|[ \t]*[+%]""")
_WENT_ON = re.compile(r"""[\w"'`$})\]]\Z|\+[ \t]*\Z""")
# `name = `, `name: `, `"name" : ` before a value.
_NAME_BEFORE = re.compile(r"""([\w.-]+)["']?\s*[:=]+\s*\Z""")


def locate_words(text: str, image: Image) -> Located:
    return _located(text, _words(text), image)


def _words(text: str) -> Iterator[_Word]:
    for token in _TOKEN.finditer(text):
        value = token["word"] if token["word"] is not None else token["text"]
        if value is not None:
            line = text.count("\n", 0, token.start()) + 1
            before = text[text.rfind("\n", 0, token.start()) + 1 : token.start()]
            name = _NAME_BEFORE.search(before)
            path = tuple(Key(part) for part in name[1].split(".")) if name else ()
            is_part = bool(_GOES_ON.match(text, token.end()) or _WENT_ON.search(before))
            style = token["quote"] or "'"
            yield _Word(value, path, line, token.start(), token.end(), style, is_part)


# Both -----------------------------------------------------------------------------------------


def _located(text: str, words: Iterable[_Word], image: Image) -> Located:
    found = tuple(_findings(words, image))
    return Located(
        text,
        tuple(one for one in found if isinstance(one, Place)),
        tuple(one for one in found if isinstance(one, Note)),
    )


def _findings(words: Iterable[_Word], image: Image) -> Iterator[Place | Note]:
    for word in words:
        mention = image.mentioned_by(word.value)
        if mention is None:
            continue
        name = next((s.name for s in reversed(word.path) if isinstance(s, Key)), "the value")
        reason = why_not_a_tag(mention.tag, mention.digest)
        if not mention.tail.strip(":"):
            reason = "names the image without a tag"
        elif word.is_part:
            reason = "is put together with other texts"
        if keys.is_for_people(name):
            reason = FOR_PEOPLE
        if reason:
            yield Note(word.line, f"{name}: {reason}; {STAYS}")
        else:
            spot = Spot(word.start, word.end, word.style, mention.head, mention.tail)
            tag, digest = mention.tag, mention.digest
            yield Place(path=word.path, line=word.line, tag=tag, digest=digest, spot=spot)
