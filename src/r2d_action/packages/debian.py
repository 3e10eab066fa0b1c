"""What dpkg installed, and in which order its versions are.

https://manpages.debian.org/deb-version
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from r2d_action.packages.fields import stanzas
from r2d_action.packages.values import Kind, Package

STATUS = "/var/lib/dpkg/status"

Part = tuple[tuple[int, ...], int]
Key = tuple[int, tuple[Part, ...], tuple[Part, ...]]


def debian_packages(files: Mapping[str, bytes]) -> Iterator[Package]:
    """In images that were made without dpkg, each package has a file of its own below."""
    for path in files:
        if path == STATUS or path.startswith(f"{STATUS}.d/"):
            for fields in stanzas(files[path]):
                if _is_installed(fields):
                    yield Package(kind=Kind.APT, name=fields["Package"], version=fields["Version"])


def is_distributions(path: str) -> bool:
    """Python and R modules here came as Debian packages: others install to /usr/local."""
    return path.startswith(("/usr/lib/python3", "/usr/lib/R/", "/usr/share/"))


def _is_installed(fields: Mapping[str, str]) -> bool:
    """What was removed leaves its settings, and an entry."""
    state = fields.get("Status", "ok installed")
    return state.endswith(" installed") and {"Package", "Version"} <= fields.keys()


def version_key(version: str) -> Key:
    epoch, _, rest = version.rpartition(":")
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return int(epoch) if epoch.isdecimal() else 0, _parts(upstream), _parts(revision)


def _parts(text: str) -> tuple[Part, ...]:
    """Texts and numbers by turns. The last of them is empty, and stands for the end."""
    pairs = re.findall(r"([^0-9]*)([0-9]*)", text)
    return tuple(((*tuple(map(_weight, word)), 0), int(number or 0)) for word, number in pairs)


def _weight(letter: str) -> int:
    """A tilde comes before the end (0), letters before everything else."""
    if letter == "~":
        return -1
    return ord(letter) if letter.isascii() and letter.isalpha() else ord(letter) + 0x110000
