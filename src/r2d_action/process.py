"""Run a command: stream what it says, fail with a type, leave no orphan."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

GRACE_SECONDS = 10.0


class CommandFailed(Exception):
    """The command ended with another exit code than 0."""

    def __init__(self, completed: Completed) -> None:
        super().__init__(
            f"`{shlex.join(completed.argv)}` ended with exit code {completed.returncode}"
        )
        self.completed = completed


@dataclass(frozen=True, slots=True)
class Completed:
    """A command that has ended, and what it said, without the end of its last line. Bytes that
    are no text are kept as the file system keeps them in names."""

    argv: tuple[str, ...]
    returncode: int
    text: str
    stderr: str = ""

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(self.text.splitlines())

    def require_success(self) -> Completed:
        if self.returncode != 0:
            raise CommandFailed(self)
        return self


def stream(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    on_line: Callable[[str], None],
    cwd: Path | None = None,
) -> Completed:
    """Run ``argv``, handing each line of both its streams to ``on_line`` as it comes.

    The command gets a process group of its own, so that it and its children end
    with us: on any exception (Ctrl-C, SIGTERM turned into one) the group is
    asked to stop and then made to.

    Raises ``FileNotFoundError`` when there is no such program.
    """
    lines: list[str] = []
    with subprocess.Popen(
        list(argv),
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            for raw in process.stdout or ():
                line = raw.rstrip("\r\n")
                lines.append(line)
                on_line(line)
            returncode = process.wait()
        except BaseException:
            _end_group(process)
            raise
    return Completed(tuple(argv), returncode, "\n".join(lines))


def capture(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    timeout: float = 60.0,
) -> Completed:
    """Run a short command in silence; ``timeout`` in seconds, ``text`` its output alone.

    Raises ``FileNotFoundError`` and ``subprocess.TimeoutExpired``.
    """
    # Not through a pipe: whoever is busy beside a long answer would be held up by each read.
    with TemporaryFile() as answer:
        done = subprocess.run(
            list(argv),
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=answer,
            stderr=subprocess.PIPE,
            timeout=timeout,
            check=False,
        )
        answer.seek(0)
        text = os.fsdecode(answer.read()).removesuffix("\n")
    return Completed(tuple(argv), done.returncode, text, done.stderr.decode(errors="replace"))


def _end_group(process: subprocess.Popen[str]) -> None:
    for signum in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, signum)
            process.wait(GRACE_SECONDS)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
        return
