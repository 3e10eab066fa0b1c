"""Which of its ways repo2docker takes with a repository, and which files it reads then.

The order is that of its buildpacks; the first that finds its file wins.
https://repo2docker.readthedocs.io/en/latest/architecture/
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from r2d_action.context import ENVIRONMENT_FILES, Context
from r2d_action.doctor.runtime_txt import Runtime
from r2d_action.doctor.toml import tomllib

# Read at the top of the repository alone, never in a configuration folder.
TOP_ONLY = frozenset({"setup.py", "pyproject.toml", "DESCRIPTION"})

_SCRIPTS = ("apt.txt", "postBuild", "start")
_CONDA = ("environment.yml", "environment.yaml")
_PYTHON = (
    "requirements.txt",
    "requirements3.txt",
    "runtime.txt",
    "setup.py",
    "pyproject.toml",
    *_SCRIPTS,
)


@dataclass(frozen=True, slots=True)
class Given:
    """What the choice hangs on. ``files`` are names of environment files that are where they
    are looked for."""

    files: frozenset[str]
    runtime: Runtime | None
    is_python_package: bool

    def any(self, *names: str) -> bool:
        return bool(self.files.intersection(names))

    @property
    def language(self) -> str:
        return self.runtime.language if self.runtime else ""


@dataclass(frozen=True, slots=True)
class Buildpack:
    """``reads`` are the names of the files that it looks for, the deciding ones first."""

    name: str
    title: str
    reads: tuple[str, ...]
    detects: Callable[[Given], bool]


def _r(given: Given) -> bool:
    dated = given.language == "r" and given.runtime and given.runtime.snapshot
    return bool(dated) or given.any("DESCRIPTION")


def _pipfile(given: Given) -> bool:
    return given.language in {"", "python"} and given.any("Pipfile", "Pipfile.lock")


def _python(given: Given) -> bool:
    if given.language:
        return given.language == "python"
    return given.is_python_package or given.any("requirements.txt")


_JULIA = ("JuliaProject.toml", "Project.toml", "Manifest.toml", *_CONDA, *_PYTHON)
DOCKER = Buildpack(
    "docker", "your own Dockerfile", ("Dockerfile",), lambda given: given.any("Dockerfile")
)
DEFAULT = Buildpack("default", "its default Python", _PYTHON, lambda _: True)
BUILDPACKS = (
    DOCKER,
    Buildpack("julia", "Julia", _JULIA, lambda given: given.any(*_JULIA[:2])),
    Buildpack("julia-require", "Julia", ("REQUIRE",), lambda given: given.any("REQUIRE")),
    Buildpack("nix", "Nix", ("default.nix", *_SCRIPTS), lambda given: given.any("default.nix")),
    Buildpack("r", "R", ("runtime.txt", "DESCRIPTION", "install.R", *_CONDA, *_PYTHON), _r),
    Buildpack("conda", "conda", (*_CONDA, *_SCRIPTS), lambda given: given.any(*_CONDA)),
    Buildpack(
        "pipfile",
        "Pipenv",
        ("Pipfile.lock", "Pipfile", "requirements3.txt", "runtime.txt", *_SCRIPTS),
        _pipfile,
    ),
    Buildpack("python", "pip", _PYTHON, _python),
    DEFAULT,
)


@dataclass(frozen=True, slots=True)
class Decision:
    """What repo2docker does. ``reads`` and ``ignores`` are paths from the top of the build."""

    buildpack: Buildpack
    folder: str
    reads: tuple[str, ...]
    ignores: tuple[str, ...]
    runtime: Runtime | None = None


def decide(context: Context, text_of: Callable[[str], str]) -> Decision:
    """``text_of`` gives the text of a path that exists."""
    where = _where(context)
    runtime_path = where.get("runtime.txt")
    runtime = Runtime.parse(text_of(runtime_path)) if runtime_path else None
    pyproject = text_of(where["pyproject.toml"]) if "pyproject.toml" in where else ""
    package = "setup.py" in where or _is_package(pyproject)
    given = Given(frozenset(where), runtime, package)
    chosen = next(one for one in BUILDPACKS if one.detects(given))
    names = [name for name in dict.fromkeys(chosen.reads) if name in where]
    if "environment.yml" in names and "environment.yaml" in names:
        names.remove("environment.yaml")
    reads = tuple(where[name] for name in names)
    ignored = sorted(set(where.values()).difference(reads))
    return Decision(chosen, context.config_dir, reads, tuple(ignored), runtime)


def _where(context: Context) -> dict[str, str]:
    """The environment files that are where repo2docker looks, by their names."""
    at_top = not context.config_dir
    found = {}
    for name in (*ENVIRONMENT_FILES, "requirements3.txt", "Manifest.toml"):
        path = context.config_file(name)
        if path and (name not in TOP_ONLY or at_top):
            found[name] = path
    return found


def _is_package(pyproject: str) -> bool:
    try:
        tables = tomllib.loads(pyproject)
    except tomllib.TOMLDecodeError:
        return False
    return "project" in tables and "build-system" in tables
