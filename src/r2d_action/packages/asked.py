"""Which packages the repository itself names: what else changes came along with them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from r2d_action.context import CONFIG_DIRS

FILES = (
    "environment.yml",
    "environment.yaml",
    "requirements.txt",
    "apt.txt",
    "install.R",
    "Dockerfile",
    "Pipfile",
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
    "DESCRIPTION",
    "postBuild",
)
FOLDERS = ("", *CONFIG_DIRS)
_COMMENT = re.compile(r"(?:^|\s)#.*", re.MULTILINE)
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")


def asked_for(build_root: Path) -> frozenset[str]:
    files = (build_root / folder / name for folder in FOLDERS for name in FILES)
    return words_in(file.read_text("utf-8", "replace") for file in files if file.is_file())


def words_in(texts: Iterable[str]) -> frozenset[str]:
    """All words, the names of packages among them: in each of these files, an instruction for a
    shell or R's too, a package is called by its name, and what else is there is none."""
    words = (word for text in texts for word in _WORD.findall(_COMMENT.sub("", text)))
    return frozenset(plain(word) for word in words)


def plain(name: str) -> str:
    """In one spelling: https://packaging.python.org/specifications/name-normalization/"""
    return re.sub(r"[-_.]+", "-", name).strip("-").lower()
