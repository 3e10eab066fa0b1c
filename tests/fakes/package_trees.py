"""Files as package managers leave them in an image, by path: small, in the documented formats."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping

CHANNEL = "https://conda.example.org/conda-forge"

Files = dict[str, bytes]


def conda(prefix: str, name: str, version: str, build: str, *files: str, **record: str) -> Files:
    """A record, and no file of the package itself."""
    platform = "noarch" if build.startswith("py_") else "linux-64"
    file = f"{name}-{version}-{build}"
    content = {
        "build": build,
        "build_number": int(build.rpartition("_")[2]),
        "channel": f"{CHANNEL}/{platform}",
        "constrains": [],
        "depends": ["python >=3.11,<3.12.0a0"],
        "files": list(files),
        "fn": f"{file}.conda",
        "md5": f"{hash_of(file):032x}",
        "name": name,
        "requested_spec": "",
        "subdir": platform,
        "url": f"{CHANNEL}/{platform}/{file}.conda",
        "version": version,
        **record,
    }
    return {f"{prefix}/conda-meta/{file}.json": json.dumps(content, indent=2).encode()}


def hash_of(text: str) -> int:
    """Of the size of an MD5, and the same in every run."""
    return int.from_bytes(text.encode().ljust(16, b"-")[-16:], "big")


def pip(site: str, name: str, version: str, origin: Mapping[str, object] | None = None) -> Files:
    folder = f"{site}/{name.replace('-', '_')}-{version}.dist-info"
    head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: Something\n"
    files = {f"{folder}/METADATA": f"{head}\nName: not this\nVersion: 0\n".encode()}
    if origin:
        files[f"{folder}/direct_url.json"] = json.dumps(origin).encode()
    return files


def r(library: str, name: str, version: str, **fields: str) -> Files:
    told = {
        "Package": name,
        "Version": version,
        "Title": "Something\n    on two lines: of text",
        "Built": "R 4.4.1; ; 2026-09-01 10:00:00 UTC; unix",
        **fields,
    }
    text = "".join(f"{key}: {value}\n" for key, value in told.items())
    return {f"{library}/{name}/DESCRIPTION": text.encode()}


def dpkg(*packages: tuple[str, str], status: str = "install ok installed") -> Files:
    text = "\n".join(
        f"Package: {name}\nStatus: {status}\nPriority: optional\nArchitecture: amd64\n"
        f"Version: {version}\nDescription: something\n more of it: this\n"
        for name, version in packages
    )
    return {"/var/lib/dpkg/status": text.encode()}


NOTEBOOK = "/srv/conda/envs/notebook"
SITE = f"{NOTEBOOK}/lib/python3.11/site-packages"
LIBRARY = "/usr/local/lib/R/site-library"


def hub_image(numpy: str = "1.26.4", scipy: str = "1.13.0", dplyr: str = "1.1.3") -> Files:
    """conda and pip in one environment, R beside it, and what must not be mistaken for
    packages."""
    metadata = f"lib/python3.11/site-packages/numpy-{numpy}.dist-info/METADATA"
    return {
        **conda(NOTEBOOK, "numpy", numpy, "py311h64a7726_0", metadata),
        **conda(NOTEBOOK, "python", "3.11.9", "hb806964_0_cpython_0"),
        **conda(NOTEBOOK, "tzdata", "2024a", "py_0"),
        **pip(SITE, "numpy", numpy),
        **pip(SITE, "Some.Package", "2.0"),
        **pip(SITE, "scipy", scipy),
        **pip(SITE, "~roken", "1.0"),
        **pip(f"{SITE}/setuptools/_vendor", "tomli", "2.0.1"),
        **pip("/usr/lib/python3/dist-packages", "python-apt", "2.6.0"),
        f"{NOTEBOOK}/conda-meta/state.json": b'{"env_vars": {}}',
        f"{NOTEBOOK}/conda-meta/history": b"==> 2026-09-01 <==\n",
        **r(LIBRARY, "dplyr", dplyr, Repository="CRAN"),
        **r("/usr/local/lib/R/library", "base", "4.4.1", Priority="base"),
        **r("/usr/local/lib/R/library", "stats", "4.4.1", Priority="base"),
        **r("/usr/lib/R/site-library", "Rcpp", "1.0.10"),
        "/srv/repo/DESCRIPTION": b"Package: mine\nVersion: 0.1\n",
    }


def as_archive(files: Mapping[str, bytes], mode: int = 0o644) -> bytes:
    """To be unpacked in the root of an image."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for path, content in files.items():
            entry = tarfile.TarInfo(path.strip("/"))
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
    return stream.getvalue()
