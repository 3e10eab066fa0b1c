"""What conda, mamba and pixi put into environments, by the records that they keep there.

https://docs.conda.io/projects/conda/en/stable/dev-guide/deep-dives/install.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from r2d_action.addresses import without_login
from r2d_action.packages.values import Kind, Package

_RECORD = re.compile(r"(?P<prefix>.*)/conda-meta/[^/]+\.json")
# https://docs.anaconda.com/anacondaorg/user-guide/: a token is a part of the address.
_TOKEN = re.compile(r"(?<=://)([^/]*)/t/[^/]+(?=/)")

# The rest of a record, which can be megabytes, is about single files.
_FIELDS = ("name", "version", "build", "build_string", "url", "md5", "sha256", "files")

Records = Mapping[str, tuple[Mapping[str, Any], ...]]


def records_in(files: Mapping[str, bytes]) -> Records:
    """The records of each prefix."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for path in files:
        match = _RECORD.fullmatch(path)
        record = _document(files[path]) if match else None
        if match and record:
            slim = {name: record[name] for name in _FIELDS if name in record}
            found.setdefault(match["prefix"], []).append(slim)
    return {prefix: tuple(records) for prefix, records in found.items()}


def is_record(path: str) -> bool:
    return _RECORD.fullmatch(path) is not None


def conda_packages(records: Records) -> Iterator[Package]:
    for prefix, installed in records.items():
        for record in installed:
            yield Package(
                kind=Kind.CONDA,
                name=str(record["name"]),
                version=str(record["version"]),
                build=str(record.get("build") or record.get("build_string") or ""),
                place=prefix,
                source=_source(record),
            )


def owned_by_conda(records: Records) -> frozenset[str]:
    """Every file that came with a package, by its path in the image."""
    return frozenset(
        f"{prefix}/{file}"
        for prefix, installed in records.items()
        for record in installed
        for file in record.get("files") or ()
    )


def _document(content: bytes) -> Mapping[str, Any] | None:
    """None for what is beside the records: state and settings have no name and version."""
    try:
        record = json.loads(content)
    except ValueError:
        return None
    is_package = isinstance(record, dict) and record.get("name") and record.get("version")
    return record if is_package else None


def _source(record: Mapping[str, Any]) -> str:
    """A line of an explicit list."""
    url = _TOKEN.sub(r"\1", without_login(str(record.get("url") or "")))
    md5, sha256 = record.get("md5"), record.get("sha256")
    if not url or not (md5 or sha256):
        return url
    return f"{url}#{md5}" if md5 else f"{url}#sha256:{sha256}"
