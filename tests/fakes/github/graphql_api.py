"""The GraphQL interface: queries are checked and carried out against GitHub's own schema."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from graphql import GraphQLSchema, build_schema, graphql_sync

from fakes.github.git import StoredCommit
from fakes.github.model import Denied, GitHub, Grant, PullRequest

REPOSITORY_ID = "R_fake"


@cache
def _schema() -> GraphQLSchema:
    schema = build_schema((Path(__file__).parent / "schema.graphql").read_text())
    schema.type_map["GitObject"].resolve_type = lambda value, *_: value["kind"]  # type: ignore[attr-defined]
    schema.type_map["Actor"].resolve_type = lambda *_: "Bot"  # type: ignore[attr-defined]
    return schema


def answer(
    github: GitHub, grant: Grant, asked: Mapping[str, Any], page: str
) -> tuple[dict[str, Any], list[str]]:
    """What GitHub says, and what is wrong with the question; ``page`` is the home page."""
    root = _Root(github, grant, page)
    result = graphql_sync(
        _schema(), asked["query"], root, variable_values=dict(asked.get("variables") or {})
    )
    errors, wrong = [], []
    for error in result.errors or ():
        denied = error.original_error
        if isinstance(denied, Denied):
            errors.append({"type": denied.kind, "path": error.path, "message": denied.message})
        else:
            wrong.append(error.message)
            errors.append({"message": error.message})
    return {"data": result.data, **({"errors": errors} if errors else {})}, wrong


class _Root:
    """Its methods are the fields of Query and Mutation, named as GitHub names them."""

    def __init__(self, github: GitHub, grant: Grant, page: str) -> None:
        self.github, self.grant, self.page = github, grant, page
        self.trees: dict[str, dict[str, str]] = {}

    def repository(self, _info: Any, owner: str, name: str, **_: object) -> dict[str, Any]:
        if f"{owner}/{name}" != self.github.name or not self.grant.sees:
            raise Denied(
                404, "NOT_FOUND",
                f"Could not resolve to a Repository with the name '{owner}/{name}'.",
            )  # fmt: skip
        self.grant.require("contents", "read")
        self.grant.require("pull_requests", "read")
        return {
            "id": REPOSITORY_ID,
            "viewerDefaultMergeMethod": "SQUASH",
            "defaultBranchRef": self._ref(f"refs/heads/{self.github.default_branch}"),
            "ref": lambda _info, qualifiedName: self._ref(qualifiedName),  # noqa: N803
            "object": lambda _info, expression: self._object(expression),
            "pullRequests": self._pulls,
        }

    def _ref(self, ref: str) -> dict[str, Any] | None:
        oid = self.github.git.resolve(ref)
        if not oid:
            return None
        return {
            "name": ref.removeprefix("refs/heads/"),
            "target": {"kind": "Commit", "oid": oid},
            "compare": partial(self._compare, oid),
        }

    def _compare(self, base: str, _info: Any, headRef: str) -> dict[str, Any] | None:  # noqa: N803
        head = self.github.git.resolve(f"refs/heads/{headRef}")
        if not head:
            return None
        commits = [_commit(one) for one in self.github.git.missing_from(base, head)]
        return {
            "aheadBy": len(commits),
            "commits": lambda _info, last: {"nodes": commits[-last:]},
        }

    def _object(self, expression: str) -> dict[str, Any] | None:
        revision, _, path = expression.partition(":")
        if revision not in self.trees:
            self.trees[revision] = self.github.git.blobs(revision)
        oid = self.trees[revision].get(path)
        return {"kind": "Blob", "oid": oid} if oid else None

    def _pulls(self, _info: Any, headRefName: str, first: int, orderBy: Any) -> dict[str, Any]:  # noqa: N803
        assert orderBy == {"field": "CREATED_AT", "direction": "DESC"}
        found = [pull for pull in self.github.pulls if pull.head == headRefName]
        return {"nodes": [self._pull(pull) for pull in found[::-1][:first]]}

    def _pull(self, pull: PullRequest) -> dict[str, Any]:
        commits = [{"commit": _commit(one)} for one in pull.commits]
        return {
            "number": pull.number,
            "url": f"{self.page}/pull/{pull.number}",
            "state": pull.state,
            "body": pull.body,
            "commits": lambda _info, last: {"nodes": commits[-last:]},
        }

    def updateRefs(self, _info: Any, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002, N802
        assert input["repositoryId"] == REPOSITORY_ID
        self.github.update_refs(self.grant, input["refUpdates"])
        return {}

    def createCommitOnBranch(self, _info: Any, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002, N802
        assert input["branch"]["repositoryNameWithOwner"] == self.github.name
        files = {
            one["path"]: base64.b64decode(one["contents"], validate=True)
            for one in input["fileChanges"]["additions"]
        }
        return {"commit": {"oid": self.github.commit_on_branch(self.grant, input, files)}}

    def enablePullRequestAutoMerge(self, _info: Any, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002, N802
        number = int(input["pullRequestId"].removeprefix("PR_"))
        self.github.enable_auto_merge(self.grant, number, input["mergeMethod"])
        login = self.grant.person.name
        return {
            "actor": {"avatarUrl": self.page, "login": login, "resourcePath": "/", "url": self.page}
        }


def _commit(stored: StoredCommit) -> dict[str, Any]:
    return {
        "kind": "Commit",
        "oid": stored.oid,
        "message": stored.message,
        "committer": {"email": stored.committer},
        "parents": lambda _info, **_: {"totalCount": len(stored.parents)},
    }
