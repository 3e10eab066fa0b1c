"""Background processes that outlive this program and are recognised by a later one."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lab.command import tail
from lab.errors import LabError

POLL_SECONDS = 0.05
LOG_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Process:
    """A process id may be somebody else's later on; together with its birth it is unique."""

    pid: int
    birth: str

    @property
    def alive(self) -> bool:
        _reap(self.pid)
        return _birth(self.pid) == self.birth

    @property
    def of_this_boot(self) -> bool:
        return self.birth.startswith(_boot())

    def stop(self, patience: float = 20.0) -> None:
        """Ask it to end, and kill it after so many seconds."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if not self.alive:
                return
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)
            if _until(lambda: not self.alive, patience):
                return
        raise LabError(f"process {self.pid} cannot be stopped")


def spawn(*argv: str | Path, log: Path, extra_env: Mapping[str, str] | None = None) -> Process:
    """Start a process of its own session, its output in a `log` begun anew."""
    env = {**os.environ, **(extra_env or {})}
    program = shutil.which(argv[0], path=env.get("PATH"))
    if program is None:
        raise LabError(f"{argv[0]} is not installed")
    log.parent.mkdir(parents=True, exist_ok=True)
    pid = os.posix_spawn(
        program,
        [str(argument) for argument in argv],
        env,
        setsid=True,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), LOG_FLAGS, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
    )
    return Process(pid, _birth(pid) or "")


def wait_ready(process: Process, ready: Callable[[], bool], *, log: Path, patience: float) -> None:
    """Raise LabError with the end of the log when it dies or is not ready in so many seconds."""
    try:
        if _until(lambda: ready() or not process.alive, patience) and process.alive:
            return
    except KeyboardInterrupt:
        # Nobody has written down yet that it runs.
        process.stop()
        raise
    process.stop()
    raise LabError(f"it did not start; the end of {log}:\n{tail(log.read_text(errors='replace'))}")


def _until(done: Callable[[], bool], patience: float) -> bool:
    deadline = time.monotonic() + patience
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _reap(pid: int) -> None:
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _birth(pid: int) -> str | None:
    """When the process began, in this boot; None when it is gone, or waits only to be reaped."""
    if not BOOT_ID.exists():
        asked = subprocess.run(
            ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
        return asked.stdout.strip() or None
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return birth_from_stat(stat, _boot())


def birth_from_stat(stat: str, boot: str) -> str | None:
    # The second field is the program's name in brackets: it may hold blanks and brackets itself.
    fields = stat.rpartition(")")[2].split()
    state, start_ticks = fields[0], fields[19]
    return None if state in "ZX" else f"{boot}:{start_ticks}"


def _boot() -> str:
    return BOOT_ID.read_text().strip() if BOOT_ID.exists() else ""
