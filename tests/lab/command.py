"""Run a command to its end."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from lab.errors import LabError

TAIL_LINES = 20


def tail(text: str) -> str:
    return "\n".join(text.rstrip().splitlines()[-TAIL_LINES:])


def run(
    *argv: str | Path,
    extra_env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
) -> str:
    """Give the command's stdout; raise LabError with the end of its output when it fails."""
    command = [str(argument) for argument in argv]
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **(extra_env or {})},
            cwd=cwd,
            input=stdin or "",
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise LabError(f"{command[0]} cannot be run: {error.strerror}") from error
    if done.returncode != 0:
        raise LabError(f"failed: {' '.join(command)}\n{tail(done.stdout + done.stderr)}")
    return done.stdout


def succeeds(*argv: str | Path, extra_env: Mapping[str, str] | None = None) -> bool:
    try:
        run(*argv, extra_env=extra_env)
    except LabError:
        return False
    return True
