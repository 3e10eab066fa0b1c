from pathlib import Path

from lab.engine import Engine
from lab.process import Process
from lab.registry import RunningRegistry
from lab.state import State, from_json, to_json

GRAPHDRIVER = Engine("graphdriver", "unix:///lab/g.sock", "10.213.0.1", Process(17, "boot:1"))
CONTAINERD = Engine("containerd", "unix:///lab/c.sock", "10.213.1.1", Process(18, "boot:2"))
MACHINE = Engine("containerd", "unix:///run/docker.sock", "172.17.0.1")


def test_a_state_survives_being_written_down() -> None:
    registry = RunningRegistry("127.0.0.1:5000", Process(19, "boot:3"), Path("/lab/registry.log"))
    state = State({"graphdriver": GRAPHDRIVER, "containerd": MACHINE}, registry, 5000)
    assert from_json(to_json(state)) == state
    assert from_json(to_json(State())) == State()


def test_without_a_choice_it_is_the_same_engine_whatever_came_up_last() -> None:
    state = State({"containerd": CONTAINERD, "graphdriver": GRAPHDRIVER})
    assert state.engine(None) == GRAPHDRIVER
    assert state.engine("containerd") == CONTAINERD


def test_the_machines_own_engine_comes_first() -> None:
    assert State({"graphdriver": GRAPHDRIVER, "containerd": MACHINE}).engine(None) == MACHINE


def test_an_engine_that_is_not_up_is_not_replaced_by_another() -> None:
    assert State({"graphdriver": GRAPHDRIVER}).engine("containerd") is None
