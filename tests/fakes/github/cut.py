"""Cuts GitHub's own descriptions down to what this project asks of it.

Both come from packages of npm that GitHub's SDK team makes out of GitHub's releases:
`@octokit/openapi` (REST) and `@octokit/graphql-schema`. Run it from the repository's top when
a request is added, or to follow a new release:

    PYTHONPATH=src:tests python -m fakes.github.cut

Words (summaries, descriptions, examples) are left out, and so is what an answer may lack.
"""

import inspect
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_schema,
    get_named_type,
    parse,
    print_ast,
    visit,
)
from graphql.language import (
    DefinitionNode,
    InputObjectTypeDefinitionNode,
    InterfaceTypeDefinitionNode,
    NamedTypeNode,
    ObjectTypeDefinitionNode,
    StringValueNode,
)

from github.PullRequest import PullRequest
from r2d_action.hub.queries import COMMIT, MOVE, standing_query

HERE = Path(__file__).parent
REST, GRAPHQL = HERE / "rest.json", HERE / "schema.graphql"
OPERATIONS = (
    ("get", "/repos/{owner}/{repo}"),
    ("get", "/repos/{owner}/{repo}/installation"),
    ("post", "/app/installations/{installation_id}/access_tokens"),
    ("get", "/repos/{owner}/{repo}/tarball/{ref}"),
    ("post", "/repos/{owner}/{repo}/pulls"),
    ("patch", "/repos/{owner}/{repo}/pulls/{pull_number}"),
    ("get", "/repos/{owner}/{repo}/issues/{issue_number}/comments"),
    ("post", "/repos/{owner}/{repo}/issues/{issue_number}/comments"),
    ("patch", "/repos/{owner}/{repo}/issues/comments/{comment_id}"),
    ("post", "/repos/{owner}/{repo}/issues/{issue_number}/labels"),
    ("post", "/repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers"),
    ("post", "/repos/{owner}/{repo}/dispatches"),
)
# What PyGithub sends for PullRequest.enable_automerge.
AUTO_MERGE = """
mutation Mutation($input: EnablePullRequestAutoMergeInput!) {
  enablePullRequestAutoMerge(input: $input) {
    actor { avatarUrl login resourcePath url } clientMutationId
  }
}
"""
WORDS = frozenset({"description", "summary", "example", "examples", "externalDocs", "deprecated"})
# What stands behind an interface that we ask by its common fields alone.
IMPLEMENTED_BY = {"GitObject": "Blob", "Actor": "Bot"}
Json = dict[str, Any]


def main() -> None:
    assert "actor { avatarUrl login resourcePath url }" in inspect.getsource(PullRequest)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        version = _pack("@octokit/openapi", folder / "rest")
        source = folder / "rest/package/generated/api.github.com.json"
        _write_rest(json.loads(source.read_text()), version)
        version = _pack("@octokit/graphql-schema", folder / "graphql")
        _write_graphql((folder / "graphql/package/schema.graphql").read_text(), version)


def _pack(package: str, into: Path) -> str:
    """The package's version; nothing of it is installed or run."""
    into.mkdir()
    command = ["npm", "pack", "--silent", "--json", package]
    listed = subprocess.run(command, cwd=into, check=True, capture_output=True, text=True)
    packed = json.loads(listed.stdout)[0]
    with tarfile.open(into / packed["filename"]) as tar:
        tar.extractall(into, filter="data")
    return str(packed["version"])


def _write_rest(full: Json, version: str) -> None:
    paths: Json = {}
    for method, path in OPERATIONS:
        operation = full["paths"][path][method]
        kept = {
            "parameters": operation.get("parameters", []),
            "requestBody": operation.get("requestBody", {}),
            "responses": {k: _lean(v) for k, v in operation["responses"].items()},
        }
        paths.setdefault(path, {})[method] = _plain(kept)
    cut: Json = {"paths": paths, "components": {}}
    wanted = set(_references(paths))
    done: set[str] = set()
    while missing := wanted - done:
        for reference in missing:
            _, _, kind, name = reference.split("/")
            part = full["components"][kind][name]
            value = _plain(part if name == "app-permissions" else _lean(part))
            cut["components"].setdefault(kind, {})[name] = value
            wanted |= set(_references(value))
        done |= missing
    document = {"x-source": f"@octokit/openapi {version}, api.github.com", **cut}
    REST.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")


def _lean(value: Any) -> Any:
    """Objects with nothing but what they must have."""
    if isinstance(value, list):
        return [_lean(one) for one in value]
    if not isinstance(value, dict):
        return value
    lean = {key: _lean(one) for key, one in value.items() if key != "properties"}
    if isinstance(properties := value.get("properties"), dict):
        required = value.get("required", ())
        lean["properties"] = {k: _lean(v) for k, v in properties.items() if k in required}
    return lean


def _plain(value: Any) -> Any:
    """JSON Schema instead of OpenAPI 3.0's own way of saying that something may be null."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    properties = value.get("properties")
    plain = {
        key: _plain(one)
        for key, one in value.items()
        if key != "properties"
        and key != "nullable"
        and not key.startswith("x-")
        and not (key in WORDS and not isinstance(one, bool))
        and key != "deprecated"
    }
    if isinstance(properties, dict):
        plain["properties"] = {name: _plain(one) for name, one in properties.items()}
    return {"anyOf": [{"type": "null"}, plain]} if value.get("nullable") is True else plain


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _references(one)
    elif isinstance(value, dict):
        if isinstance(reference := value.get("$ref"), str):
            yield reference
        for one in value.values():
            yield from _references(one)


def _write_graphql(text: str, version: str) -> None:
    full = parse(text)
    schema = build_schema(text, assume_valid=True)
    used = _Used(schema)
    for query in (standing_query("", 1, 1), standing_query("main", 1, 1), COMMIT, MOVE, AUTO_MERGE):
        info = TypeInfo(schema)
        visit(parse(query), TypeInfoVisitor(info, _Collector(info, used)))
    for interface, kind in IMPLEMENTED_BY.items():
        used.type(kind).update(used.type(interface))
    definitions = tuple(_cut(node, used) for node in full.definitions if _name(node) in used.types)
    printed = print_ast(DocumentNode(definitions=definitions))
    GRAPHQL.write_text(f"# @octokit/graphql-schema {version}\n\n{printed}\n")


class _Used:
    """The types that our queries meet, with the fields that they ask for."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema = schema
        self.types: dict[str, set[str]] = {}

    def type(self, name: str) -> set[str]:
        if name not in self.types:
            self.types[name] = set()
            for field in getattr(self.schema.type_map[name], "fields", {}).values():
                # Inputs are kept whole: what we leave out has to be allowed to be missing.
                if name.endswith("Input") or not hasattr(field, "args"):
                    self.type(get_named_type(field.type).name)
        return self.types[name]


class _Collector(Visitor):
    def __init__(self, info: TypeInfo, used: _Used) -> None:
        super().__init__()
        self.info, self.used = info, used

    def enter_field(self, node: FieldNode, *_: object) -> None:
        parent, field = self.info.get_parent_type(), self.info.get_field_def()
        assert parent is not None
        assert field is not None
        self.used.type(parent.name).add(node.name.value)
        self.used.type(get_named_type(field.type).name)
        for argument in field.args.values():
            self.used.type(get_named_type(argument.type).name)

    def enter_named_type(self, node: NamedTypeNode, *_: object) -> None:
        """The types behind an interface: `... on Commit`."""
        if node.name.value in self.used.schema.type_map:
            self.used.type(node.name.value)


def _name(node: DefinitionNode | NamedTypeNode) -> str:
    return str(getattr(getattr(node, "name", None), "value", ""))


def _cut(node: DefinitionNode, used: _Used) -> DefinitionNode:
    node = visit(node, _Wordless())
    if isinstance(node, InputObjectTypeDefinitionNode):
        return node
    if isinstance(node, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
        wanted = used.types[_name(node)]
        values: Mapping[str, Any] = {
            "name": node.name,
            "interfaces": tuple(one for one in node.interfaces or () if _name(one) in used.types),
            "fields": tuple(one for one in node.fields or () if one.name.value in wanted),
            "directives": (),
        }
        return type(node)(**values)
    return node


class _Wordless(Visitor):
    """Without descriptions, and without directives, which are about words as well."""

    def enter(self, node: Any, *_: object) -> Any:
        if isinstance(node, StringValueNode):
            return None
        if getattr(node, "description", None) or getattr(node, "directives", None):
            values = {key: getattr(node, key, None) for key in node.keys if key != "loc"}
            return type(node)(**{**values, "description": None, "directives": ()})
        return None


if __name__ == "__main__":
    main()
