"""GitHub's own description of its REST interface: checks what is said, fills in what is not."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

# Every operation may answer these, and the description names them for some only.
EVERYWHERE = {"401", "403", "404", "429", "500", "502", "503"}
_PLACEHOLDER = re.compile(r"\{[^}]+\}")


@cache
def described() -> Description:
    return Description(json.loads((Path(__file__).parent / "rest.json").read_text()))


@dataclass(frozen=True, eq=False)
class Operation:
    template: str
    parameters: Mapping[str, str]
    content: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Description:
    document: Mapping[str, Any]

    def operation(self, method: str, path: str) -> Operation | None:
        for template, methods in self.document["paths"].items():
            pattern = _PLACEHOLDER.sub(lambda name: f"(?P<{name[0][1:-1]}>[^/]+)", template)
            if (match := re.fullmatch(pattern, path)) and method.lower() in methods:
                return Operation(template, match.groupdict(), methods[method.lower()])
        return None

    def wrong_with_request(self, operation: Operation, body: Any) -> list[str]:
        content = self._followed(operation.content["requestBody"]).get("content", {})
        if not content:
            return [] if body is None else ["a body where none is described"]
        if body is None:
            required = operation.content["requestBody"].get("required", False)
            return ["no body"] if required else []
        return self._wrong(body, content["application/json"]["schema"])

    def wrong_with_answer(self, operation: Operation, status: int, body: Any) -> list[str]:
        answers = operation.content["responses"]
        if str(status) not in answers:
            return [] if str(status) in EVERYWHERE else [f"status {status} is not described"]
        schema = self.schema_of(operation, status)
        return self._wrong(body, schema) if schema is not None else []

    def schema_of(self, operation: Operation, status: int) -> Any:
        answer = self._followed(operation.content["responses"][str(status)])
        return answer.get("content", {}).get("application/json", {}).get("schema")

    def _wrong(self, value: Any, schema: Any) -> list[str]:
        whole = {**schema, "components": self.document["components"]}
        errors = Draft202012Validator(whole).iter_errors(value)
        return [f"{error.json_path}: {error.message[:200]}" for error in errors]

    def filled(self, schema: Any, known: Any) -> Any:
        """``known``, with something that fits wherever the description wants more."""
        schema = self._followed(schema, nothing=known is None)
        if isinstance(known, list):
            return [self.filled(schema.get("items", {}), one) for one in known]
        if not isinstance(known, dict):
            return known
        properties = schema.get("properties", {})
        missing = {
            name: self._anything(properties.get(name, {}))
            for name in schema.get("required", ())
            if name not in known
        }
        return missing | {
            name: self.filled(properties.get(name, {}), one) for name, one in known.items()
        }

    def _anything(self, schema: Any) -> Any:
        schema = self._followed(schema)
        if "enum" in schema:
            return schema["enum"][0]
        kind = schema.get("type", "null")
        kind = kind[0] if isinstance(kind, list) else kind
        if kind == "object":
            return self.filled(schema, {})
        if kind == "string":
            return {
                "date-time": "2026-01-01T00:00:00Z",
                "uri": "https://github.example/",
            }.get(schema.get("format", ""), "")
        return {"integer": 1, "number": 1, "boolean": False, "array": []}.get(kind)

    def _followed(self, schema: Any, *, nothing: bool = True) -> Any:
        """Without references; of a choice, the first, that it may be ``nothing`` included."""
        while True:
            if reference := schema.get("$ref"):
                _, _, kind, name = reference.split("/")
                schema = self.document["components"][kind][name]
            elif several := schema.get("allOf"):
                parts = [self._followed(one) for one in several]
                schema = {
                    "type": "object",
                    "properties": {
                        k: v for one in parts for k, v in one.get("properties", {}).items()
                    },
                    "required": [name for one in parts for name in one.get("required", ())],
                }
            elif choice := schema.get("oneOf") or schema.get("anyOf"):
                schema = next(one for one in choice if nothing or one != {"type": "null"})
            else:
                return schema
