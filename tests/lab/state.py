"""What is running, written down between one run of the lab and the next."""

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lab.engine import STORES, Engine, Store
from lab.home import Home
from lab.process import Process
from lab.registry import RunningRegistry


@dataclass(frozen=True)
class State:
    engines: Mapping[Store, Engine] = field(default_factory=dict)
    registry: RunningRegistry | None = None
    port: int | None = None
    """The registry's port, kept while it is down: references to its images stay valid."""

    def engine(self, store: Store | None) -> Engine | None:
        """The engine with this store; without a choice the machine's own before the lab's."""
        by_rank = sorted(
            self.engines.values(),
            key=lambda engine: (engine.process is not None, STORES.index(engine.store)),
        )
        return next((engine for engine in by_rank if store in (None, engine.store)), None)


@contextmanager
def locked(home: Home) -> Iterator[None]:
    """Let one run change the lab at a time; others wait."""
    home.root.mkdir(parents=True, exist_ok=True)
    with (home.root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def load(home: Home) -> State:
    file = _file(home)
    return from_json(file.read_text()) if file.exists() else State()


def save(home: Home, state: State) -> None:
    scratch = _file(home).with_suffix(".new")
    scratch.write_text(to_json(state))
    scratch.replace(_file(home))


def to_json(state: State) -> str:
    return json.dumps(asdict(state), indent=2, default=str)


def from_json(text: str) -> State:
    value = json.loads(text)
    engines = {store: _engine(engine) for store, engine in value["engines"].items()}
    return State(engines, _registry(value["registry"]), value["port"])


def _engine(value: Mapping[str, Any]) -> Engine:
    return Engine(**{**value, "process": value["process"] and Process(**value["process"])})


def _registry(value: Mapping[str, Any] | None) -> RunningRegistry | None:
    if value is None:
        return None
    return RunningRegistry(value["host"], Process(**value["process"]), Path(value["log"]))


def _file(home: Home) -> Path:
    return home.root / "state.json"
