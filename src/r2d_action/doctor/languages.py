"""R, Julia, and Python packages that are described by files of their own."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Iterator

from r2d_action.doctor.finding import Trouble
from r2d_action.doctor.repository import Repository
from r2d_action.doctor.toml import tomllib
from r2d_action.report.diagnose.words import block, code

READERS: dict[str, Callable[[str], object]] = {
    "Pipfile": tomllib.loads,
    "Pipfile.lock": json.loads,
    "JuliaProject.toml": tomllib.loads,
    "Project.toml": tomllib.loads,
    "pyproject.toml": tomllib.loads,
}


def unreadable(repository: Repository) -> Iterator[Trouble]:
    for path in repository.decision.reads:
        read, text = READERS.get(posixpath.basename(path)), repository.text(path)
        try:
            if read:
                read(text)
        except ValueError as error:
            yield Trouble(
                repository.place(path, _line(error, text)),
                f"{code(path)} cannot be read: a quotation mark, a comma or an equals sign is "
                "missing on this line or just above.",
                "Write texts in quotation marks, and compare this line with its neighbours.",
            )


def _line(error: ValueError, text: str) -> int:
    if isinstance(error, json.JSONDecodeError):
        return error.lineno
    # The standard library's reader says it in words alone: "(at line 3, column 7)".
    _, _, after = str(error).rpartition("(at line ")
    number = after.partition(",")[0]
    return int(number) if number.isdigit() else text.rstrip().count("\n") + 1


def install_r_ignored(repository: Repository) -> Iterator[Trouble]:
    path = posixpath.join(repository.decision.folder, "install.R")
    if path not in repository.decision.ignores or repository.has_dockerfile:
        return
    if repository.mentions(path):
        return
    runtime = posixpath.join(repository.decision.folder, "runtime.txt")
    yield Trouble(
        repository.place(path, 1),
        f"{code(path)} does not run: without a date in {code(runtime)}, repo2docker does not "
        "install R.",
        f"Write a version of R and a day in {code(runtime)}:{block('r-4.4-2025-03-01')}",
    )


def require_file(repository: Repository) -> Iterator[Trouble]:
    if repository.decision.buildpack.name == "julia-require":
        yield Trouble(
            repository.place(repository.decision.reads[0], 1),
            "repo2docker no longer builds Julia environments from `REQUIRE`.",
            "Make a `Project.toml` with today's Julia:"
            + block("julia --project=. -e 'using Pkg; Pkg.add(\"IJulia\")'"),
        )


def no_manifest(repository: Repository) -> Iterator[Trouble]:
    decision = repository.decision
    names = [posixpath.basename(path) for path in decision.reads]
    known = any(name.endswith("Manifest.toml") for name in names)
    other = posixpath.join(decision.folder, "JuliaManifest.toml") in repository.files
    if decision.buildpack.name == "julia" and not known and not other:
        yield Trouble(
            repository.place(decision.reads[0], 1),
            f"{code(decision.reads[0])} has no `Manifest.toml` beside it, so each build may get "
            "other versions of packages.",
            "Commit the `Manifest.toml` that Julia writes.",
        )


def no_lock(repository: Repository) -> Iterator[Trouble]:
    decision = repository.decision
    pipfile = posixpath.join(decision.folder, "Pipfile")
    if decision.buildpack.name == "pipfile" and f"{pipfile}.lock" not in decision.reads:
        yield Trouble(
            repository.place(pipfile, 1),
            f"{code(pipfile)} has no `Pipfile.lock` beside it, so each build may get other "
            "versions of packages.",
            f"Commit the one that this command writes:{block('pipenv lock')}",
        )


def only_a_package(repository: Repository) -> Iterator[Trouble]:
    decision = repository.decision
    names = {posixpath.basename(path) for path in decision.reads}
    if decision.buildpack.name == "python" and "requirements.txt" not in names:
        path = next(iter(names & {"setup.py", "pyproject.toml"}), "")
        if path:
            yield Trouble(
                repository.place(path, 1),
                f"{code(path)} alone decides: the image gets this package and what it needs, and "
                "nothing for notebooks that use it.",
                "If notebooks need more, list that in a `requirements.txt`.",
            )
