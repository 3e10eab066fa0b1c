"""Programs out of Debian packages, without installing them: unpacked below the lab's directory.

Nothing is started, nothing global is changed, and apt checks every package against the
distribution's signed index.
"""

import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.command import run, succeeds
from lab.errors import LabError
from lab.talk import step

DEBIAN_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


@dataclass(frozen=True)
class Source:
    """A distribution's release on the mirror that this machine's apt uses."""

    origin: str
    suite: str
    mirror: str


@dataclass(frozen=True)
class Apt:
    options: tuple[str, ...] = ()

    def download(self, names: tuple[str, ...], into: Path) -> None:
        """Fetch those of the packages that this release has: their names differ a little."""
        try:
            self._download(names, into)
        except LabError:
            # The lists are missing, or name versions that the mirror has no more.
            run("apt-get", *self.options, "update")
            self._download(names, into)

    def _download(self, names: tuple[str, ...], into: Path) -> None:
        known = self._available(names) or names
        run("apt-get", *self.options, *AS_ROOT, "download", *known, cwd=into)

    def _available(self, names: tuple[str, ...]) -> list[str]:
        return [name for name in names if run("apt-cache", *self.options, "madison", name)]


UNATTENDED = {"DEBIAN_FRONTEND": "noninteractive"}
# apt's unprivileged download user cannot write below root's home.
AS_ROOT = ("-o", "APT::Sandbox::User=root")


def can_unpack() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def machine_source() -> Source:
    source = _machine_source()
    if source is None:
        run("apt-get", "update")
        source = _machine_source()
    if source is None:
        raise LabError("apt knows no package list of this machine's own release")
    return source


def _machine_source() -> Source | None:
    codename = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    fields = "$(ORIGIN)|$(CODENAME)|$(REPO_URI)"
    listing = run("apt-get", "indextargets", "--format", fields, "Created-By: Packages")
    sources = (Source(*line.split("|")) for line in listing.splitlines())
    return next((source for source in sources if source.suite == codename), None)


def apt_of(source: Source, directory: Path) -> Apt:
    """An apt that sees one release only, and leaves the machine's own lists alone."""
    (directory / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    (directory / "archives" / "partial").mkdir(parents=True, exist_ok=True)
    (directory / "status").touch()
    sources = directory / "sources.list"
    sources.write_text(f"deb [signed-by={DEBIAN_KEYRING}] {source.mirror} {source.suite} main\n")
    settings = {
        "Dir::State::lists": directory / "lists",
        "Dir::State::status": directory / "status",
        "Dir::Cache": directory,
        "Dir::Cache::archives": directory / "archives",
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "/dev/null",
    }
    return Apt(tuple(part for key, value in settings.items() for part in ("-o", f"{key}={value}")))


def unpack(names: tuple[str, ...], into: Path, find_apt: Callable[[], Apt] = Apt) -> None:
    """Unpack the packages into one tree; a tree that is there is complete."""
    if into.exists():
        return
    into.parent.mkdir(parents=True, exist_ok=True)
    with (
        step(f"unpacking {', '.join(names)}"),
        tempfile.TemporaryDirectory(dir=into.parent) as scratch,
    ):
        tree = Path(scratch) / "tree"
        tree.mkdir()
        find_apt().download(names, Path(scratch))
        for package in Path(scratch).glob("*.deb"):
            run("dpkg", "-x", package, tree)
        tree.rename(into)


def install(packages_by_program: Mapping[str, str]) -> None:
    """Install for the whole machine what cannot be unpacked, where the program is missing."""
    missing = [name for program, name in packages_by_program.items() if not shutil.which(program)]
    if missing:
        with step(f"installing {', '.join(missing)}"):
            command = ("apt-get", "install", "--yes", "--no-install-recommends", *missing)
            if not succeeds(*command, extra_env=UNATTENDED):
                run("apt-get", "update")
                run(*command, extra_env=UNATTENDED)
