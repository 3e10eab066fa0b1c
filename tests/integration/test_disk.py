from __future__ import annotations

import io
import os
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from r2d_action.disk import freeing
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
    assert said == f"freeing disk space beside the build: {machine.toolkit}\n"


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
    told = f"{machine.toolkit} could not be removed (rm: cannot remove it: Read-only)."
    assert f"::notice::FREE_DISK_SPACE: {told}\n" in said


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


def test_it_goes_on_beside_the_work_and_is_waited_for(machine: Machine) -> None:
    """Not begun after it: the work lets the removal go on."""
    os.mkfifo(machine.folder / "gate")
    gate = shlex.quote(str(machine.folder / "gate"))
    machine.program("rm", f'read -r _ < {gate}; exec {shutil.which("rm")} "$@"')
    env = {"PATH": str(machine.programs), **HOSTED}
    with freeing(True, env, Runner(stream=machine.said), (str(machine.toolkit),)):
        (machine.folder / "gate").write_text("go\n")
    assert not machine.toolkit.exists()
