"""Which of the places that name our image are to change, and when that is a person's choice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from r2d_action.hub.place import Place
from r2d_action.hub.selector import Path, Selector, full_selector, shortest_selector
from r2d_action.hub.values import Candidate, NewImage, Refusal

# What a person still reads.
MOST_CANDIDATES = 50


@dataclass(frozen=True, slots=True)
class FoundPlace:
    """``neighbours`` are the ways to the other places of its file."""

    path: str
    place: Place
    neighbours: tuple[Path, ...]

    @property
    def full(self) -> str:
        return full_selector(self.place.path, self.neighbours)

    @property
    def candidate(self) -> Candidate:
        short = shortest_selector(self.place.path, self.neighbours)
        return Candidate(self.path, short, self.place.old)


@dataclass(frozen=True, slots=True)
class Choice:
    chosen: tuple[FoundPlace, ...] = ()
    refusals: tuple[Refusal, ...] = ()

    def of_file(self, path: str) -> tuple[FoundPlace, ...]:
        return tuple(one for one in self.chosen if one.path == path)


def found_places(path: str, places: Sequence[Place]) -> tuple[FoundPlace, ...]:
    def ways(place: Place) -> tuple[Path, ...]:
        return (place.path, *place.aliases)

    return tuple(
        FoundPlace(
            path, place, tuple(way for other in places if other is not place for way in ways(other))
        )
        for place in places
    )


def choose(
    places: Sequence[FoundPlace],
    new: NewImage,
    selectors: Sequence[Selector],
    *,
    files_were_named: bool,
) -> Choice:
    """With selectors, the places that they name. Without, all, unless their tags differ: then
    somebody keeps them apart on purpose, within a file, or among files that nobody named."""
    if selectors:
        return _selected(places, new, selectors)
    # A hub may run in an image of ours. It is not what a user's image is built for, though.
    users = tuple(one for one in places if not one.place.is_the_hubs_own) or tuple(places)
    by_file: dict[str, list[FoundPlace]] = {}
    for one in users:
        by_file.setdefault(one.path if files_were_named else "", []).append(one)
    refusals = (_different_tags(group, new) for group in by_file.values())
    return Choice(users, tuple(refusal for refusal in refusals if refusal))


def _different_tags(places: Sequence[FoundPlace], new: NewImage) -> Refusal | None:
    tags = sorted({one.place.tag or one.place.old for one in places})
    if len(tags) < 2:
        return None
    files = sorted({one.path for one in places})
    where = files[0] if len(files) == 1 else f"{files[0]} and {_more(len(files) - 1)}"
    how = "a selector" if len(files) == 1 else "a selector, or name the files,"
    return Refusal(
        f"{where}: {new.repository} has different tags there ({', '.join(tags)}); "
        f"use {how} to say which of them is to become {new.tag}.",
        tuple(one.candidate for one in places[:MOST_CANDIDATES]),
    )


def _more(count: int) -> str:
    return f"{count} more file{'s' if count > 1 else ''}"


# Selectors ------------------------------------------------------------------------------------


def _selected(places: Sequence[FoundPlace], new: NewImage, selectors: Sequence[Selector]) -> Choice:
    chosen = tuple(one for one in places if _is_selected(one.place, selectors))
    shared = (_shared(one, selectors) for one in places if one not in chosen)
    in_vain = (
        _names_nothing(selector, places, new)
        for selector in selectors
        if not any(_names_way_to(selector, one.place) for one in places)
    )
    return Choice(chosen, (*(refusal for refusal in shared if refusal), *in_vain))


def _is_selected(place: Place, selectors: Sequence[Selector]) -> bool:
    if any(_names(selector, place, place.path) for selector in selectors):
        return True
    # A value that is kept apart changes for all that take it: all of them have to be selected.
    return place.holds_only and all(
        any(_names(selector, place, alias) for selector in selectors) for alias in place.aliases
    )


def _names(selector: Selector, place: Place, way: Path) -> bool:
    is_meant = selector.names_key("hub") or not place.is_the_hubs_own
    return is_meant and selector.matches(way)


def _names_way_to(selector: Selector, place: Place) -> bool:
    return any(_names(selector, place, way) for way in (place.path, *place.aliases))


def _shared(one: FoundPlace, selectors: Sequence[Selector]) -> Refusal | None:
    """A selector for an alias alone: the rest that shares the value would change as well."""
    naming = [selector for selector in selectors if _names_way_to(selector, one.place)]
    if not naming:
        return None
    return Refusal(
        f"{one.path}: what {naming[0]} names takes its image by a YAML alias from {one.full}, "
        "where it changes for all that share it; select that as well, or make a copy.",
        (one.candidate,),
    )


def _names_nothing(selector: Selector, places: Sequence[FoundPlace], new: NewImage) -> Refusal:
    if not places:
        return Refusal(f"{selector}: no file names {new.repository} at all.")
    return Refusal(
        f"{selector}: {new.repository} is not named there; select one of the places that name it.",
        _nearest(selector, places),
    )


def _nearest(selector: Selector, places: Iterable[FoundPlace]) -> tuple[Candidate, ...]:
    def in_common(one: FoundPlace) -> int:
        return SequenceMatcher(None, str(selector), one.full).find_longest_match().size

    nearest = sorted(places, key=in_common, reverse=True)[:MOST_CANDIDATES]
    return tuple(one.candidate for one in nearest)
