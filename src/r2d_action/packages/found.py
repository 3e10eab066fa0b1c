"""From the files that were collected in an image to a list of its packages. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from r2d_action.packages.conda import conda_packages, is_record, owned_by_conda, records_in
from r2d_action.packages.debian import debian_packages, is_distributions
from r2d_action.packages.python import python_packages
from r2d_action.packages.r import r_packages
from r2d_action.packages.values import KINDS, Package, PackageList


def packages_in(files: Mapping[str, bytes]) -> PackageList:
    """``files`` by their paths in the image; each is read when it is needed. A package is listed
    for the one that brought it: what conda or apt installed is there for pip to see as well."""
    records = records_in(files)
    owned = owned_by_conda(records)
    others = {
        path: files[path]
        for path in files
        if path not in owned and not is_distributions(path) and not is_record(path)
    }
    found = (
        *conda_packages(records),
        *python_packages(others),
        *r_packages(others),
        *debian_packages(files),
    )
    return PackageList(tuple(sorted({one for one in found if one.is_sound}, key=_order)))


def _order(one: Package) -> tuple[int, str, str, str, str, str]:
    kind = KINDS.index(one.kind)
    return kind, one.name, one.version, one.place, one.build, one.source
