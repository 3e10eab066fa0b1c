"""Where a file names our image, whatever the file is."""

from __future__ import annotations

import codecs
from pathlib import PurePosixPath

from r2d_action.hub.locate_code import locate_python, locate_words
from r2d_action.hub.locate_yaml import locate_yaml
from r2d_action.hub.mention import Image
from r2d_action.hub.place import Located, Note


def locate(path: str, content: bytes, image: Image) -> Located:
    # Most files of a hub's repository do not name the image: they cost no more than this.
    if image.needle.encode() not in content:
        return Located()
    try:
        text = content.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError:
        return Located(notes=(Note(0, "skipped, since it is not written in UTF-8"),))
    if is_yaml(path):
        return locate_yaml(text, image)
    return (locate_python if _suffix(path) == ".py" else locate_words)(text, image)


def is_yaml(path: str) -> bool:
    """JSON is YAML as well."""
    return _suffix(path) in (".yaml", ".yml", ".json")


def _suffix(path: str) -> str:
    return PurePosixPath(path).suffix.lower()
