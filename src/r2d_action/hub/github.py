"""A hub repository at GitHub, and all that we ask of it.

Every request is bounded, tried again where GitHub says so, and answered by a sentence of ours
where it is refused.
"""

from __future__ import annotations

import base64
import hashlib
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, TypeVar, cast

import requests
from github import Auth, Github, GithubException
from github.PullRequest import PullRequest

from r2d_action.authorization import as_it_is
from r2d_action.errors import HubFailed
from r2d_action.hub.description import Message
from r2d_action.hub.queries import COMMIT, MOVE, standing_query
from r2d_action.hub.refusal import GithubRefusal, Stale, Task, Unseen, explained, temporary
from r2d_action.hub.rolling import Branch, Commit, Mark, Pull, Standing
from r2d_action.hub.target import Target
from r2d_action.hub.values import FileEdit
from r2d_action.retry import Retry, Temporary

TIMEOUT_SECONDS = 30
READ, WRITE, PULL_REQUESTS = "Contents: read", "Contents: write", "Pull requests: write"
# A hub's whole configuration is a few megabytes; what is beyond this is no hub repository.
MAX_ARCHIVE_BYTES = 500_000_000
MAX_FILE_BYTES = 2_000_000
NO_COMMIT = "0" * 40
# The first name that nobody else works on is taken.
NAMES = 3

Result = TypeVar("Result")
# All paths of a repository to those that are looked at.
Choose = Callable[[Sequence[str]], Iterable[str]]


def connect(auth: Auth.Auth, api_url: str, verify: str | None = None) -> Github:
    """Without PyGithub's own waiting: how long a run may wait is for us to say."""
    return Github(
        auth=auth,
        base_url=api_url.rstrip("/"),
        timeout=TIMEOUT_SECONDS,
        verify=verify or True,
        retry=0,
        seconds_between_requests=None,
        seconds_between_writes=None,
        # Objects that were not asked for are not fetched.
        lazy=True,
    )


@dataclass(frozen=True, slots=True)
class HubRepository:
    """``name`` is ``owner/name``, ``downloads`` a session without credentials, ``clock``
    tells seconds since 1970."""

    name: str
    github: Github
    downloads: requests.Session
    retry: Retry
    clock: Callable[[], float]

    def files(self, branch: str, choose: Choose) -> dict[str, bytes]:
        """The contents of the chosen files by path: one archive, however many there are.

        Raises :class:`HubFailed`, and what ``choose`` raises.
        """
        repository = self.github.get_repo(self.name)
        task = Task(self.name, "read the files", READ)

        def download() -> dict[str, bytes]:
            link = repository.get_archive_link("tarball", branch or "HEAD")
            with tempfile.TemporaryFile() as archive:
                self._download(link, archive)
                return dict(_chosen_files(archive, choose))

        try:
            return self.ask(task, download)
        except Unseen as unseen:
            raise self._no_branch(branch) or unseen from unseen

    def _download(self, link: str, archive: IO[bytes]) -> None:
        with self.downloads.get(
            link, stream=True, auth=as_it_is, timeout=TIMEOUT_SECONDS
        ) as answer:
            answer.raise_for_status()
            size = 0
            for part in answer.iter_content(1 << 20):
                size += archive.write(part)
                if size > MAX_ARCHIVE_BYTES:
                    raise HubFailed(
                        f"{self.name} is larger than {MAX_ARCHIVE_BYTES // 10**6} MB, too large to "
                        "look through from here; check it out in the workflow and use "
                        "`r2d-action update-hub --directory`."
                    )
        archive.seek(0)

    def _no_branch(self, branch: str) -> HubFailed | None:
        """GitHub's answer is the same for a repository and for a branch that is not there."""
        try:
            self.github.requester.requestJsonAndCheck("GET", f"/repos/{self.name}")
        except (GithubException, requests.RequestException):
            return None
        if not branch:
            return HubFailed(f"{self.name} has no commits yet, so there is nothing to update.")
        return HubFailed(
            f"{self.name} has no branch {branch}, or the token may not read it; check HUB_BRANCH, "
            f"and that the token has the permission “{READ}”."
        )

    def look(self, target: Target, names: Sequence[str], paths: Sequence[str]) -> Standing:
        """Everything about the branches ``names`` and the files ``paths``, at one moment.

        Raises :class:`HubFailed`, and :class:`Stale` when the target's branch went away.
        """
        owner, _, name = self.name.partition("/")
        base = f"refs/heads/{target.branch}" if target.branch else ""
        draft = draft_of(names[0])
        variables = {
            "owner": owner,
            "name": name,
            "draft": f"refs/heads/{draft}",
            **({"base": base} if base else {}),
            **{f"branch{n}": one for n, one in enumerate(names)},
            **{f"ref{n}": f"refs/heads/{one}" for n, one in enumerate(names)},
            **{f"file{n}": f"{base or 'HEAD'}:{path}" for n, path in enumerate(paths)},
        }
        query = standing_query(base, len(names), len(paths))
        found = self._graphql(Task(self.name, "look", READ), query, variables)["repository"]
        if found["base"] is None:
            raise Stale("the branch is gone")
        return _standing(found, names, paths, draft)

    def commit(
        self,
        standing: Standing,
        branch: str,
        head: str,
        message: Message,
        edits: Sequence[FileEdit],
    ) -> str:
        """Make ``branch`` one commit with all edits on top of the base; its id.

        ``head`` is where the branch was, empty for none. Raises :class:`HubFailed`, and
        :class:`Stale` when somebody moved the branch since.
        """
        variables = {
            "refs": _ref_updates(standing, (branch, head, standing.base_head)),
            "commit": {
                "branch": {"repositoryNameWithOwner": self.name, "branchName": branch},
                "expectedHeadOid": standing.base_head,
                "message": {"headline": message.headline, "body": message.body},
                "fileChanges": {"additions": [_addition(edit) for edit in edits]},
            },
        }
        task = Task(self.name, "commit the change", WRITE, races=True)
        made = self._graphql(task, COMMIT, variables)["createCommitOnBranch"]
        return str(made["commit"]["oid"])

    def move(self, standing: Standing, branch: str, head: str, commit: str) -> None:
        """Put the commit of the draft on ``branch`` and remove the draft, both or neither."""
        updates = _ref_updates(
            standing, (branch, head, commit), (standing.draft, commit, NO_COMMIT)
        )
        task = Task(self.name, "update the proposal's branch", WRITE, races=True)
        self._graphql(task, MOVE, {"refs": updates})

    def delete(self, standing: Standing, branch: Branch) -> None:
        updates = _ref_updates(standing, (branch.name, branch.head, NO_COMMIT))
        task = Task(self.name, "delete the proposal's branch", WRITE, races=True)
        self._graphql(task, MOVE, {"refs": updates})

    def open_pull(self, base: str, head: str, title: str, body: str) -> PullRequest:
        repository = self.github.get_repo(self.name)
        return self.ask(
            Task(self.name, "open a pull request", PULL_REQUESTS, races=True),
            lambda: repository.create_pull(base=base, head=head, title=title, body=body),
        )

    def describe(self, pull: Pull, title: str, body: str) -> None:
        found = self.github.get_repo(self.name).get_pull(pull.number)
        self.ask(
            Task(self.name, "update the pull request", PULL_REQUESTS),
            lambda: found.edit(title=title, body=body),
        )

    def close(self, pull: Pull, body: str) -> None:
        found = self.github.get_repo(self.name).get_pull(pull.number)
        self.ask(
            Task(self.name, "close the pull request", PULL_REQUESTS),
            lambda: found.edit(state="closed", body=body),
        )

    def label(self, pull: PullRequest, labels: Sequence[str]) -> None:
        # PyGithub sends a bare list, which GitHub's description of this request has not.
        self.github.requester.requestJsonAndCheck(
            "POST", f"{pull.issue_url}/labels", input={"labels": list(labels)}
        )

    def ask(self, task: Task, action: Callable[[], Result]) -> Result:
        """Raises :class:`HubFailed`, and :class:`Stale` for a task that races."""

        def once() -> Result:
            try:
                return action()
            except GithubException as error:
                refusal = GithubRefusal.of(error)
                again = temporary(refusal, self.clock(), self.retry.longest_wait)
                raise again or explained(refusal, task) from error
            except (requests.RequestException, tarfile.TarError, EOFError) as error:
                raise Temporary(f"GitHub does not answer ({type(error).__name__})") from error

        try:
            return self.retry(f"{task.doing} ({self.name})", once)
        except Temporary as trouble:
            raise HubFailed(
                f"GitHub was asked {self.retry.tries} times to {task.doing} in {self.name}: "
                f"{trouble.reason}; run this job again later."
            ) from trouble

    def _graphql(self, task: Task, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        requester = self.github.requester
        _, answer = self.ask(task, lambda: requester.graphql_query(query, dict(variables)))
        return cast("dict[str, Any]", answer["data"])


def draft_of(name: str) -> str:
    return f"{name}.draft"


def blob_id(content: bytes) -> str:
    """https://git-scm.com/book/en/v2/Git-Internals-Git-Objects"""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _chosen_files(archive: IO[bytes], choose: Choose) -> Iterator[tuple[str, bytes]]:
    # Once for the names and once for the contents: going to and fro would unpack it each time.
    with tarfile.open(fileobj=archive, mode="r:gz") as tar:
        chosen = frozenset(choose([path for path, _ in _regular_files(tar)]))
    archive.seek(0)
    with tarfile.open(fileobj=archive, mode="r:gz") as tar:
        for path, member in _regular_files(tar):
            if path in chosen and (content := tar.extractfile(member)):
                yield path, content.read()


def _regular_files(tar: tarfile.TarFile) -> Iterator[tuple[str, tarfile.TarInfo]]:
    for member in tar:
        if member.isreg() and member.size <= MAX_FILE_BYTES:
            # GitHub puts everything into one folder.
            yield member.name.partition("/")[2], member


def _standing(
    found: Mapping[str, Any], names: Sequence[str], paths: Sequence[str], draft: str
) -> Standing:
    return Standing(
        repository_id=found["id"],
        base=found["base"]["name"],
        base_head=found["base"]["target"]["oid"],
        blobs={path: _oid(found[f"file{n}"]) for n, path in enumerate(paths)},
        merge_method=found["viewerDefaultMergeMethod"],
        branches=tuple(_branch(found, n, name) for n, name in enumerate(names)),
        draft=draft,
        draft_head=_oid((found["draft"] or {}).get("target")),
    )


def _branch(found: Mapping[str, Any], n: int, name: str) -> Branch:
    head = _oid((found[f"head{n}"] or {}).get("target"))
    return Branch(
        name=name,
        head=head,
        commits=_commits(found["base"][f"compare{n}"]) if head else (),
        pulls=tuple(_pull(node) for node in found[f"pulls{n}"]["nodes"]),
    )


def _commits(comparison: Mapping[str, Any] | None) -> tuple[Commit, ...] | None:
    nodes = comparison["commits"]["nodes"] if comparison else ()
    if not comparison or comparison["aheadBy"] != len(nodes):
        return None
    return tuple(
        Commit(
            message=node["message"],
            committer=(node["committer"] or {}).get("email") or "",
            parents=node["parents"]["totalCount"],
        )
        for node in nodes
    )


def _pull(node: Mapping[str, Any]) -> Pull:
    messages = [one["commit"]["message"] for one in node["commits"]["nodes"]]
    marks = [mark for message in messages if (mark := Mark.parse(message))]
    return Pull(
        number=node["number"],
        url=node["url"],
        state=node["state"],
        body=node["body"],
        mark=marks[-1] if marks else None,
    )


def _oid(node: Mapping[str, Any] | None) -> str:
    return str(node["oid"]) if node else ""


def _ref_updates(standing: Standing, *updates: tuple[str, str, str]) -> dict[str, Any]:
    """Branch, the commit it has (empty for none) and the one that it gets, all or nothing."""
    return {
        "repositoryId": standing.repository_id,
        "refUpdates": [
            {
                "name": f"refs/heads/{branch}",
                "beforeOid": before or NO_COMMIT,
                "afterOid": after,
                "force": True,
            }
            for branch, before, after in updates
        ],
    }


def _addition(edit: FileEdit) -> dict[str, str]:
    return {"path": edit.path, "contents": base64.b64encode(edit.after).decode()}
