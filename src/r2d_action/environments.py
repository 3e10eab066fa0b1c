"""Environments of our own: folders that no other Python sees.

A program is a folder which Python runs, ``python -I -S FOLDER``, and which looks
for packages in folders beside it that pip has filled: ``-I`` keeps the user's
PYTHON* variables and working directory out, ``-S`` the packages of the interpreter
itself. Unlike a venv such folders hold no absolute path, so that they are made
elsewhere and renamed into place, complete or not at all; and they need neither
``venv`` nor ``ensurepip``, which Debian and Ubuntu leave out of their python3.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

from r2d_action import pip
from r2d_action.errors import InputError, UserError

Say = Callable[[str], None]
# Fills the first folder, which does not exist yet; the second is scratch space that does.
Fill = Callable[[Path, Path], None]

PACKAGE = Path(__file__).resolve().parent
LOCKS = PACKAGE / "locks"
APPLICATION_LOCK = LOCKS / "r2d-action.txt"
REPO2DOCKER_LOCK = LOCKS / "repo2docker.txt"
# The optional dependencies: what a run imports of each, once it turns out to need it.
EXTRAS = {
    "aws": ("botocore",),
    "azure": ("azure.identity",),
    "google": ("google.auth",),
    "hub": ("github", "websockets"),
    "lock": ("uv",),
    "terminal": ("rich",),
}
# Which compiled packages this interpreter loads: cpython-312-x86_64-linux-gnu.
ABI = EXTENSION_SUFFIXES[0].split(".")[1]
# What repo2docker imports and does not ask for; its older releases import of chardet what the
# newer ones of that have no longer.
UNDECLARED = ("tomli; python_version < '3.11'", "chardet<6")
MANIFEST = "MANIFEST"
EMPTY: Mapping[str, bytes] = {}
DIGITS = 12
# Which of the folders beside an environment are environments, of whatever Python.
_ENVIRONMENT = re.compile(rf"[\w-]+-(?:cpython|pypy|abi)[\w-]*-[0-9a-f]{{{DIGITS}}}")
UNUSED_SECONDS = 30 * 24 * 3600.0

MAIN = """\
import atexit
import gc
import os
import sys

# To look for garbage among hundreds of modules takes a fifth of a short run, and finds none.
gc.set_threshold(100_000)
atexit.register(gc.freeze)

beside = os.path.dirname(sys.path[0])
sys.path += [os.path.join(beside, name) for name in {packages!r}]
sys.argv[0] = {name!r}

from {module} import main

main()
"""


@dataclass(frozen=True, slots=True)
class Environments:
    """Finds and makes programs in ``folder``. ``env`` is the whole environment of the run.

    Every method returns a program's folder for :func:`command`, and raises
    :class:`pip.PipFailed` and, on a machine without pip, :class:`UserError`.
    """

    folder: Path
    env: Mapping[str, str]
    say: Say

    def application(self) -> Path:
        """This very package."""
        packages = self._own_packages()
        return self._program("r2d-action", "r2d_action.cli.main", [packages], _package_files())

    def repo2docker(self) -> Path:
        """The locked repo2docker."""
        packages = [self._beside_ours(REPO2DOCKER_LOCK, "repo2docker"), self._own_packages()]
        return self._program("jupyter-repo2docker", "repo2docker.__main__", packages)

    def chosen_repo2docker(self, requirements: Sequence[str], cwd: Path) -> Path:
        """A repo2docker of the user's choice, with what pip finds for it today."""
        packages = self._named("packages", *(one.encode() for one in requirements))

        def fill(folder: Path, scratch: Path) -> None:
            pip.install(requirements, folder, scratch=scratch, env=self.env, cwd=cwd)

        self._ensure(packages, fill, "the chosen repo2docker")
        return self._program("jupyter-repo2docker", "repo2docker.__main__", [packages])

    def extra(self, name: str) -> Path:
        """The packages of one of :data:`EXTRAS`: a folder for ``sys.path``, behind our own."""
        return self._beside_ours(LOCKS / f"{name}.txt", ", ".join(EXTRAS[name]))

    def _beside_ours(self, lock: Path, what: str) -> Path:
        """What both locks pin alike is installed once."""
        ours = _entries(APPLICATION_LOCK)
        return self._locked_packages([one for one in _entries(lock) if one not in ours], what)

    def _own_packages(self) -> Path:
        return self._locked_packages(_entries(APPLICATION_LOCK), "r2d-action's packages")

    def _locked_packages(self, entries: Sequence[str], what: str) -> Path:
        lock = "\n".join(entries)

        def fill(folder: Path, scratch: Path) -> None:
            file = scratch / "lock.txt"
            file.write_text(lock, encoding="utf-8")
            arguments = [*pip.LOCKED, "--requirement", str(file)]
            pip.install(arguments, folder, scratch=scratch, env=self.env, cwd=scratch)

        return self._ensure(self._named("packages", lock.encode()), fill, what)

    def _program(
        self, name: str, module: str, packages: Sequence[Path], files: Mapping[str, bytes] = EMPTY
    ) -> Path:
        main = MAIN.format(name=name, module=module, packages=[one.name for one in packages])
        files = {"__main__.py": main.encode(), **files}
        folder = self._named(name, *_flat(files))
        ensure(folder, _copying(files))
        return folder

    def _named(self, kind: str, *contents: bytes) -> Path:
        """The name says all that is inside, so that two commits never share what differs."""
        digest = hashlib.sha256(b"\0".join(contents)).hexdigest()[:DIGITS]
        return self.folder / f"{kind}-{ABI}-{digest}"

    def _ensure(self, folder: Path, fill: Fill, what: str) -> Path:
        start = time.monotonic()
        if ensure(folder, fill):
            self.say(f"installed {what} in {time.monotonic() - start:.1f} s")
        return folder


def find_environments(env: Mapping[str, str], say: Say) -> Environments:
    """The environments that outlive a run, in the first place where we may write.

    Raises :class:`UserError` when there is no such place.
    """
    for folder in _places(env):
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            if os.access(folder, os.W_OK):
                return Environments(folder, env, say)
    raise UserError(
        "There is no folder to install r2d-action's packages into; set XDG_CACHE_HOME to one "
        "that can be written to."
    )


def _places(env: Mapping[str, str]) -> Iterator[Path]:
    if (tools := env.get("RUNNER_TOOL_CACHE", "")) and Path(tools).is_dir():
        yield Path(tools, "r2d-action")
    if cache := env.get("XDG_CACHE_HOME"):
        yield Path(cache, "r2d-action")
    if home := env.get("HOME"):
        yield Path(home, ".cache", "r2d-action")
    if temporary := env.get("RUNNER_TEMP"):
        yield Path(temporary, "r2d-action")


def prepare(environments: Environments, *, with_repo2docker: bool) -> Path:
    """The application's folder; repo2docker's, when asked for, is made at the same time."""
    if not with_repo2docker:
        return environments.application()
    with ThreadPoolExecutor(max_workers=1) as pool:
        repo2docker = pool.submit(environments.repo2docker)
        application = environments.application()
        repo2docker.result()
    return application


def command(folder: Path) -> tuple[str, ...]:
    """How to run an environment: the first part of a command line."""
    return (sys.executable, "-I", "-S", str(folder))


def provide_extra(name: str, env: Mapping[str, str], say: Say) -> None:
    """Let this process import one of :data:`EXTRAS`, of which a plain install has none.

    Raises what :class:`Environments` raises.
    """
    if not all(map(_is_importable, EXTRAS[name])):
        sys.path.append(str(find_environments(env, say).extra(name)))


def _is_importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of the package that it would be in
        return False


def repo2docker_command(
    requirement: str,
    extra: Sequence[str],
    *,
    env: Mapping[str, str],
    temporary: Path,
    cwd: Path,
    say: Say,
) -> tuple[str, ...]:
    """How to call repo2docker: the first part of a command line.

    ``requirement`` is FORCE_REPO2DOCKER_VERSION as pip takes it, ``extra`` the words of
    EXTRA_PIP_INSTALL, ``cwd`` the folder that relative paths in them start from.
    ``temporary`` must have the same path in every run: repo2docker names files of the
    build context after its own path, and other names are other layers.

    Raises :class:`InputError` that names the input, and what :class:`Environments` raises.
    """
    if not requirement and not extra:
        return command(find_environments(env, say).repo2docker())
    requirements = [requirement or locked_repo2docker(), *UNDECLARED, *extra]
    try:
        return command(Environments(temporary, env, say).chosen_repo2docker(requirements, cwd))
    except pip.PipFailed as failure:
        raise _refusal(requirement, extra, failure) from failure


def locked_repo2docker() -> str:
    """The locked repo2docker as pip writes it: ``jupyter-repo2docker==…``."""
    entries = _entries(REPO2DOCKER_LOCK)
    return next(entry.split()[0] for entry in entries if entry.startswith("jupyter-repo2docker="))


def _entries(lock: Path) -> list[str]:
    """One string for each pinned package, its hashes included."""
    return lock.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()


def _refusal(requirement: str, extra: Sequence[str], failure: pip.PipFailed) -> InputError:
    given = {"FORCE_REPO2DOCKER_VERSION": requirement, "EXTRA_PIP_INSTALL": extra}
    names = " and ".join(name for name, value in given.items() if value)
    return InputError(
        f"{names}: pip cannot install this; write what `pip install` takes, or leave it out. "
        f"pip says: {failure.reason}"
    )


def ensure(folder: Path, fill: Fill) -> bool:
    """Have ``folder`` complete; true when it had to be made. Others who want it wait."""
    if _is_complete(folder):
        with contextlib.suppress(OSError):  # it may be another user's
            os.utime(folder)
        return False
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("wb") as lock:
        # Ends with this process, however that ends.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _is_complete(folder):
            return False
        _make(folder, fill)
    _forget_unused(folder.parent, time.time() - UNUSED_SECONDS)
    return True


def _forget_unused(places: Path, since: float) -> None:
    """Each commit of ours has environments of its own, and a machine may see many of them."""
    for folder in places.iterdir():
        if _ENVIRONMENT.fullmatch(folder.name) and _used_at(folder) < since:
            with (
                contextlib.suppress(OSError),  # made, or removed, by another at this moment
                folder.with_name(f"{folder.name}.lock").open("wb") as lock,
            ):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _used_at(folder) < since:
                    _remove(folder)


def _used_at(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return time.time()


def _remove(folder: Path) -> None:
    """Under another name first, so that nobody finds half of it."""
    with tempfile.TemporaryDirectory(
        prefix=f"{folder.name}.part-", dir=folder.parent, ignore_cleanup_errors=True
    ) as name:
        folder.rename(Path(name, "unused"))


def _make(folder: Path, fill: Fill) -> None:
    unfinished = f"{folder.name}.part-"
    for left_by_a_killed_run in folder.parent.glob(f"{unfinished}*"):
        shutil.rmtree(left_by_a_killed_run, ignore_errors=True)
    with tempfile.TemporaryDirectory(
        prefix=unfinished, dir=folder.parent, ignore_cleanup_errors=True
    ) as workshop:
        fresh, scratch, broken = (Path(workshop, name) for name in ("fresh", "scratch", "broken"))
        scratch.mkdir()
        fill(fresh, scratch)
        _write_manifest(fresh)
        if folder.exists():
            folder.rename(broken)
        fresh.rename(folder)


def _write_manifest(folder: Path) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    lines = [f"{path.stat().st_size} {path.relative_to(folder)}\n" for path in files]
    (folder / MANIFEST).write_text("".join(lines), encoding="utf-8")


def _is_complete(folder: Path) -> bool:
    """Every file is there in its full length: cleaners of caches take single files."""
    try:
        lines = (folder / MANIFEST).read_text(encoding="utf-8").splitlines()
        entries = [line.split(" ", 1) for line in lines]
        # No environment is empty; after a power cut a file may be.
        return bool(entries) and all(
            _size(f"{folder}/{path}") == int(size) for size, path in entries
        )
    except (OSError, ValueError):
        return False


def _size(path: str) -> int:
    # Over a thousand of these in every start: pathlib would take twice as long.
    return os.stat(path).st_size  # noqa: PTH116


def _package_files() -> dict[str, bytes]:
    """This package's files by their path, read once so that they fit together."""
    return {
        str(path.relative_to(PACKAGE.parent)): path.read_bytes()
        for path in sorted(PACKAGE.rglob("*"))
        if path.is_file() and path.parent.name != "__pycache__"
    }


def _flat(files: Mapping[str, bytes]) -> Iterator[bytes]:
    for path, content in files.items():
        yield path.encode()
        yield content


def _copying(files: Mapping[str, bytes]) -> Fill:
    def fill(folder: Path, _scratch: Path) -> None:
        for path, content in files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)

    return fill
