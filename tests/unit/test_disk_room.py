from __future__ import annotations

from dataclasses import dataclass

import pytest

from r2d_action.engine import LEAST_FREE_BYTES, require_room
from r2d_action.errors import EngineError


@dataclass
class Disk:
    """One that has ``free`` bytes, and as many more once ``spare`` is removed."""

    free: int | None
    spare: int = 0
    cleared: int = 0

    def bytes(self) -> int | None:
        return self.free

    def clear(self) -> None:
        self.cleared += 1
        self.free = (self.free or 0) + self.spare


@pytest.mark.parametrize("free", [None, LEAST_FREE_BYTES])
def test_nothing_is_cleared_where_there_is_room(free: int | None) -> None:
    disk = Disk(free)
    require_room(disk.bytes, disk.clear)
    assert disk.cleared == 0


def test_what_can_be_spared_goes_before_the_run_is_refused() -> None:
    disk = Disk(LEAST_FREE_BYTES - 1, spare=1)
    require_room(disk.bytes, disk.clear)
    assert disk.cleared == 1


def test_too_little_is_refused_with_what_there_is_by_then() -> None:
    disk = Disk(300_000_000, spare=200_000_000)
    with pytest.raises(EngineError, match="Only 500 MB are free"):
        require_room(disk.bytes, disk.clear)
