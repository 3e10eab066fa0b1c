"""What is different in a newer image. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cmp_to_key
from itertools import zip_longest

from r2d_action.packages.values import KINDS, Change, Difference, Kind, Move, PackageList
from r2d_action.packages.versions import move

Name = tuple[Kind, str]
# Version and build.
Installed = tuple[str, str]


def difference(old: PackageList, new: PackageList) -> Difference:
    """Where packages are does not count: an environment may be called otherwise now. One that is
    in several environments is compared as often as it is there."""
    before, after = _by_name(old), _by_name(new)
    names = sorted({*before, *after}, key=lambda name: (KINDS.index(name[0]), name[1]))
    return Difference(
        tuple(
            change
            for name in names
            for change in _changes(name, before.get(name, Counter()), after.get(name, Counter()))
        )
    )


def _by_name(packages: PackageList) -> dict[Name, Counter[Installed]]:
    found: dict[Name, Counter[Installed]] = {}
    for one in packages:
        found.setdefault((one.kind, one.name), Counter())[one.version, one.build] += 1
    return found


def _changes(name: Name, old: Counter[Installed], new: Counter[Installed]) -> Iterator[Change]:
    kind = name[0]
    gone, come = _ascending(kind, old - new), _ascending(kind, new - old)
    for before, after in zip_longest(gone, come):
        yield _change(name, before, after)


def _ascending(kind: Kind, installed: Counter[Installed]) -> list[Installed]:
    def compare(one: Installed, other: Installed) -> int:
        return {Move.UP: -1, Move.DOWN: 1}.get(move(kind, one[0], other[0]), 0)

    return sorted(sorted(installed.elements()), key=cmp_to_key(compare))


def _change(name: Name, before: Installed | None, after: Installed | None) -> Change:
    kind, package = name
    if before is None or after is None:
        way = Move.ADDED if before is None else Move.REMOVED
        old, new = (before or ("",))[0], (after or ("",))[0]
    elif before[0] == after[0]:
        way, old, new = Move.CHANGED, " ".join(before).strip(), " ".join(after).strip()
    else:
        way, old, new = move(kind, before[0], after[0]), before[0], after[0]
    return Change(kind=kind, name=package, move=way, old=old, new=new)
