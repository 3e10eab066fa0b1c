"""What pip and its like installed, by the metadata beside the modules.

https://packaging.python.org/specifications/recording-installed-packages/
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from email.parser import BytesHeaderParser
from typing import Any

from packaging.utils import canonicalize_name

from r2d_action.addresses import without_login
from r2d_action.packages.values import Kind, Package

# Not what packages carry along inside of themselves, and not what a broken-off pip left (~name).
_METADATA = re.compile(
    r"(?P<place>.*/(?:site|dist)-packages)/(?P<folder>[^/~][^/]*)"
    r"(?:\.dist-info/METADATA|\.egg-info|\.egg-info/PKG-INFO)"
)
_SITE = re.compile(r"(?P<prefix>.*)/lib(?:64)?/python(?P<python>\d+\.\d+)/(?:site|dist)-packages")


def python_packages(files: Mapping[str, bytes]) -> Iterator[Package]:
    for path, content in files.items():
        match = _METADATA.fullmatch(path)
        if match and (headers := BytesHeaderParser().parsebytes(content))["Name"]:
            origin = _document(files.get(f"{match['place']}/{match['folder']}.dist-info/{_URL}"))
            yield Package(
                kind=Kind.PIP,
                name=canonicalize_name(headers["Name"].strip()),
                version=(headers["Version"] or "").strip(),
                build=_commit(origin)[:12],
                place=match["place"],
                source=_source(origin),
            )


def site_of(place: str) -> tuple[str, str]:
    """The prefix of a folder of modules, and the version of its Python (``3.12``)."""
    match = _SITE.fullmatch(place)
    return (match["prefix"] or "/", match["python"]) if match else (place, "")


# https://packaging.python.org/specifications/direct-url/
_URL = "direct_url.json"


def _document(content: bytes | None) -> Mapping[str, Any]:
    try:
        document = json.loads(content or b"{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _commit(origin: Mapping[str, Any]) -> str:
    return str(origin.get("vcs_info", {}).get("commit_id", ""))


def _source(origin: Mapping[str, Any]) -> str:
    """The address of a requirement, empty for what came from an index."""
    if not origin.get("url"):
        return ""
    url = without_login(str(origin["url"]))
    if commit := _commit(origin):
        part = f"#subdirectory={origin['subdirectory']}" if origin.get("subdirectory") else ""
        return f"{origin['vcs_info'].get('vcs', 'git')}+{url}@{commit}{part}"
    sha256 = origin.get("archive_info", {}).get("hashes", {}).get("sha256", "")
    return f"{url}#sha256={sha256}" if sha256 else url
