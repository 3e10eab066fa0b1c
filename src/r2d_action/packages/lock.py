"""Files that name exactly what an image has, in the forms that the package managers read. Pure.

What they can promise differs. conda's records say where every package came from, and its MD5.
pip keeps no digest of what it downloaded: names and versions are exact, the digests are those
that the index has for them (:mod:`hashes`). R has versions. apt's list is for the record alone:
mirrors do not keep old versions.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import yaml

from r2d_action.packages.python import site_of
from r2d_action.packages.r import R_ITSELF
from r2d_action.packages.values import Kind, Package, PackageList

EXPLICIT = "conda.lock"
ENVIRONMENT = "environment.yml"
REQUIREMENTS = "requirements.txt"
FROM_SOURCE = "requirements-from-source.txt"
# pip would have to replace itself while it runs.
NOT_LOCKED = frozenset({"pip"})
_CONDA_URL = re.compile(r"(?P<channel>.+)/(?P<platform>[^/]+)/[^/]+")
_HASHED = re.compile(r"(?P<url>.+)#sha256=(?P<sha256>[0-9a-f]{64})")
_LOCAL = "file:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """``python`` is the version of the Python that pip installed for (``3.12``), empty where it
    is not known."""

    prefix: str
    python: str
    conda: tuple[Package, ...]
    pip: tuple[Package, ...]

    @property
    def folder(self) -> str:
        """No two prefixes have the same."""
        return re.sub(r"[^\w.-]+", "-", self.prefix).strip("-.") or "root"


def environments_in(packages: PackageList) -> tuple[Environment, ...]:
    conda, pip = packages.of(Kind.CONDA), packages.of(Kind.PIP)
    sites = {one.place: site_of(one.place) for one in pip}
    pythons = dict(sorted(sites.values()))
    return tuple(
        Environment(
            prefix=prefix,
            python=pythons.get(prefix, ""),
            conda=tuple(one for one in conda if one.place == prefix),
            pip=tuple(one for one in pip if sites[one.place][0] == prefix),
        )
        for prefix in sorted({one.place for one in conda} | pythons.keys())
    )


def lock_files(environment: Environment) -> dict[str, str]:
    """By name. pip's requirements are without digests."""
    files = {
        EXPLICIT: _lines(explicit_lines(environment)),
        ENVIRONMENT: _environment_file(environment),
        REQUIREMENTS: _lines(_requirements(environment)),
        FROM_SOURCE: _lines(_from_source(environment)),
    }
    return {name: content for name, content in files.items() if content}


def lists_of_the_image(packages: PackageList) -> dict[str, str]:
    """What belongs to no environment, by name."""
    apt = _lines(f"{one.name}={one.version}" for one in packages.of(Kind.APT))
    files = {"apt-packages.txt": apt, "renv.lock": _renv(packages.of(Kind.R))}
    return {name: content for name, content in files.items() if content}


# conda --------------------------------------------------------------------------------------


def explicit_lines(environment: Environment) -> Iterator[str]:
    """https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html"""
    if environment.conda:
        yield f"# platform: {_platform(environment.conda)}"
        yield "@EXPLICIT"
    for one in environment.conda:
        yield one.source or f"# {one.name} {one.version}: nobody knows where it came from"


def _platform(packages: Iterable[Package]) -> str:
    found = {match["platform"] for match in map(_conda_url, packages) if match}
    return next(iter(sorted(found - {"noarch"})), "noarch")


def _environment_file(environment: Environment) -> str:
    """The same in the form that repo2docker reads, which has no digests."""
    if not environment.conda:
        return ""
    dependencies: list[object] = [
        "=".join(filter(None, (one.name, one.version, one.build))) for one in environment.conda
    ]
    wanted = [*_requirements(environment), *_from_source(environment)]
    if requirements := [line for line in wanted if not line.startswith("#")]:
        if not any(one.name == "pip" for one in environment.conda):
            dependencies.append("pip")
        dependencies.append({"pip": requirements})
    content = {"channels": _channels(environment.conda), "dependencies": dependencies}
    return str(yaml.safe_dump(content, sort_keys=False, width=1000))


def _channels(packages: Iterable[Package]) -> list[str]:
    """By their whole addresses: a name means another place on another machine. The one that
    most packages are from goes first."""
    found = Counter(match["channel"] for match in map(_conda_url, packages) if match)
    return [channel for channel, _ in found.most_common()]


def _conda_url(package: Package) -> re.Match[str] | None:
    return _CONDA_URL.fullmatch(package.source.partition("#")[0])


# pip ----------------------------------------------------------------------------------------


def _requirements(environment: Environment) -> Iterator[str]:
    for one in _locked(environment):
        hashed = _HASHED.fullmatch(one.source)
        if not one.source:
            yield f"{one.name}=={one.version}"
        elif hashed:
            yield f"{one.name} @ {hashed['url']}#sha256={hashed['sha256']}"


def _from_source(environment: Environment) -> Iterator[str]:
    """What pip takes from elsewhere than an index it takes without digests only."""
    for one in _locked(environment):
        if one.source.startswith(_LOCAL):
            yield f"# {one.name} {one.version}: from the folder {one.source.removeprefix('file://')}"
        elif one.source and not _HASHED.fullmatch(one.source):
            yield f"{one.name} @ {one.source}"


def _locked(environment: Environment) -> Iterator[Package]:
    seen: set[str] = set()
    for one in environment.pip:
        if one.name not in NOT_LOCKED | seen:
            seen.add(one.name)
            yield one


# R ------------------------------------------------------------------------------------------


def _renv(packages: Iterable[Package]) -> str:
    """https://rstudio.github.io/renv/reference/lockfile-api.html"""
    itself = next((one.version for one in packages if one.name == R_ITSELF), "")
    wanted = {one.name: one for one in packages if one.name != R_ITSELF}
    if not wanted:
        return ""
    content = {
        "R": {"Version": itself},
        "Packages": {name: _renv_package(one) for name, one in wanted.items()},
    }
    return f"{json.dumps(content, indent=2)}\n"


_CHECKOUT = re.compile(r"(?P<type>\w+):(?P<user>[^/]*)/(?P<repo>[^@]*)@(?P<sha>.*)")


def _renv_package(package: Package) -> Mapping[str, str]:
    fields = {"Package": package.name, "Version": package.version}
    if checkout := _CHECKOUT.fullmatch(package.source):
        remote = {
            "Source": {"github": "GitHub", "gitlab": "GitLab"}.get(checkout["type"], "Git"),
            "RemoteType": checkout["type"],
            "RemoteUsername": checkout["user"],
            "RemoteRepo": checkout["repo"],
            "RemoteSha": checkout["sha"],
        }
        return {**fields, **remote}
    return {**fields, "Source": "Repository", "Repository": package.source or "CRAN"}


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
