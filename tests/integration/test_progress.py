"""What a person sees of `r2d-action build`: on a real terminal, of a real build."""

from __future__ import annotations

import fcntl
import json
import os
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import docker
import pyte
import pytest

from integration.conftest import Lab, forget_images
from r2d_action.git import Git
from r2d_action.progress.times import Times

SRC = Path(__file__).resolve().parents[2] / "src"
NAME = "progress/image"
SECONDS = 120
BUILD_FAILED = 4
INTERRUPTED = 130
TERMINATED = 143
STAGES = ["Plan", "Look for problems", "Build", "Check", "List packages"]
NONE: Mapping[str, str] = {}
# What the environment of the tests may ask for.
WISHES = ("CI", "COLUMNS", "LINES", "NO_COLOR", "GITHUB_ACTIONS", "FORCE_COLOR")


@dataclass
class Terminal:
    """A pseudo terminal with one program in it, and what is on its screen."""

    process: subprocess.Popen[bytes]
    master: int
    screen: pyte.Screen
    received: bytearray = field(default_factory=bytearray)

    @classmethod
    def run(cls, argv: list[str], env: Mapping[str, str], *, columns: int = 100) -> Terminal:
        master, slave = os.openpty()
        screen = pyte.Screen(columns, 60)
        terminal = cls(
            # Only a terminal that controls its programs sends them the signal of a Ctrl-C.
            subprocess.Popen(
                ["setsid", "--ctty", *argv], stdin=slave, stdout=slave, stderr=slave, env=dict(env)
            ),
            master,
            screen,
        )
        os.close(slave)
        terminal.resize(columns)
        return terminal

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        return "\n".join(self.lines).rstrip()

    def resize(self, columns: int) -> None:
        size = struct.pack("HHHH", 60, columns, 0, 0)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, size)
        self.screen.resize(60, columns)

    def press(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def wait_for(self, seen: Callable[[str], bool]) -> str:
        """The screen as soon as it is as described."""
        while not seen(self.text):
            assert self._read(), self.text
        return self.text

    def end(self) -> int:
        while self._read():
            pass
        return self.process.wait(SECONDS)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)

    def _read(self) -> bool:
        ready, _, _ = select.select([self.master], [], [], SECONDS)
        assert ready, f"nothing for {SECONDS} s: {self.text}"
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: nobody has the other end any more
            return False
        self.received += data
        pyte.ByteStream(self.screen).feed(data)
        return bool(data)


@dataclass(frozen=True)
class Project:
    checkout: Path
    env: Mapping[str, str]
    running: ExitStack

    @property
    def times(self) -> list[Path]:
        return list(Path(self.env["XDG_CACHE_HOME"], "r2d-action", "times").glob("*"))

    def write(self, *instructions: str, base: str) -> None:
        lines = [f"FROM {base}", *instructions]
        (self.checkout / "Dockerfile").write_text("\n".join(lines) + "\n")

    def argv(self, *options: str) -> list[str]:
        given = ["--image-name", NAME, "--hub-start-check", "false", "--packages", "false"]
        return [sys.executable, "-m", "r2d_action", "build", str(self.checkout), *given, *options]

    def watch(self, *options: str, columns: int = 100, wish: Mapping[str, str] = NONE) -> Terminal:
        terminal = Terminal.run(self.argv(*options), {**self.env, **wish}, columns=columns)
        self.running.callback(terminal.close)
        return terminal


@pytest.fixture
def project(lab: Lab, engine: docker.DockerClient, tmp_path: Path) -> Iterator[Project]:
    kept = {name: value for name, value in lab.env.items() if name not in WISHES}
    env = {
        **kept,
        "PYTHONPATH": str(SRC),
        "TERM": "xterm-256color",
        # What is installed already serves here as well.
        "RUNNER_TOOL_CACHE": lab.env.get("XDG_CACHE_HOME") or f"{lab.env['HOME']}/.cache",
        "LC_ALL": "C.UTF-8",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    Git(checkout, lab.env).run("init", "-q")
    with ExitStack() as running:
        project = Project(checkout, env, running)
        project.write("RUN echo hello", base=lab.base_image)
        yield project
    forget_images(engine, NAME)


def row(text: str, start: str) -> str:
    return next(line for line in text.splitlines() if line.strip().startswith(start))


LONG = 'RUN for n in 1 2 3 4; do echo "package $n"; sleep 0.4; done'


def build_of_three_steps(lab: Lab, project: Project) -> None:
    """The first one is never in the builder's cache, and so neither are the others."""
    project.write(f"RUN echo {time.time_ns()}", LONG, base=lab.base_image)


def test_the_step_that_runs_and_how_long_it_took_last_time(lab: Lab, project: Project) -> None:
    build_of_three_steps(lab, project)
    terminal = project.watch()
    during = terminal.wait_for(lambda text: "    package 2" in text)
    assert terminal.screen.cursor.hidden
    assert row(during, "✓ Plan")
    assert row(during, "● Build").endswith(" s")
    assert row(during, "○ Check") == "○ Check"
    above = during.split("    package 2")[0].splitlines()[-1]
    assert above.startswith("    [3/3] RUN for n in 1 2 3 4; do echo")
    assert "last time" not in during
    assert terminal.end() == 0
    assert not terminal.screen.cursor.hidden
    assert [row(terminal.text, f"✓ {stage}") for stage in STAGES]
    assert "package 4" not in terminal.text
    assert f"docker run --rm -it -p 8888:8888 {NAME}:" in terminal.text

    build_of_three_steps(lab, project)
    again = project.watch()
    during = again.wait_for(lambda text: "    package 2" in text)
    assert re.search(r"last time [1-9]\.\d s", row(during, "[3/3] RUN for n"))
    assert "last time" in row(during, "● Build")
    assert again.end() == 0


def test_a_step_from_the_cache_does_not_forget_its_time(lab: Lab, project: Project) -> None:
    project.write(f"RUN sleep 1; echo {time.time_ns()}", base=lab.base_image)
    instruction = (project.checkout / "Dockerfile").read_text().splitlines()[1]
    assert project.watch().end() == 0
    [file] = project.times
    before = Times.read(file)
    assert project.watch().end() == 0
    after = Times.read(file)
    assert (before.of(instruction) or 0) >= 1
    assert after.of(instruction) == before.of(instruction)
    assert (after.of("Build") or 0) < (before.of("Build") or 0)


def test_a_build_that_fails_shows_its_end_and_what_to_do(lab: Lab, project: Project) -> None:
    project.write("RUN echo the reason is here >&2; exit 3", base=lab.base_image)
    terminal = project.watch()
    assert terminal.end() == BUILD_FAILED
    text = terminal.text
    place = [text.index(part) for part in ("the reason is here", "✗ Build", "error: Dockerfile")]
    assert place == sorted(place)
    assert "[2/2] RUN echo the reason" in text[place[1] :]
    assert row(text, "○ Check")
    assert not terminal.screen.cursor.hidden


@pytest.mark.parametrize("way", ["Ctrl-C", "SIGTERM"])
def test_a_stop_leaves_a_clean_terminal(lab: Lab, project: Project, way: str) -> None:
    project.write(f"RUN echo waiting {time.time_ns()}; sleep 600", base=lab.base_image)
    terminal = project.watch()
    terminal.wait_for(lambda text: "    waiting" in text)
    if way == "Ctrl-C":
        terminal.press(b"\x03")
    else:
        terminal.process.terminate()
    assert terminal.end() == (INTERRUPTED if way == "Ctrl-C" else TERMINATED)
    assert not terminal.screen.cursor.hidden
    assert terminal.screen.cursor.x == 0
    assert row(terminal.text, "✗ Build")
    assert not [line for line in terminal.lines if "^C" in line]


def test_a_window_that_becomes_narrow(lab: Lab, project: Project) -> None:
    build_of_three_steps(lab, project)
    terminal = project.watch(columns=120)
    terminal.wait_for(lambda text: "    package 1" in text)
    terminal.resize(40)
    during = terminal.wait_for(lambda text: "    package 3" in text)
    assert row(during, "[3/3] RUN").endswith(" s")
    assert terminal.end() == 0
    assert [terminal.text.count(f"✓ {stage}") for stage in STAGES] == [1] * len(STAGES)


def test_a_terminal_that_knows_few_letters(lab: Lab, project: Project) -> None:
    project.write(
        f"RUN echo {time.time_ns()}",
        "RUN for n in 1 2; do printf 'gr\\303\\266\\303\\237e\\n'; sleep 0.7; done",
        base=lab.base_image,
    )
    terminal = project.watch(wish={"PYTHONIOENCODING": "ascii"})
    terminal.wait_for(lambda text: "    gr??e" in text)
    assert terminal.end() == 0
    assert row(terminal.text, "+ Build")
    assert terminal.received.isascii()


@pytest.mark.parametrize("wish", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"CI": "true"}])
def test_who_wants_lines_gets_lines(project: Project, wish: dict[str, str]) -> None:
    terminal = project.watch(wish=wish)
    assert terminal.end() == 0
    assert b"\x1b" not in terminal.received
    assert row(terminal.text, f"── Build {NAME}:")
    assert row(terminal.text, "#1 [internal] load build definition from Dockerfile")
    assert not project.times


def test_programs_get_lines_and_the_record(project: Project) -> None:
    done = subprocess.run(project.argv(), env=project.env, capture_output=True, text=True)
    assert done.returncode == 0
    steps = json.loads(done.stdout)["built"]["steps"]
    assert "2/2" in [step["place"] for step in steps]
    assert f"── Build {NAME}:" in done.stderr
    assert "\x1b" not in done.stderr


def test_a_person_may_want_the_record_too(project: Project) -> None:
    terminal = project.watch("--json")
    assert terminal.end() == 0
    record = bytes(terminal.received).rpartition(b"\x1b[?25h")[2]
    assert json.loads(record)["plan"]["repository"].endswith(NAME)
