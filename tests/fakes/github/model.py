"""What GitHub knows: one repository with its pull requests, tokens, an App and some rules."""

from __future__ import annotations

import fnmatch
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jwt

from fakes.github.git import NO_COMMIT, BareRepository, Person, Refused, StoredCommit

OPEN, CLOSED, MERGED = "OPEN", "CLOSED", "MERGED"
# Who commits what is made on GitHub's pages or through its interfaces.
WEB_FLOW = Person("GitHub", "noreply@github.com")
MAX_JWT_SECONDS = 600


class Denied(Exception):
    """``status`` is REST's, ``kind`` the type of a GraphQL error."""

    def __init__(
        self, status: int, kind: str, message: str, errors: Sequence[Mapping[str, str]] = ()
    ) -> None:
        super().__init__(message)
        self.status, self.kind, self.message, self.errors = status, kind, message, errors


@dataclass(frozen=True)
class Grant:
    """What a token may do: ``permissions`` as GitHub calls them, to ``read`` or ``write``."""

    person: Person
    permissions: Mapping[str, str]
    sees: bool = True
    what: str = "personal access token"

    def require(self, permission: str, level: str) -> None:
        granted = self.permissions.get(permission, "")
        if not self.sees:
            raise Denied(404, "NOT_FOUND", "Not Found")
        if granted != "write" and granted != level:
            raise Denied(403, "FORBIDDEN", f"Resource not accessible by {self.what}")


@dataclass
class App:
    id: str
    public_key: str
    permissions: Mapping[str, str]
    installed: bool = True
    minted: list[Mapping[str, Any]] = field(default_factory=list)


@dataclass
class PullRequest:
    """``commits`` are those it had when it was last open, oldest first."""

    number: int
    base: str
    head: str
    title: str
    body: str
    state: str = OPEN
    commits: list[StoredCommit] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    reviewers: list[str] = field(default_factory=list)
    auto_merge: str = ""


@dataclass
class Comment:
    """``kind`` is that of its author's account: Bot or User."""

    id: int
    issue: int
    body: str
    author: str
    kind: str


@dataclass
class GitHub:
    """``closed_to_api`` are patterns of branches that a rule keeps from being made or moved;
    ``merge_blocked`` says whether something is left to wait for before a merge."""

    name: str
    git: BareRepository
    default_branch: str = "main"
    tokens: dict[str, Grant] = field(default_factory=dict)
    app: App | None = None
    pulls: list[PullRequest] = field(default_factory=list)
    closed_to_api: tuple[str, ...] = ()
    archived: bool = False
    collaborators: tuple[str, ...] = ("robin",)
    auto_merge_allowed: bool = True
    merge_blocked: bool = True
    dispatched: list[Mapping[str, Any]] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)

    # What people do.

    def push(
        self, files: Mapping[str, bytes], branch: str = "", message: str = "Edit", by: str = "casey"
    ) -> str:
        person = Person(by, f"{by}@example.org")
        ref = f"refs/heads/{branch or self.default_branch}"
        tip = self.git.resolve(ref)
        commit = self.git.commit([tip] if tip else [], files, message, person, person)
        self.git.update([(ref, None, commit)])
        self.follow()
        return commit

    def amend(self, branch: str, files: Mapping[str, bytes], by: str = "casey") -> None:
        """The newest commit made again, with its message and author, as `git commit --amend`."""
        old = self.git.missing_from(self.default_branch, branch)[-1]
        committer = Person(by, f"{by}@example.org")
        author = Person("the author", old.author)
        commit = self.git.commit(old.parents, files, old.message, author, committer)
        self.git.update([(f"refs/heads/{branch}", None, commit)])
        self.follow()

    def close(self, number: int) -> None:
        self.pull(number).state = CLOSED

    def reopen(self, number: int) -> None:
        self.pull(number).state = OPEN

    def delete_branch(self, branch: str) -> None:
        self.git.update([(f"refs/heads/{branch}", None, NO_COMMIT)])
        self.follow()

    def merge(self, number: int, *, squash: bool = False) -> None:
        pull = self.pull(number)
        tips = [self.git.resolve(f"refs/heads/{one}") for one in (pull.base, pull.head)]
        files = {path: self.git.file(tips[1], path) for path in self._changed(pull)}
        parents = tips[:1] if squash else tips
        commit = self.git.commit(
            parents, files, pull.title, Person("robin", "r@example.org"), WEB_FLOW
        )
        pull.state = MERGED
        self.git.update([(f"refs/heads/{pull.base}", tips[0], commit)])
        self.follow()

    def update_branch(self, number: int) -> None:
        """The button on a pull request's page that merges its base into it."""
        pull = self.pull(number)
        tips = [self.git.resolve(f"refs/heads/{one}") for one in (pull.head, pull.base)]
        news = self.git.paths(pull.commits[0].parents[0], tips[1])
        files = {path: self.git.file(tips[1], path) for path in news}
        casey = Person("casey", "casey@example.org")
        commit = self.git.commit(tips, files, f"Merge branch '{pull.base}'", casey, WEB_FLOW)
        self.git.update([(f"refs/heads/{pull.head}", tips[0], commit)])
        self.follow()

    def _changed(self, pull: PullRequest) -> list[str]:
        return self.git.paths(pull.commits[0].parents[0], pull.commits[-1].oid)

    def pull(self, number: int) -> PullRequest:
        return self.pulls[number - 1]

    @property
    def open_pulls(self) -> list[PullRequest]:
        return [pull for pull in self.pulls if pull.state == OPEN]

    def content(self, path: str, branch: str = "") -> bytes:
        return self.git.file(f"refs/heads/{branch or self.default_branch}", path)

    @property
    def branches(self) -> list[str]:
        listed = self.git._git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/")
        return listed.decode().split()

    # What the interfaces do.

    def follow(self) -> None:
        """An open pull request follows its branch, and is closed when that is gone or has
        nothing that the base has not."""
        for pull in self.open_pulls:
            head = self.git.resolve(f"refs/heads/{pull.head}")
            commits = self.git.missing_from(f"refs/heads/{pull.base}", head) if head else []
            if commits:
                pull.commits = commits
            else:
                pull.state = CLOSED

    def grant(self, authorization: str) -> Grant:
        token = authorization.partition(" ")[2]
        if token not in self.tokens:
            raise Denied(401, "UNAUTHORIZED", "Bad credentials")
        return self.tokens[token]

    def update_refs(self, grant: Grant, updates: Sequence[Mapping[str, Any]]) -> None:
        grant.require("contents", "write")
        self._require_writable()
        for update in updates:
            branch = update["name"].removeprefix("refs/heads/")
            if any(fnmatch.fnmatch(branch, pattern) for pattern in self.closed_to_api):
                raise Denied(
                    422, "UNPROCESSABLE",
                    "Repository rule violations found\n\nCannot create ref due to creations being "
                    "restricted.\n\n",
                )  # fmt: skip
        try:
            self.git.update(
                [(one["name"], one.get("beforeOid"), one["afterOid"]) for one in updates]
            )
        except Refused as reason:
            raise Denied(422, "UNPROCESSABLE", "Reference cannot be updated") from reason
        self.follow()

    def commit_on_branch(
        self, grant: Grant, asked: Mapping[str, Any], files: Mapping[str, bytes]
    ) -> str:
        grant.require("contents", "write")
        self._require_writable()
        ref = f"refs/heads/{asked['branch']['branchName'].removeprefix('refs/heads/')}"
        tip = self.git.resolve(ref)
        if not tip:
            raise Denied(404, "NOT_FOUND", f"Branch {ref} does not exist")
        if tip != asked["expectedHeadOid"]:
            raise Denied(
                409, "STALE_DATA",
                f'Expected branch to point to "{tip}" but it points to another commit. Pull and '
                "try again.",
            )  # fmt: skip
        message = f"{asked['message']['headline']}\n\n{asked['message'].get('body', '')}"
        commit = self.git.commit([tip], files, message, grant.person, WEB_FLOW)
        self.git.update([(ref, tip, commit)])
        self.follow()
        return commit

    def open_pull(self, grant: Grant, asked: Mapping[str, Any]) -> PullRequest:
        grant.require("pull_requests", "write")
        self._require_writable()
        base, head = asked["base"], asked["head"].rpartition(":")[2]
        if any(pull.head == head and pull.base == base for pull in self.open_pulls):
            owner = self.name.partition("/")[0]
            raise _invalid(f"A pull request already exists for {owner}:{head}.")
        commits = self.git.missing_from(f"refs/heads/{base}", f"refs/heads/{head}")
        if not commits:
            raise _invalid(f"No commits between {base} and {head}")
        number = len(self.pulls) + 1
        pull = PullRequest(
            number, base, head, asked["title"], asked.get("body") or "", OPEN, commits
        )
        self.pulls.append(pull)
        return pull

    def edit_pull(self, grant: Grant, number: int, asked: Mapping[str, Any]) -> PullRequest:
        grant.require("pull_requests", "write")
        pull = self.pull(number)
        pull.title = asked.get("title", pull.title)
        pull.body = asked.get("body", pull.body)
        if asked.get("state") == "closed":
            pull.state = CLOSED
        return pull

    def add_labels(self, grant: Grant, number: int, labels: Sequence[str]) -> list[str]:
        grant.require("pull_requests", "write")
        self.pull(number).labels += labels
        return self.pull(number).labels

    def request_reviewers(self, grant: Grant, number: int, asked: Mapping[str, Any]) -> PullRequest:
        grant.require("pull_requests", "write")
        people = [*asked.get("reviewers", ()), *asked.get("team_reviewers", ())]
        if strangers := set(people) - set(self.collaborators):
            raise Denied(
                422, "UNPROCESSABLE",
                f"Reviews may only be requested from collaborators. {len(strangers)} is none.",
            )  # fmt: skip
        self.pull(number).reviewers += people
        return self.pull(number)

    def enable_auto_merge(self, grant: Grant, number: int, method: str) -> None:
        grant.require("contents", "write")
        if not self.auto_merge_allowed:
            raise Denied(
                422, "UNPROCESSABLE",
                "Pull request Auto merge is not allowed for this repository",
            )  # fmt: skip
        if not self.merge_blocked:
            raise Denied(422, "UNPROCESSABLE", "Pull request Pull request is in clean status")
        self.pull(number).auto_merge = method

    # Of comments, those on pull requests: the permission for issues does as well.
    # https://docs.github.com/rest/issues/comments

    def listed_comments(self, grant: Grant, issue: int) -> list[Comment]:
        grant.require("pull_requests", "read")
        return [one for one in self.comments if one.issue == issue]

    def comment(self, grant: Grant, issue: int, body: str) -> Comment:
        grant.require("pull_requests", "write")
        kind = "Bot" if grant.person.name.endswith("[bot]") else "User"
        made = Comment(len(self.comments) + 1, issue, body, grant.person.name, kind)
        self.comments.append(made)
        return made

    def edit_comment(self, grant: Grant, comment: int, body: str) -> Comment:
        grant.require("pull_requests", "write")
        self.comments[comment - 1].body = body
        return self.comments[comment - 1]

    def dispatch(self, grant: Grant, asked: Mapping[str, Any]) -> None:
        grant.require("contents", "write")
        self.dispatched.append(asked)

    def installation(self, authorization: str) -> int:
        app = self._app(authorization)
        if not app.installed:
            raise Denied(404, "NOT_FOUND", "Not Found")
        return 4711

    def mint(self, authorization: str, asked: Mapping[str, Any]) -> tuple[str, str]:
        """The token and when it ends."""
        app = self._app(authorization)
        permissions = asked.get("permissions", app.permissions)
        for name, level in permissions.items():
            if app.permissions.get(name) not in {level, "write"}:
                raise Denied(
                    422, "UNPROCESSABLE",
                    "The permissions requested are not granted to this installation.",
                )  # fmt: skip
        sees = self.name.partition("/")[2] in asked.get("repositories", [])
        token = f"ghs_{secrets.token_hex(18)}"
        person = Person(f"app-{app.id}[bot]", f"{app.id}+app[bot]@users.noreply.github.com")
        self.tokens[token] = Grant(person, permissions, sees, "integration")
        app.minted.append(asked)
        return token, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))

    def _app(self, authorization: str) -> App:
        """https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app"""
        kind, _, token = authorization.partition(" ")
        if kind != "Bearer" or self.app is None:
            raise Denied(401, "UNAUTHORIZED", "A JSON web token could not be decoded")
        try:
            claims = jwt.decode(
                token, self.app.public_key, algorithms=["RS256"], issuer=self.app.id,
                options={"require": ["exp", "iat", "iss"]},
            )  # fmt: skip
        except jwt.PyJWTError as reason:
            raise Denied(401, "UNAUTHORIZED", "A JSON web token could not be decoded") from reason
        if claims["exp"] > time.time() + MAX_JWT_SECONDS:
            raise Denied(
                401, "UNAUTHORIZED",
                "'Expiration time' claim ('exp') is too far in the future",
            )  # fmt: skip
        return self.app

    def _require_writable(self) -> None:
        if self.archived:
            raise Denied(403, "FORBIDDEN", "Repository was archived so is read-only.")


def _invalid(message: str) -> Denied:
    errors = [{"resource": "PullRequest", "code": "custom", "message": message}]
    return Denied(422, "UNPROCESSABLE", "Validation Failed", errors)
