"""script/lab: bring up, describe and take down what the real tests run on."""

import argparse
import json
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace

from lab.engine import (
    PLUGIN_LINK,
    STORES,
    Engine,
    Store,
    find_machine_engine,
    start_engine,
    stop_engine,
    unpack_engine,
)
from lab.errors import LabError
from lab.home import Home, find_home
from lab.registry import RunningRegistry, find_program, start_registry, unpack_registry
from lab.state import State, load, locked, save
from lab.stock import BASE, COMMUNITY, PLAIN, Shelf, stock
from lab.talk import say, step


def up(home: Home, store: Store | None) -> None:
    with locked(home):
        state = load(home)
        engine = _ensure_engine(home, state, store)
        state = replace(state, engines={**state.engines, engine.store: engine})
        save(home, state)
        registry = _ensure_registry(home, state)
        save(home, replace(state, registry=registry, port=registry.port))
        stock(Shelf(home, engine, registry))
    say(f"up: {engine.docker_host} ({engine.store}), registry {registry.host}")


def _ensure_engine(home: Home, state: State, store: Store | None) -> Engine:
    own = state.engines.get(store or "graphdriver")
    if own and own.answers:
        unpack_engine(home)
        return own
    machine = find_machine_engine(home)
    if machine and store in (None, machine.store):
        return machine
    return start_engine(home, store or "graphdriver", own)


def _ensure_registry(home: Home, state: State) -> RunningRegistry:
    if state.registry and state.registry.answers:
        return state.registry
    if state.registry:
        state.registry.stop()
    unpack_registry(home)
    with step("starting the registry"):
        return start_registry(home.registry, port=state.port)


def down(home: Home, *, purge: bool) -> None:
    with locked(home):
        state = load(home)
        for engine in state.engines.values():
            stop_engine(home, engine)
        if state.registry:
            state.registry.stop()
        save(home, State(port=state.port))
        if purge:
            _purge(home)
    say("down")


def _purge(home: Home) -> None:
    if PLUGIN_LINK.is_symlink() and home.contains(str(PLUGIN_LINK.readlink())):
        PLUGIN_LINK.unlink()
    with step(f"removing {home.root}"):
        shutil.rmtree(home.root)


def environment(home: Home, store: Store | None) -> dict[str, str]:
    state = load(home)
    engine = state.engine(store)
    if engine is None or state.registry is None:
        raise LabError("it is not up: run script/lab up")
    return {
        "PATH": home.search_path,
        "DOCKER_HOST": engine.docker_host,
        "R2D_LAB_STORE": engine.store,
        "R2D_LAB_BRIDGE_ADDRESS": engine.bridge_address,
        "R2D_LAB_REGISTRY": state.registry.host,
        "R2D_LAB_BASE_IMAGE": f"{state.registry.host}/{BASE}",
        "R2D_LAB_COMMUNITY_IMAGE": f"{state.registry.host}/{COMMUNITY}",
        "R2D_LAB_PLAIN_IMAGE": f"{state.registry.host}/{PLAIN}",
        "R2D_LAB_DOCKER_REGISTRY": find_program("docker-registry", home),
        "R2D_LAB_HTPASSWD": find_program("htpasswd", home),
    }


def status(home: Home) -> dict[str, object]:
    state = load(home)
    engines = {
        engine.store: "the machine's own" if engine.process is None else _health(engine)
        for engine in state.engines.values()
    }
    return {"directory": str(home.root), "engines": engines, "registry": _health(state.registry)}


def _health(part: Engine | RunningRegistry | None) -> str:
    if part is None:
        return "down"
    return "up" if part.answers else "dead"


def main() -> int:
    options = _parser().parse_args()
    home = find_home()
    try:
        match options.command:
            case "up":
                up(home, options.store)
            case "down":
                down(home, purge=options.purge)
            case "status":
                sys.stdout.write(json.dumps(status(home), indent=2) + "\n")
            case "env":
                values = environment(home, options.store)
                sys.stdout.write(_format(values, as_json=options.json))
    except LabError as error:
        say(str(error))
        return 1
    return 0


def _format(values: Mapping[str, str], *, as_json: bool) -> str:
    if as_json:
        return json.dumps(values, indent=2) + "\n"
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="script/lab", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up_command = commands.add_parser("up", help="start what is not running yet")
    env_command = commands.add_parser("env", help="print what a shell or a program needs to use it")
    for command in (up_command, env_command):
        command.add_argument(
            "--store", choices=STORES, help="the image store that the engine must have"
        )
    env_command.add_argument(
        "--json", action="store_true", help="a JSON object instead of export lines"
    )
    commands.add_parser("status", help="print what runs, as JSON")
    down_command = commands.add_parser("down", help="stop what was started, and keep the caches")
    down_command.add_argument("--purge", action="store_true", help="remove the caches too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
