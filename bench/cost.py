"""What a flow costs: its time by our clock, everything else as the registries count it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lab.registry import RunningRegistry


@dataclass(frozen=True, slots=True)
class Traffic:
    """``up`` are the bytes of layers and configurations, ``down`` those of all answers."""

    up: int
    down: int
    requests: int


@dataclass(frozen=True, slots=True)
class Cost:
    seconds: float
    traffic: Traffic

    def __str__(self) -> str:
        up, down = self.traffic.up / 1e6, self.traffic.down / 1e6
        return f"{self.seconds:.2f} s, {up:.1f} MB up, {down:.1f} MB down"


def measured(work: Callable[[], object], registries: Sequence[RunningRegistry]) -> Cost:
    """``registries`` are all that ``work`` speaks to."""
    known = [len(registry.requests()) for registry in registries]
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    counted = [_traffic(*pair) for pair in zip(registries, known, strict=True)]
    return Cost(seconds, _total(counted))


def _traffic(registry: RunningRegistry, known: int) -> Traffic:
    new, sizes = registry.requests()[known:], registry.uploads()
    return Traffic(
        up=sum(sizes[request.digest] for request in new if request.digest),
        down=sum(request.sent for request in new),
        requests=len(new),
    )


def _total(parts: Sequence[Traffic]) -> Traffic:
    return Traffic(
        up=sum(part.up for part in parts),
        down=sum(part.down for part in parts),
        requests=sum(part.requests for part in parts),
    )
