"""python -m bench: measure everything, in turn, and write docs/benchmarks.md."""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from bench import ROOT, hub_edit, images, startup
from bench.cost import Cost
from bench.flows import install
from bench.keys import SIZES, key_costs
from bench.machine import Machine, machines
from bench.page import Case, Results, page
from bench.scenarios import CHAINS, LARGE, Desk, Scenario, carry_out, new_desk
from lab.engine import STORES
from lab.errors import LabError
from lab.talk import say, step

PAGE = ROOT / "docs" / "benchmarks.md"
SHORT_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured; ``short_rounds`` of what takes seconds."""

    rounds: int
    short_rounds: int
    packages: images.Packages
    key_sizes: Sequence[int]


def main() -> int:
    options = _parser().parse_args()
    # To see that everything works: its figures say nothing.
    quick = Scale(1, 1, images.FEW_PACKAGES, SIZES[:2])
    scale = quick if options.quick else Scale(options.rounds, SHORT_ROUNDS, images.PACKAGES, SIZES)
    # Engines and registries are not to outlive us, however we end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    machine, start = _machine(), time.monotonic()
    try:
        with machines(STORES) as found:
            for results in _measured(machine, found, scale):
                _show(page(results), quick=options.quick)
                say(f"{(time.monotonic() - start) / 60:.0f} minutes so far")
    except LabError as error:
        say(str(error))
        return 1
    return 0


def _show(text: str, *, quick: bool) -> None:
    if quick:
        sys.stdout.write(text)
    else:
        PAGE.write_text(text, encoding="utf-8")


def _measured(machine: str, found: Sequence[Machine], scale: Scale) -> Iterator[Results]:
    """All that is known so far, each time that there is more."""
    images.stock(found[0])
    results = _short_ones(machine, found, scale)
    with ExitStack() as stack:
        desks = [
            stack.enter_context(new_desk(one, size, scale.packages))
            for one in found
            for size in CHAINS
        ]
        results.megabytes = next(_megabytes(desk) for desk in desks if desk.size == LARGE)
        for turn in range(scale.rounds):
            for desk in desks:
                carry_out(desk, turn, _recorder(desk, results))
                yield results


def _short_ones(machine: str, found: Sequence[Machine], scale: Scale) -> Results:
    with step("start of the action"):
        starts = startup.measure(scale.short_rounds)
        install()
    return Results(
        machine=machine,
        versions={one.store: one.versions for one in found},
        keys=key_costs(scale.key_sizes, scale.short_rounds),
        starts=starts,
        hub_edit=hub_edit.table(scale.short_rounds),
    )


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    load, *_ = os.getloadavg()
    return (
        f"a machine with {os.cpu_count()} cores, {memory:.0f} GB of memory, Python "
        f"{platform.python_version()}, and a load of {load:.1f} at the start"
    )


def _megabytes(desk: Desk) -> int:
    """Of the image, unpacked. Its build also shows that what follows can work."""
    images.publish_edition(desk.machine.upstream, images.EDITIONS[0])
    name = "bench/size"
    desk.machine.docker("buildx", "build", "--load", "--tag", name, desk.checkout.folder)
    sizes = desk.machine.docker("history", "--human=false", "--format", "{{.Size}}", name)
    return round(sum(map(int, sizes.split())) / 1e6)


def _recorder(desk: Desk, results: Results) -> Callable[[Scenario, str, Cost], None]:
    def record(scenario: Scenario, flow: str, cost: Cost) -> None:
        results.add(Case(desk.machine.store, desk.size, scenario.name), flow, cost)

    return record


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--quick", action="store_true", help="one round of little work, printed and not written"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
