"""What happens to a repository, one commit after the other, and who brings it to the registry."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path

from bench.checkout import Checkout
from bench.cost import Cost, measured
from bench.flows import Flow, Job, floor, ours, reference
from bench.images import EDITIONS, NOTEBOOK, Packages, large, publish_edition, small
from bench.machine import Machine
from lab.registry import RunningRegistry, start_registry
from lab.talk import say

FLOWS: Mapping[str, Flow] = {"ours": ours, "reference": reference, "floor": floor}
BOTH = ("ours", "reference")
ALL = (*BOTH, "floor")
# A registry that images are pushed to and, where a scenario says so, a second one.
Pair = tuple[RunningRegistry, RunningRegistry]
Report = Callable[["Scenario", str, Cost], None]


@dataclass(frozen=True, slots=True)
class Desk:
    """A repository whose commits the flows take to their registries. ``size`` is that of its
    image, LARGE or SMALL."""

    machine: Machine
    size: str
    checkout: Checkout
    environments: Iterator[str]
    notebooks: Iterator[int] = field(default_factory=count)

    def change_nothing(self) -> None:
        self.checkout.commit({})

    def change_notebook(self) -> None:
        self.checkout.commit({NOTEBOOK: f'{{"edition": {next(self.notebooks)}}}'})

    def change_environment(self) -> None:
        self.checkout.commit({"requirements.txt": next(self.environments)})

    def move_base(self) -> None:
        publish_edition(self.machine.upstream, EDITIONS[1])
        self.checkout.commit({})


@dataclass(frozen=True, slots=True)
class Scenario:
    """One that is measured ``once`` is left out after the first round: it takes minutes."""

    name: str
    change: Callable[[Desk], None]
    flows: tuple[str, ...] = BOTH
    more_tags: tuple[str, ...] = ()
    registries: int = 1
    once: bool = False


COLD = Scenario("cold", Desk.change_nothing, ALL)
NOTHING = Scenario("nothing changed", Desk.change_nothing)
NOTEBOOK_CHANGED = Scenario("notebook changed", Desk.change_notebook, ALL)
# What this one starts from was itself built with layers of an earlier image.
NOTEBOOK_AGAIN = Scenario("notebook changed again", Desk.change_notebook, once=True)
ENVIRONMENT = Scenario("environment file changed", Desk.change_environment, once=True)
BASE = Scenario("base image moved", Desk.move_base, once=True)
THREE_TAGS = Scenario(
    "cold, three tags", Desk.change_nothing, more_tags=("2026-spring",), once=True
)
TWO_REGISTRIES = Scenario("cold, two registries", Desk.change_nothing, registries=2, once=True)

Chain = tuple[Scenario, ...]
LARGE, SMALL = "large image", "small image"
# Each chain begins with registries that know nothing.
CHAINS: Mapping[str, tuple[Chain, ...]] = {
    LARGE: (
        (COLD, NOTHING, NOTEBOOK_CHANGED, NOTEBOOK_AGAIN, ENVIRONMENT, BASE),
        (THREE_TAGS,),
        (TWO_REGISTRIES,),
    ),
    SMALL: ((COLD, NOTHING),),
}


@contextmanager
def new_desk(machine: Machine, size: str, packages: Packages) -> Iterator[Desk]:
    files = large(machine, packages) if size == LARGE else small(machine)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        checkout = Checkout.create(Path(folder, "checkout"), files)
        yield Desk(machine, size, checkout, cycle((packages.after, packages.before)))


def carry_out(desk: Desk, turn: int, report: Report) -> None:
    """Another ``turn`` is another order of the flows: none of them always comes first."""
    for chain in CHAINS[desk.size]:
        if due := tuple(scenario for scenario in chain if turn == 0 or not scenario.once):
            _carry_out(due, desk, turn, report)


def _carry_out(chain: Chain, desk: Desk, turn: int, report: Report) -> None:
    publish_edition(desk.machine.upstream, EDITIONS[0])
    with ExitStack() as stack:
        pairs = {name: stack.enter_context(_registries()) for name in FLOWS}
        for scenario in chain:
            scenario.change(desk)
            for name in _in_turn(scenario.flows, turn):
                cost = _measured(scenario, desk, pairs[name], FLOWS[name])
                say(f"{desk.machine.store}, {desk.size}, {scenario.name}, {name}: {cost}")
                report(scenario, name, cost)


def _measured(scenario: Scenario, desk: Desk, pair: Pair, flow: Flow) -> Cost:
    hosts = tuple(registry.host for registry in pair[: scenario.registries])
    checkout = desk.checkout
    job = Job(desk.machine, checkout.folder, checkout.sha, hosts, scenario.more_tags)
    desk.machine.wipe()
    return measured(lambda: flow(job), (*pair, desk.machine.upstream))


def _in_turn(names: tuple[str, ...], turn: int) -> tuple[str, ...]:
    first = turn % len(names)
    return names[first:] + names[:first]


@contextmanager
def _registries() -> Iterator[Pair]:
    with tempfile.TemporaryDirectory(prefix="bench-registry-") as folder, ExitStack() as stack:
        pair = (start_registry(Path(folder, "one")), start_registry(Path(folder, "two")))
        for registry in pair:
            stack.callback(registry.stop)
        yield pair
