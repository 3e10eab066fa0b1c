from __future__ import annotations

import io
import os
import select
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fakes.server import Answer, Request, serving
from integration.conftest import Lab
from r2d_action.disk import freeing
from r2d_action.engine import connect
from r2d_action.errors import EngineError
from r2d_action.runner import Runner

HOSTED = {"RUNNER_ENVIRONMENT": "github-hosted"}


@dataclass
class Machine:
    """A runner's: a toolkit takes up room, and these programs are all that there is."""

    folder: Path
    said: io.StringIO = field(default_factory=io.StringIO)

    @property
    def toolkit(self) -> Path:
        return self.folder / "toolkit"

    @property
    def programs(self) -> Path:
        return self.folder / "programs"

    def program(self, name: str, script: str) -> None:
        (self.programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.programs / name).chmod(0o755)

    def free(self, *, wanted: bool = True, env: Mapping[str, str] = HOSTED) -> str:
        paths = {"PATH": str(self.programs), **env}
        toolkits = (str(self.toolkit), str(self.folder / "missing"))
        with freeing(wanted, paths, Runner(stream=self.said), toolkits):
            pass
        return self.said.getvalue()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    machine.programs.mkdir()
    (machine.toolkit / "inside").mkdir(parents=True)
    machine.program("rm", f'exec {shutil.which("rm")} "$@"')
    return machine


def test_without_sudo_it_is_removed_as_whoever_we_are(machine: Machine) -> None:
    said = machine.free()
    assert not machine.toolkit.exists()
    assert said == f"freeing disk space: {machine.toolkit}\n"


def test_sudo_is_for_those_who_need_it(machine: Machine) -> None:
    asked = machine.folder / "asked"
    machine.program("sudo", f'echo "$1" >> {shlex.quote(str(asked))}; shift; exec "$@"')
    machine.free()
    assert not machine.toolkit.exists()
    assert asked.exists() is bool(os.geteuid())


@pytest.mark.parametrize("more", [0, 300_000])
def test_what_could_not_be_removed_is_told(machine: Machine, more: int) -> None:
    lines = f'echo "rm: cannot remove it: Read-only" >&2; head -c {more} /dev/zero >&2; exit 1'
    machine.program("rm", f"PATH=/usr/bin:/bin; {lines}")
    said = machine.free()
    told = f"{machine.toolkit} could not be removed (rm: cannot remove it: Read-only); the run goes"
    assert f"notice: FREE_DISK_SPACE: {told} on with the room that there is.\n" in said


@pytest.mark.parametrize(
    ("wanted", "env", "word"),
    [(False, HOSTED, ""), (True, {}, "FREE_DISK_SPACE is for GitHub's own runners")],
)
def test_others_keep_what_they_have(
    machine: Machine, wanted: bool, env: Mapping[str, str], word: str
) -> None:
    said = machine.free(wanted=wanted, env=env)
    assert machine.toolkit.exists()
    assert word in said
    assert bool(said) is bool(word)


def test_a_build_that_fails_learns_it_too(machine: Machine) -> None:
    machine.program("rm", "exit 1")
    env = {"PATH": str(machine.programs), **HOSTED}
    runner = Runner(stream=machine.said)
    with pytest.raises(ZeroDivisionError), freeing(True, env, runner, (str(machine.toolkit),)):
        _ = 1 / 0
    assert "could not be removed" in machine.said.getvalue()


def test_it_goes_on_beside_the_work_and_is_waited_for(machine: Machine) -> None:
    fifo = machine.folder / "fifo"
    os.mkfifo(fifo)
    begun = os.open(fifo, os.O_RDWR)
    machine.program("rm", f'echo begun > {shlex.quote(str(fifo))}; exec {shutil.which("rm")} "$@"')
    env = {"PATH": str(machine.programs), **HOSTED}
    with freeing(True, env, Runner(stream=machine.said), (str(machine.toolkit),)):
        assert select.select([begun], [], [], 60)[0]
    os.close(begun)
    assert not machine.toolkit.exists()


def full_engine(request: Request) -> Answer:
    """One that keeps its images where there never is any room."""
    if request.path.endswith("/info"):
        return Answer.of({"DockerRootDir": "/proc"})
    return Answer.of({"ApiVersion": "1.41"})


def test_an_engine_is_refused_after_room_was_made(lab: Lab, tmp_path: Path) -> None:
    calls: list[str] = []
    with serving(full_engine) as host:
        env = {**lab.env, "DOCKER_HOST": f"tcp://{host}"}
        with pytest.raises(EngineError, match="Only 0 MB are free"):
            connect(env, tmp_path, lambda: calls.append("room"))
    assert calls == ["room"]
