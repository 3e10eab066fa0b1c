"""docs/benchmarks.md, from what was measured."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from bench import startup
from bench.cost import Cost
from bench.images import SMALL_MEGABYTES
from bench.keys import KeyCost
from bench.scenarios import CHAINS, FLOWS, LARGE, NOTHING, SMALL, Scenario

MEGABYTE = 1e6
NOT_MEASURED = ""


@dataclass(frozen=True, slots=True)
class Case:
    """``size`` is LARGE or SMALL."""

    store: str
    size: str
    scenario: str


@dataclass(slots=True)
class Results:
    """``machine`` and, by store, ``versions`` are told as they are; ``megabytes`` are those of the
    large image, unpacked; ``costs`` has one for each round, by case and flow."""

    machine: str
    versions: Mapping[str, str]
    keys: Sequence[KeyCost]
    starts: list[startup.Seconds]
    hub_edit: str
    megabytes: int = 0
    costs: dict[Case, dict[str, list[Cost]]] = field(default_factory=dict)

    def add(self, case: Case, flow: str, cost: Cost) -> None:
        self.costs.setdefault(case, {}).setdefault(flow, []).append(cost)


def page(results: Results) -> str:
    others = (part(results) for part in (_sizes, _keys, _start, _hub_edit))
    return "\n".join((_head(results), *_flows(results), *others))


def _head(results: Results) -> str:
    return f"""\
# Benchmarks

Written by `python -m bench` ([how](../bench/README.md)) on {date.today():%d %B %Y}:
{results.machine}. All sides were measured in one run and in turn.
Look at the ratios: the seconds are that machine's. Figures are the median of all rounds, with the
lowest and the highest in brackets; what has no brackets was measured once.

## A commit's way to the registry

Three flows take the same commits to registries of their own, each from an empty engine, as on a
fresh runner:

- **ours**: `r2d-action run`;
- **reference**: the steps of repo2docker-action. Pull `latest`, build with repo2docker and
  `--cache-from` that image, push each tag;
- **floor**: plain `docker buildx build` with the same cache as ours, then `docker push` of each
  tag. Whoever builds at all, with this cache and this engine, cannot be much faster.

The image has {results.megabytes} MB: a base image, and packages that pip installs from the
environment file. Where these have to be installed anew, no flow can spare them. The registries are
on the same machine, so that a transfer costs next to nothing here; on a real network the bytes
weigh more. The registries count them, that of the base image included.
"""


# A commit's way ----------------------------------------------------------------------------


def _flows(results: Results) -> Iterator[str]:
    for store, versions in results.versions.items():
        cases = {
            scenario: results.costs[case]
            for chain in CHAINS[LARGE]
            for scenario in chain
            if (case := Case(store, LARGE, scenario.name)) in results.costs
        }
        yield f"### Image store: {store}\n\n{versions}.\n"
        yield _times(cases)
        yield _traffic(cases)


Cases = Mapping[Scenario, Mapping[str, Sequence[Cost]]]


def _times(cases: Cases) -> str:
    rows = [
        (
            scenario.name,
            _ratio(costs, "reference"),
            _ratio(costs, "floor"),
            *(_seconds(costs.get(flow, ())) for flow in ("ours", "reference", "floor")),
        )
        for scenario, costs in cases.items()
    ]
    return _table(("", "ours / reference", "ours / floor", "ours", "reference", "floor"), rows)


def _traffic(cases: Cases) -> str:
    rows = [
        (
            scenario.name,
            _side_by_side(costs, lambda cost: cost.traffic.up / MEGABYTE, ".1f"),
            _side_by_side(costs, lambda cost: cost.traffic.down / MEGABYTE, ".1f"),
            _side_by_side(costs, lambda cost: cost.traffic.requests, ".0f"),
        )
        for scenario, costs in cases.items()
    ]
    return _table(("ours / reference / floor", "MB up", "MB down", "requests"), rows)


def _ratio(costs: Mapping[str, Sequence[Cost]], other: str) -> str:
    if other not in costs:
        return NOT_MEASURED
    pairs = zip(costs["ours"], costs[other], strict=True)
    ratios = [mine.seconds / theirs.seconds for mine, theirs in pairs]
    # A hundredth says nothing about a fiftieth.
    return _spread(ratios, ".2f" if min(ratios) > 0.1 else ".3f", around="**")


def _seconds(costs: Sequence[Cost]) -> str:
    return _spread([cost.seconds for cost in costs], ".1f", "s") if costs else NOT_MEASURED


def _side_by_side(
    costs: Mapping[str, Sequence[Cost]], amount: Callable[[Cost], float], form: str
) -> str:
    in_order = (costs[flow] for flow in FLOWS if flow in costs)
    medians = (statistics.median(map(amount, series)) for series in in_order)
    return " / ".join(format(median, form) for median in medians)


# What else is measured ---------------------------------------------------------------------


def _sizes(results: Results) -> str:
    megabytes = {SMALL: SMALL_MEGABYTES, LARGE: results.megabytes}
    rows = [
        (
            f"{megabytes[case.size]} MB",
            case.store,
            _ratio(costs, "reference"),
            _spread([cost.seconds for cost in costs["ours"]], ".2f", "s"),
            _side_by_side({"ours": costs["ours"]}, lambda cost: cost.traffic.up, ".0f"),
            _side_by_side({"ours": costs["ours"]}, lambda cost: cost.traffic.requests, ".0f"),
        )
        for case, costs in results.costs.items()
        if case.scenario == NOTHING.name
    ]
    return f"""\
## Nothing changed, whatever the image's size

The engine has no part in it, and no layer moves:

{_table(("image", "store", "ours / reference", "ours", "bytes up", "requests"), rows)}"""


def _keys(results: Results) -> str:
    rows = [
        (
            f"{cost.files:,}",
            _spread(cost.ratios, ".2f", around="**"),
            _spread(cost.key, ".3f", "s"),
            _spread(cost.git_status, ".3f", "s"),
        )
        for cost in results.keys
    ]
    return f"""\
## Knowing that nothing changed

From a clean checkout to its image key, which is all that a run does before it can ask the registry
for the image, beside `git status` of the same files:

{_table(("files", "key / git status", "key", "git status"), rows)}"""


def _start(results: Results) -> str:
    return f"""\
## The start of the action

From the runner's first command to the first line of a build, beside `pip install` of the same
packages. Downloads are cached for all sides.

{startup.report(results.starts)}

Cold means that nothing is installed; warm, that an earlier run on the same runner has installed it.
"""


def _hub_edit(results: Results) -> str:
    return f"""\
## Changing an image in a hub's repository

Beside PyYAML's fastest reading of all files, which is where an edit that loads each of them would
begin:

{results.hub_edit}
"""


def _spread(values: Sequence[float], form: str, unit: str = "", around: str = "") -> str:
    middle = f"{around}{statistics.median(values):{form}}{around} {unit}".rstrip()
    if len(values) == 1:
        return middle
    return f"{middle} ({min(values):{form}} to {max(values):{form}})"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = (head, ["---"] * len(head), *rows)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
