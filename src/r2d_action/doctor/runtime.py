"""runtime.txt: a line that repo2docker takes to the letter."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from datetime import date

from r2d_action.doctor.finding import Trouble
from r2d_action.doctor.repository import Repository
from r2d_action.report.diagnose.words import block, code

EXAMPLES = block("python-3.12\nr-4.4-2025-03-01")
# The server of R packages by date begins here.
FIRST_SNAPSHOT = date(2018, 12, 7)
R_VERSIONS = ("3.3", "3.4", "3.5", "3.6", "4.0", "4.1", "4.2", "4.3", "4.4", "4.5", "4.6")


def wrong_format(repository: Repository) -> Iterator[Trouble]:
    # repo2docker reads it whenever it has no Dockerfile, Julia, Nix or conda before it.
    file = repository.config("runtime.txt") or repository.file(_path(repository))
    if file and repository.decision.runtime is None and _matters(repository):
        yield Trouble(
            file.at(1),
            f"{code(file.text.strip())} in {code(file.path)} cannot be read.",
            "Write a language, a dash and a version, and for R the date of the packages; one of "
            f"these lines:{EXAMPLES}",
        )


def _path(repository: Repository) -> str:
    return posixpath.join(repository.decision.folder, "runtime.txt")


def _matters(repository: Repository) -> bool:
    return repository.decision.buildpack.name not in {"docker", "nix", "julia-require"}


def other_language(repository: Repository) -> Iterator[Trouble]:
    runtime, file = repository.decision.runtime, repository.file(_path(repository))
    if not file or not runtime or runtime.language in {"python", "r"}:
        return
    if not _matters(repository):
        return
    meant = runtime.language.lower()
    known = meant in {"python", "r"}
    yield Trouble(
        file.at(1),
        f"repo2docker knows no language {code(runtime.language)} in {code(file.path)}, and then "
        "reads no `requirements.txt` either.",
        f"Write {code(meant)} in lower case:{block(file.text.strip().lower())}"
        if known
        else f"Delete the file, or write one of these lines:{EXAMPLES}",
    )


def r_without_date(repository: Repository) -> Iterator[Trouble]:
    runtime, file = repository.decision.runtime, repository.file(_path(repository))
    if file and runtime and runtime.language == "r" and runtime.snapshot is None:
        if repository.decision.buildpack.name in {"r", "conda", "docker", "julia", "nix"}:
            return
        yield Trouble(
            file.at(1),
            f"{code(file.text.strip())} has no date, and without one repo2docker does not install "
            "R at all.",
            "Add the day whose versions of R packages you want:"
            + block(f"r-{runtime.version}-2025-03-01"),
        )


def r_snapshot(repository: Repository) -> Iterator[Trouble]:
    runtime, file = repository.decision.runtime, repository.config("runtime.txt")
    if not file or not runtime or runtime.language != "r" or not runtime.snapshot:
        return
    if not FIRST_SNAPSHOT <= runtime.snapshot <= repository.settings.today:
        yield Trouble(
            file.at(1),
            f"There are no R packages for {runtime.snapshot.isoformat()}: the server that keeps "
            "them by date begins in December 2018, and has no day in the future.",
            f"Choose another date, for example:{block('r-4.4-2025-03-01')}",
        )


def r_version(repository: Repository) -> Iterator[Trouble]:
    runtime, file = repository.decision.runtime, repository.config("runtime.txt")
    if not file or not runtime or runtime.language != "r" or not runtime.version:
        return
    whole = re.fullmatch(r"\d+\.\d+\.\d+", runtime.version)
    if not whole and runtime.version not in R_VERSIONS:
        yield Trouble(
            file.at(1),
            f"repo2docker has no R {runtime.version}.",
            f"Ask for one from {R_VERSIONS[0]} to {R_VERSIONS[-1]}, for example:"
            + block("r-4.4-2025-03-01"),
        )
