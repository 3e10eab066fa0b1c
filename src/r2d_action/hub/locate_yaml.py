"""The places of a YAML text that name our image, and what only looks like one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import TypeAlias

from r2d_action.hub import keys
from r2d_action.hub.mention import Image, Mention, why_not_a_tag
from r2d_action.hub.place import FOR_PEOPLE, STAYS, DigestKey, Entry, Located, Note, Place, Spot
from r2d_action.hub.selector import Path
from r2d_action.hub.yaml_pairs import Pair, pair_of, pairs_in
from r2d_action.hub.yaml_tree import (
    Mapping,
    Node,
    NotYaml,
    Scalar,
    Tree,
    own_entries,
    paths_to,
    read,
)

Finding: TypeAlias = Place | Note


def locate_yaml(text: str, image: Image) -> Located:
    """``text`` has no byte order mark."""
    try:
        tree = read(text)
    except NotYaml as error:
        return Located(text, (), (Note(error.line, f"skipped, since it is no YAML: {error}"),))
    if _is_sealed(tree):
        return Located(text, (), (Note(0, "skipped, since sops has sealed it against changes"),))
    findings = sorted(_findings(tree, image), key=attrgetter("line"))
    return Located(
        text,
        tuple(one for one in findings if isinstance(one, Place)),
        tuple(one for one in findings if isinstance(one, Note)),
    )


def _is_sealed(tree: Tree) -> bool:
    """https://getsops.io/docs/#message-authentication-code: any change breaks the seal."""
    tops = [own_entries(top) for top in tree.documents.items if isinstance(top, Mapping)]
    seals = [top["sops"][1] for top in tops if "sops" in top]
    return any(
        isinstance(seal, Mapping) and not {"mac", "lastmodified"}.isdisjoint(own_entries(seal))
        for seal in seals
    )


def _findings(tree: Tree, image: Image) -> Iterator[Finding]:
    hits = [scalar for scalar in tree.scalars if image.needle in scalar.value]
    pairs = tuple(pairs_in(tree, hits))
    ours = [pair for pair in pairs if image.is_called(pair.name)]
    others = [pair for pair in pairs if not image.is_called(pair.name)]
    yield from _paired(ours, others, tree.text)
    names = {id(pair.scalar(pair.group.name)) for pair in ours}
    for scalar in hits:
        if id(scalar) not in names:
            yield from _inline(scalar, image, tree.text)


# A name with its tag in one value ------------------------------------------------------------


def _inline(scalar: Scalar, image: Image, text: str) -> Iterator[Finding]:
    mention = image.mentioned_by(scalar.value)
    if mention is None:
        if image.is_in(scalar.value):
            yield _stays(scalar, "names the image within a longer text")
        return
    pair = pair_of(scalar)
    reason = _why_it_stays(scalar, mention, pair)
    if reason:
        yield _stays(scalar, reason)
    elif mention.tail:
        yield _place(
            scalar,
            tag=mention.tag,
            digest=mention.digest or (pair.digest if pair else ""),
            spot=_spot(scalar, mention.head, mention.tail),
            digest_key=_digest_key(pair, text),
            blocked=_why_blocked(scalar, pair) if pair else "",
        )


def _why_it_stays(scalar: Scalar, mention: Mention, pair: Pair | None) -> str:
    if not mention.tail.strip(":"):
        # A container may be called like its image.
        is_a_name = _nearest_key(scalar) == "name" and "/" not in mention.head
        return "" if is_a_name else "names the image without a tag"
    if _is_words(scalar):
        return FOR_PEOPLE
    if pair is not None and pair.group.tag:
        return f"carries a tag although there is {pair.group.tag!r} beside it"
    return why_not_a_tag(mention.tag, mention.digest) or why_not_a_tag(
        "", pair.digest if pair else ""
    )


def _stays(scalar: Scalar, reason: str) -> Note:
    return Note(scalar.line, f"{_nearest_key(scalar)}: {reason}; {STAYS}")


def _nearest_key(node: Node) -> str:
    here: Node | None = node
    while here is not None and here.key is None:
        here = here.parent
    return here.key.value if here is not None and here.key is not None else "the value"


def _is_words(scalar: Scalar) -> bool:
    above = _keys_above(scalar)
    return keys.is_for_people(_nearest_key(scalar)) or any(map(keys.is_metadata, above))


def _keys_above(node: Node) -> Iterator[str]:
    here: Node | None = node
    while here is not None:
        if here.key is not None:
            yield here.key.value
        here = here.parent


# A name here, its tag there ------------------------------------------------------------------


def _paired(ours: Iterable[Pair], others: Iterable[Pair], text: str) -> Iterator[Finding]:
    theirs = {id(pair.told_by): pair.name for pair in others}
    by_place: dict[int, tuple[Scalar, list[Pair]]] = {}
    for pair in ours:
        if pair.told_by is not None:
            by_place.setdefault(id(pair.told_by), (pair.told_by, []))[1].append(pair)
    for place, (scalar, pairs) in by_place.items():
        yield _pair(scalar, pairs, theirs.get(place, ""), text)


def _pair(scalar: Scalar, pairs: list[Pair], other: str, text: str) -> Finding:
    """``pairs`` share their tag by aliases; ``other`` is an image that has it as well."""
    pair, group = pairs[0], pairs[0].group
    tag, _, digest = scalar.value.strip().partition("@") if group.tag else ("", "", "")
    reason = _why_pair_stays(pair, scalar, tag, digest)
    if reason:
        return _stays(scalar, reason)
    return _place(
        scalar,
        tag=tag,
        digest=digest or pair.digest,
        spot=_spot(scalar, "", scalar.value.strip()) if group.tag else None,
        digest_key=_digest_key(pair, text),
        holds_only=all(one.mapping is not scalar.parent for one in pairs if one.mapping),
        blocked=f"{other} shares its value" if other else _why_blocked(scalar, pair),
    )


def _why_pair_stays(pair: Pair, scalar: Scalar, tag: str, digest: str) -> str:
    if _is_words(scalar):
        return FOR_PEOPLE
    is_null = tag.lower() == "null" and not scalar.style
    if is_null or not (tag or digest or pair.digest):
        return "is empty"
    return why_not_a_tag(tag, digest) or why_not_a_tag("", pair.digest)


def _why_blocked(scalar: Scalar, pair: Pair) -> str:
    beside = pair.scalar(pair.group.digest)
    if beside is not None and _mappings_with(beside) != _mappings_with(scalar):
        return "others share its digest"
    names = (
        [key.value for key, _ in pair.mapping.entries if isinstance(key, Scalar)]
        if pair.mapping
        else []
    )
    parts = (pair.group.name, pair.group.tag, pair.group.digest)
    doubled = next((part for part in parts if part and names.count(part) > 1), "")
    return f"the key {doubled!r} stands there twice" if doubled else ""


def _mappings_with(scalar: Scalar) -> set[Path]:
    return {path[:-1] for path in paths_to(scalar)}


# What both have in common --------------------------------------------------------------------


def _spot(scalar: Scalar, head: str, tail: str) -> Spot:
    return Spot(scalar.start, scalar.end, scalar.style, head, tail, scalar.number)


def _digest_key(pair: Pair | None, text: str) -> DigestKey | None:
    scalar = pair.scalar(pair.group.digest) if pair else None
    if pair is None or scalar is None or not pair.digest:
        return None
    return DigestKey(_spot(scalar, "", scalar.value.strip()), _entry(scalar, text))


def _entry(scalar: Scalar, text: str) -> Entry | None:
    """Only what stands on lines of its own, or in ``{…}``, can be left out."""
    key, mapping = scalar.key, scalar.parent
    if key is None or not isinstance(mapping, Mapping) or scalar.has_properties:
        return None
    events = (key.number, scalar.number)
    if mapping.flow:
        return Entry(*_between_commas(key, scalar, mapping), events)
    start = text.rfind("\n", 0, key.start) + 1
    rest_of_line = re.compile(r"[ \t]*(?:[ \t]#[^\r\n]*)?(?:\r?\n|$)").match(text, scalar.end)
    if rest_of_line is None:
        return None
    end = rest_of_line.end()
    if text[start : key.start].strip(" "):
        # Behind the dash of a list: the next key moves up to it.
        indented = re.compile(r" +(?=[^\s#-])").match(text, end)
        return Entry(key.start, indented.end(), events) if indented else None
    return Entry(start, end, events)


def _between_commas(key: Scalar, value: Scalar, mapping: Mapping) -> tuple[int, int]:
    number = next(i for i, (_, one) in enumerate(mapping.entries) if one is value)
    if number:
        before = mapping.entries[number - 1][1]
        return (before.end if isinstance(before, Scalar) else key.start), value.end
    following = mapping.entries[1][0] if len(mapping.entries) > 1 else value
    return key.start, following.start if isinstance(following, Scalar) else value.end


def _place(
    scalar: Scalar,
    *,
    tag: str,
    digest: str,
    spot: Spot | None,
    digest_key: DigestKey | None,
    holds_only: bool = False,
    blocked: str = "",
) -> Place:
    path, *aliases = paths_to(scalar)
    return Place(
        path=path,
        line=scalar.line,
        tag=tag,
        digest=digest,
        spot=spot,
        digest_key=digest_key,
        aliases=tuple(aliases),
        holds_only=holds_only,
        blocked=blocked,
        mirrors=tuple(_mirrors(scalar, tag)),
    )


def _mirrors(scalar: Scalar, tag: str) -> Iterator[Note]:
    """Words for people that repeat the tag, of what the place belongs to."""
    if not re.search(r"[0-9]", tag):
        return  # "the latest packages" says nothing of a tag
    word = re.compile(rf"(?<![\w.-]){re.escape(tag)}(?![\w-]|\.\w)")
    here: Node | None = scalar.parent
    while here is not None:
        if isinstance(here, Mapping):
            for name, (_, value) in own_entries(here).items():
                is_text = isinstance(value, Scalar) and keys.is_for_people(name)
                if is_text and isinstance(value, Scalar) and word.search(value.value):
                    yield Note(value.line, f"{name}: still says {tag}; {STAYS}")
        here = here.parent
