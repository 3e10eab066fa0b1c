"""The new tag in a hub's files, as a function of their contents.

All or nothing: where anything is refused, no file is to be written.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from r2d_action.errors import HubFailed
from r2d_action.hub.choose import FoundPlace, choose, found_places
from r2d_action.hub.locate import is_yaml, locate
from r2d_action.hub.mention import Image
from r2d_action.hub.place import STAYS, Located, Note, Place
from r2d_action.hub.selector import Selector, written
from r2d_action.hub.splice import (
    CannotSplice,
    Piece,
    is_up_to_date,
    new_text,
    pieces,
    reads_the_same,
    spliced,
)
from r2d_action.hub.values import Candidate, Change, Edited, FileEdit, NewImage, Refusal


def edit(
    files: Mapping[str, bytes],
    new: NewImage,
    selectors: Sequence[Selector] = (),
    *,
    files_were_named: bool = True,
) -> Edited:
    """``files`` by path. ``files_were_named`` is false where they are all of a repository's, and
    nobody said which: then they may not be of several minds about the tag."""
    image = Image.of(new.repository)
    located = {path: locate(path, files[path], image) for path in sorted(files)}
    places = tuple(
        place for path, one in located.items() for place in found_places(path, one.places)
    )
    choice = choose(places, new, selectors, files_were_named=files_were_named)
    made = [
        _edit_file(path, files[path], one, choice.of_file(path), new)
        for path, one in located.items()
    ]
    refusals = (*choice.refusals, *(refusal for one in made for refusal in one.refusals))
    return Edited(
        files=() if refusals else tuple(one.file for one in made if one.file),
        refusals=refusals,
        names_image=any(one.names_image for one in located.values()),
    )


@dataclass(frozen=True, slots=True)
class _Made:
    file: FileEdit | None = None
    refusals: tuple[Refusal, ...] = ()


def _edit_file(
    path: str, before: bytes, located: Located, chosen: Sequence[FoundPlace], new: NewImage
) -> _Made:
    stale = [one for one in chosen if not is_up_to_date(one.place, new)]
    if not stale:
        notes = _notes(located, chosen, ())
        return _Made(FileEdit(path, before, before, (), notes) if notes else None)
    changes: dict[Piece, None] = {}
    refusals: list[Refusal] = []
    for one in stale:
        try:
            changes |= dict.fromkeys(_pieces(one.place, new, located.text))
        except CannotSplice as reason:
            refusals.append(_cannot_change(one, str(reason)))
    after = spliced(located.text, changes)
    if not refusals and not _is_as_meant(path, located, after, tuple(changes), stale, new):
        refusals = [_cannot_change(one, "the result would not read as meant") for one in stale]
    if refusals:
        return _Made(refusals=tuple(refusals))
    mark = codecs.BOM_UTF8 if before.startswith(codecs.BOM_UTF8) else b""
    made = tuple(_change(one, new) for one in stale)
    return _Made(
        FileEdit(path, before, mark + after.encode(), made, _notes(located, chosen, stale))
    )


def _notes(
    located: Located, chosen: Sequence[FoundPlace], stale: Sequence[FoundPlace]
) -> tuple[str, ...]:
    changes = [one.place for one in chosen]
    notes = {note.line: note for one in stale for note in one.place.mirrors}
    notes |= {
        place.line: Note(place.line, f"hub.image: what the hub itself runs in; {STAYS}")
        for place in located.places
        if place.is_the_hubs_own and place not in changes
    }
    notes |= {note.line: note for note in located.notes}
    return tuple(str(notes[line]) for line in sorted(notes))


def _pieces(place: Place, new: NewImage, text: str) -> tuple[Piece, ...]:
    if place.blocked:
        raise CannotSplice(place.blocked)
    return pieces(place, new, text)


def _is_as_meant(
    path: str,
    located: Located,
    after: str,
    changes: Sequence[Piece],
    stale: Sequence[FoundPlace],
    new: NewImage,
) -> bool:
    if is_yaml(path):
        return reads_the_same(located.text, after, changes)
    moved = [one.place for one in stale]
    again = locate(path, after.encode(), Image.of(new.repository))
    expected = [new_text(place, new) if place in moved else place.old for place in located.places]
    return [place.old for place in again.places] == expected


def _cannot_change(one: FoundPlace, reason: str) -> Refusal:
    what = f"{one.path}, line {one.place.line}: {one.full} cannot be changed: {reason}."
    return Refusal(f"{what} Change it by hand, or leave it out with selectors.", (one.candidate,))


def _change(one: FoundPlace, new: NewImage) -> Change:
    aliases = tuple(map(written, one.place.aliases))
    return Change(one.path, one.full, one.place.old, new_text(one.place, new), aliases)


def accepted(edited: Edited) -> Edited:
    """Raises :class:`HubFailed` where anything is refused."""
    if not edited.refusals:
        return edited
    what = " ".join(refusal.what for refusal in edited.refusals)
    lines = [line for refusal in edited.refusals for line in map(_to_paste, refusal.candidates)]
    remedy = "\n".join(("The places to choose from:", *lines)) if lines else ""
    raise HubFailed(f"{what} Nothing was written.", remedy=remedy)


def _to_paste(one: Candidate) -> str:
    return f"  {one.path} has {one.old}: {one.selector or 'nothing tells it from another place'}"
