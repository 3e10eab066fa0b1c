"""Values to JSON and back, so that what is an argument inside one job is a file between two."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from cattrs.preconf.json import make_converter

from r2d_action.reference import Digest, Reference, Repository, Tag

Value = TypeVar("Value")


def to_json(value: object) -> str:
    return str(_CONVERTER.dumps(value, indent=2))


def from_json(text: str, kind: type[Value]) -> Value:
    """Raises what cattrs raises for a text that is none of ``kind``."""
    value: Value = _CONVERTER.loads(text, kind)
    return value


def _converter() -> Any:
    converter = make_converter()
    converter.register_unstructure_hook(Path, str)
    converter.register_structure_hook(Path, lambda text, _: Path(text))
    for kind, parse in (
        (Repository, Repository.parse),
        (Reference, Reference.parse),
        (Tag, Tag),
        (Digest, Digest),
    ):
        converter.register_unstructure_hook(kind, str)
        converter.register_structure_hook(kind, lambda text, _, parse=parse: parse(text))
    return converter


_CONVERTER = _converter()
