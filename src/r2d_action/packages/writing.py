"""Lock files, written to a folder."""

from __future__ import annotations

from pathlib import Path

from r2d_action.packages.hashes import Hashes
from r2d_action.packages.lock import (
    REQUIREMENTS,
    Environment,
    environments_in,
    lists_of_the_image,
    lock_files,
)
from r2d_action.packages.values import PackageList


def write_locks(packages: PackageList, output: Path, hashes: Hashes | None) -> tuple[Path, ...]:
    """One folder for each environment, and beside them what belongs to none. Without ``hashes``
    pip's requirements have no digests. Raises :class:`UserError` before anything is written."""
    output.mkdir(parents=True, exist_ok=True)
    files = {output / name: text for name, text in lists_of_the_image(packages).items()}
    for environment in environments_in(packages):
        for name, text in _files(environment, output, hashes).items():
            files[output / environment.folder / name] = text
    for path, text in files.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tuple(sorted(files))


def _files(environment: Environment, output: Path, hashes: Hashes | None) -> dict[str, str]:
    files = lock_files(environment)
    if hashes and REQUIREMENTS in files:
        files[REQUIREMENTS] = hashes(files[REQUIREMENTS], environment.python, output)
    return files
