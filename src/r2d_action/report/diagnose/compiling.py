"""A package has no ready-made file for this machine and cannot be compiled in the image."""

from __future__ import annotations

import posixpath
import re

from r2d_action.errors import Place
from r2d_action.report.diagnose.diagnosis import Diagnosis
from r2d_action.report.diagnose.passage import step_place
from r2d_action.report.diagnose.pip import PIP_NAMES
from r2d_action.report.diagnose.reported import reported_place
from r2d_action.report.diagnose.sources import Sources
from r2d_action.report.diagnose.stream import Stream
from r2d_action.report.diagnose.words import code, install_with_apt, written_in

_FAILED = (
    re.compile(r"Failed building wheel for (\S+)"),
    re.compile(r"Could not build wheels for ([^\s,]+)"),
    re.compile(r"Failed to build '([^']+)'"),
    re.compile(r"ERROR: (?:compilation|configuration) failed for package '([^']+)'"),
)
_PIP_FAILED = re.compile(
    r"subprocess-exited-with-error|metadata-generation-failed|legacy-install-failure"
    r"|Failed building wheel|Could not build wheels|failed-wheel-build-for-install"
)
_CULPRIT = re.compile(r"╰─> ([A-Za-z][\w.-]*)$")
_COLLECTING = re.compile(
    r"(?:Collecting|Building wheel for|Processing (?:\S*/)?) ?([A-Za-z0-9][\w.-]*)"
)
# pip names a folder and no package when it installs what the repository itself is.
_OWN = re.compile(r"(?:Obtaining file://|Processing )/(?!\S*\.(?:whl|tar\.gz|zip))\S+")
SETUP_FILES = frozenset({"pyproject.toml", "setup.cfg", "setup.py"})
_REASON = re.compile(
    r"^ {4,}(?:[\w.]*(?:Error|Exception|InvalidVersion)|ERROR|error|CMake Error\S*): ?.+"
)

_TOOLS = (
    (r"C compiler or Python headers|fatal error: Python\.h", "build-essential python3-dev"),
    (r"'[\w./-]*(?:gcc|g\+\+|cc|c\+\+)'(?: failed: No such file|$)", "build-essential"),
    (r"unable to execute '[\w./-]*(?:gcc|g\+\+|cc|c\+\+)'", "build-essential"),
    (
        r"\b(?:gcc|g\+\+|make|cc): (?:command )?not found|no acceptable C compiler",
        "build-essential",
    ),
    (r"No CMAKE_C\w*_COMPILER", "build-essential"),
    (r"pg_config executable not found", "build-essential libpq-dev"),
    (r"mysql_config not found|Can not find valid pkg-config name", "default-libmysqlclient-dev"),
    (r"gdal-config", "libgdal-dev"),
    (r"geos-config", "libgeos-dev"),
    (r"CMake must be installed|cmake: (?:command )?not found|No such file.*'cmake'", "cmake"),
    (r"can't find Rust compiler|Cargo, the Rust package manager, is not installed", "cargo"),
    (r"gfortran|no Fortran compiler", "gfortran"),
    (r"pkg-config(?:: (?:command )?not found| is missing| not found)", "pkg-config"),
    (r"Did not find pkg-config", "pkg-config"),
    (r"swig: (?:command )?not found|command 'swig' failed|No such file.*'swig'", "swig"),
)
_HEADER = re.compile(r"fatal error: (?:'([^']+)' file not found|(\S+?): No such file)")
_DEBIAN_HINT = re.compile(r"\bdeb: ([a-z0-9][\w.+-]*)")

# The headers that packages of notebooks' users ask for, and what brings them on Debian.
HEADERS = {
    "Python.h": "python3-dev",
    "ffi.h": "libffi-dev",
    "openssl/ssl.h": "libssl-dev",
    "openssl/opensslv.h": "libssl-dev",
    "libpq-fe.h": "libpq-dev",
    "mysql.h": "default-libmysqlclient-dev",
    "gdal.h": "libgdal-dev",
    "geos_c.h": "libgeos-dev",
    "proj.h": "libproj-dev",
    "hdf5.h": "libhdf5-dev",
    "netcdf.h": "libnetcdf-dev",
    "graphviz/cgraph.h": "libgraphviz-dev",
    "cairo.h": "libcairo2-dev",
    "portaudio.h": "portaudio19-dev",
    "sndfile.h": "libsndfile1-dev",
    "libxml/xmlversion.h": "libxml2-dev",
    "libxslt/xsltconfig.h": "libxslt1-dev",
    "zlib.h": "zlib1g-dev",
    "bzlib.h": "libbz2-dev",
    "lzma.h": "liblzma-dev",
    "jpeglib.h": "libjpeg-dev",
    "png.h": "libpng-dev",
    "curl/curl.h": "libcurl4-openssl-dev",
    "sqlite3.h": "libsqlite3-dev",
    "fftw3.h": "libfftw3-dev",
    "gsl/gsl_math.h": "libgsl-dev",
    "sasl/sasl.h": "libsasl2-dev",
    "ldap.h": "libldap2-dev",
    "snappy-c.h": "libsnappy-dev",
    "udunits2.h": "libudunits2-dev",
    "sodium.h": "libsodium-dev",
    "mpi.h": "libopenmpi-dev",
}


def tool_missing(stream: Stream, sources: Sources) -> Diagnosis | None:
    """A compiler, a header or a helper of the build is not in the image."""
    packages = _debian_packages(stream) if _failed_at_all(stream) else ()
    if not packages:
        return None
    name, own = _package(stream), _is_own(stream, sources)
    place = _own_place(stream, sources) if own else step_place(stream, sources, name)
    return Diagnosis(
        what=f"{_subject(name, own=own)} has to be compiled, and the image lacks "
        f"{' and '.join(code(package) for package in packages)} for it.",
        why="It has parts that are written in C or a language like it."
        if own
        else "There is no ready-made file of this version for this image, so it is built from its "
        "source.",
        remedy=install_with_apt(sources, *packages)
        if own
        else f"{install_with_apt(sources, *packages)}\nOr choose a version in "
        f"{written_in(place, 'requirements.txt')} that comes ready-made, or take the package from "
        "conda.",
        place=place,
    )


def _subject(name: str, *, own: bool) -> str:
    if own:
        return "The Python package of this repository"
    return code(name) if name else "A package"


def _failed_at_all(stream: Stream) -> bool:
    return bool(stream.find(_PIP_FAILED) or any(stream.find(pattern) for pattern in _FAILED))


def _debian_packages(stream: Stream) -> tuple[str, ...]:
    if hint := stream.find(_DEBIAN_HINT):
        return (hint[1],)
    header = stream.find(_HEADER)
    if header and (known := _header_package(header[1] or header[2])):
        return (known,)
    named = (packages for pattern, packages in _TOOLS if stream.find(re.compile(pattern)))
    return tuple(next(named, "").split())


def _header_package(header: str) -> str | None:
    same_end = (package for name, package in HEADERS.items() if header.endswith(f"/{name}"))
    return HEADERS.get(header) or next(same_end, None)


def own_failed(stream: Stream, sources: Sources) -> Diagnosis | None:
    """The repository is a package itself, and its own setup fails."""
    if not _failed_at_all(stream) or not _is_own(stream, sources):
        return None
    place = reported_place(stream, sources) or _own_place(stream, sources)
    return Diagnosis(
        what="The Python package of this repository could not be built.",
        why=_reason(stream) or "Its own installer failed.",
        remedy=f"Correct {written_in(place, 'pyproject.toml')}; `pip install .` on your own "
        "machine shows the same.",
        place=place,
    )


def failed(stream: Stream, sources: Sources) -> Diagnosis | None:
    """The build of a package fails for a reason of its own."""
    if not _failed_at_all(stream):
        return None
    name = _package(stream)
    place = step_place(stream, sources, name)
    known = PIP_NAMES.get(name.lower())
    where = written_in(place, "requirements.txt")
    return Diagnosis(
        what=f"{_subject(name, own=False)} could not be built from its source.",
        why=_reason(stream)
        or "Old versions often cannot be built with a newer Python, and new ones not in an old "
        "image.",
        remedy=f"The package is now called {code(known)}: write that in {where}."
        if known
        else f"Choose a newer version in {where}, or one that comes ready-made for this Python.",
        place=place,
    )


def _reason(stream: Stream) -> str:
    reasons = stream.find_all(_REASON)
    return f"Its own installer says: {code(reasons[-1][0].strip())}." if reasons else ""


def _package(stream: Stream) -> str:
    for pattern in _FAILED:
        if match := stream.find(pattern):
            return match[1]
    if culprit := stream.find(_CULPRIT):
        return culprit[1]
    return _last_collected(stream)


def _last_collected(stream: Stream) -> str:
    match = _COLLECTING.search(_last_begun(stream))
    return match[1] if match else ""


def _is_own(stream: Stream, sources: Sources) -> bool:
    has_setup = any(posixpath.basename(path) in SETUP_FILES for path in sources.listing)
    return has_setup and bool(_OWN.search(_last_begun(stream)))


def _last_begun(stream: Stream) -> str:
    """pip names a package before it prepares it, and not again when that fails."""
    begun = ""
    for line in stream.evidence:
        if _COLLECTING.search(line) or _OWN.search(line):
            begun = line
        if _PIP_FAILED.search(line):
            break
    return begun


def _own_place(stream: Stream, sources: Sources) -> Place | None:
    return step_place(stream, sources, "-e", "--editable", "install")
