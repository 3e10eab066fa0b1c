"""The digests that an index has for versions that are fixed already, by uv.

https://docs.astral.sh/uv/pip/compile/
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from r2d_action.errors import UserError
from r2d_action.registry.refusal import printable


@dataclass(frozen=True, slots=True)
class Hashes:
    """``command`` calls uv; ``env`` is the environment that tells it of the index."""

    command: Sequence[str]
    env: Mapping[str, str]

    def __call__(self, requirements: str, python: str, folder: Path) -> str:
        """The requirements with the digests of every file of these versions. Nothing is
        resolved: what is not listed is not added. Raises :class:`UserError`.

        ``python`` is the version to install for; ``folder`` is where uv runs."""
        argv = [*self.command, "pip", "compile", "--quiet", "--no-deps", "--generate-hashes"]
        argv += ["--no-header", "--no-annotate", "--python-platform", "linux"]
        argv += ["--python-version", python] if python else []
        done = subprocess.run(
            [*argv, "-"],
            input=requirements,
            env=dict(self.env),
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise UserError(
                "The digests of the Python packages could not be had from the index, so no lock "
                "was written; use `--no-hashes` to lock names and versions alone, or name the "
                f"index that has them in UV_EXTRA_INDEX_URL. uv said: {printable(done.stderr)}"
            )
        return done.stdout
