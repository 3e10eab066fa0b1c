"""What is installed in R's libraries.

https://cran.r-project.org/doc/manuals/r-release/R-exts.html#The-DESCRIPTION-file
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from r2d_action.packages.fields import stanzas
from r2d_action.packages.values import Kind, Package

_DESCRIPTION = re.compile(r"(?P<place>.*)/[^/]+/DESCRIPTION")
# The packages that R consists of have its version, and one of them stands for all.
BASE = "base"
R_ITSELF = "R"


def r_packages(files: Mapping[str, bytes]) -> Iterator[Package]:
    for path, content in files.items():
        match = _DESCRIPTION.fullmatch(path)
        fields = next(stanzas(content), {}) if match else {}
        if match and _is_installed(fields):
            yield Package(
                kind=Kind.R,
                name=R_ITSELF if fields["Package"] == BASE else fields["Package"],
                version=fields["Version"],
                build=fields.get("RemoteSha", "")[:12] if _is_checkout(fields) else "",
                place=match["place"],
                source=_source(fields),
            )


def _is_installed(fields: Mapping[str, str]) -> bool:
    """Sources have the file too, but nobody has built them."""
    if not {"Package", "Version", "Built"} <= fields.keys():
        return False
    return fields.get("Priority") != "base" or fields["Package"] == BASE


def _is_checkout(fields: Mapping[str, str]) -> bool:
    # A package of a repository may have a RemoteSha as well: there it is its version.
    return fields.get("RemoteType", "standard") != "standard"


def _source(fields: Mapping[str, str]) -> str:
    if not _is_checkout(fields):
        return fields.get("Repository", "")
    owner, name = fields.get("RemoteUsername", ""), fields.get("RemoteRepo", "")
    return f"{fields['RemoteType']}:{owner}/{name}@{fields.get('RemoteSha', '')}"
