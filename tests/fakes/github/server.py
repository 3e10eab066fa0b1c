"""GitHub's interfaces over HTTP on this machine; whatever does not fit the description of a
request or of an answer is kept as a violation."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from fakes.github import graphql_api
from fakes.github.description import Operation, described
from fakes.github.model import Comment, Denied, GitHub, PullRequest

ARCHIVE_KEY = "for-this-archive-only"
_DOCS = "https://docs.github.com/rest"


@dataclass(frozen=True)
class Answer:
    status: int
    content: Any = None
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def body(self) -> bytes:
        if self.content is None or isinstance(self.content, bytes):
            return self.content or b""
        return json.dumps(self.content).encode()


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: str
    authorization: str
    content: Any

    def is_about(self, method: str, part: str) -> bool:
        """Whether ``part`` is in the path, or in the query of GraphQL."""
        text = self.path + (self.content or {}).get("query", "") if self.is_graphql else self.path
        return self.method == method and part in text

    @property
    def is_graphql(self) -> bool:
        return self.path.endswith("/graphql")


# What is answered instead, or done before; None goes on as usual.
Interception = Callable[[Request], Answer | None]


@dataclass
class Served:
    """``enterprise`` puts the interfaces where GitHub Enterprise Server has them."""

    github: GitHub
    enterprise: bool = False
    host: str = ""
    seen: list[Request] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    interceptions: list[Interception] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def api_url(self) -> str:
        return f"http://{self.host}{'/api/v3' if self.enterprise else ''}"

    @property
    def page(self) -> str:
        return f"http://{self.host}/{self.github.name}"

    def once(self, method: str, part: str, do: Callable[[], Answer | None]) -> None:
        """``do`` before the first request about ``part``; its answer, if it has one, is sent."""

        def interception(request: Request) -> Answer | None:
            if not request.is_about(method, part):
                return None
            self.interceptions.remove(interception)
            return do()

        self.interceptions.append(interception)

    def handle(self, request: Request) -> Answer:
        with self.lock:
            self.seen.append(request)
        for interception in tuple(self.interceptions):
            if answer := interception(request):
                return answer
        with self.lock:
            try:
                return self._handled(request)
            except Denied as denied:
                return _denied(denied)

    def _handled(self, request: Request) -> Answer:
        if request.path.startswith("/codeload/"):
            return self._archive(request)
        graphql = "/api/graphql" if self.enterprise else "/graphql"
        if request.path == graphql:
            grant = self.github.grant(request.authorization)
            content, wrong = graphql_api.answer(self.github, grant, request.content, self.page)
            self.violations += wrong
            return Answer(200, content)
        path = urlsplit(request.path).path.removeprefix("/api/v3" if self.enterprise else "")
        operation = described().operation(request.method, path)
        if operation is None:
            self.violations.append(f"{request.method} {path} is not described")
            return Answer(404, {"message": "Not Found"})
        return self._described(operation, request)

    def _described(self, operation: Operation, request: Request) -> Answer:
        what = f"{request.method} {operation.template}"
        wrong = described().wrong_with_request(operation, request.content)
        try:
            answer = _Rest(self, operation, request).answer()
        except Denied as denied:
            answer = _denied(denied)
        wrong += described().wrong_with_answer(operation, answer.status, answer.content)
        self.violations += [f"{what}: {one}" for one in wrong]
        return answer

    def _archive(self, request: Request) -> Answer:
        if request.authorization:
            self.violations.append("a token was sent to the host of the archives")
        if parse_qs(request.query).get("token") != [ARCHIVE_KEY]:
            return Answer(404, {"message": "Not Found"})
        revision = request.path.rpartition("/")[2]
        folder = f"{self.github.name.replace('/', '-')}-{revision[:7]}"
        return Answer(200, self.github.git.archive(revision, folder))


class _Rest:
    """One request to the REST interface."""

    def __init__(self, served: Served, operation: Operation, request: Request) -> None:
        self.served, self.operation, self.request = served, operation, request
        self.github = served.github

    def answer(self) -> Answer:
        name = re.sub(r"\W+", "_", f"{self.request.method} {self.operation.template}").strip("_")
        known, status = getattr(self, name.lower())()
        if isinstance(known, Answer):
            return known
        schema = described().schema_of(self.operation, status)
        return Answer(status, described().filled(schema, known) if schema else None)

    @property
    def _number(self) -> int:
        parameters = self.operation.parameters
        return int(parameters.get("pull_number") or parameters["issue_number"])

    def _grant(self) -> Any:
        grant = self.github.grant(self.request.authorization)
        parameters = self.operation.parameters
        if f"{parameters['owner']}/{parameters['repo']}" != self.github.name or not grant.sees:
            raise Denied(404, "NOT_FOUND", "Not Found")
        return grant

    def get_repos_owner_repo(self) -> tuple[Any, int]:
        self._grant()
        return {"full_name": self.github.name}, 200

    def get_repos_owner_repo_installation(self) -> tuple[Any, int]:
        return {"id": self.github.installation(self.request.authorization)}, 200

    def post_app_installations_installation_id_access_tokens(self) -> tuple[Any, int]:
        token, end = self.github.mint(self.request.authorization, self.request.content)
        return {"token": token, "expires_at": end}, 201

    def get_repos_owner_repo_tarball_ref(self) -> tuple[Any, int]:
        self._grant().require("contents", "read")
        ref = unquote(self.operation.parameters["ref"])
        full = f"refs/heads/{self.github.default_branch if ref == 'HEAD' else ref}"
        revision = self.github.git.resolve(full)
        if not revision:
            raise Denied(404, "NOT_FOUND", "Not Found")
        link = (
            f"http://{self.served.host}/codeload/{self.github.name}/{revision}?token={ARCHIVE_KEY}"
        )
        return Answer(302, headers=(("Location", link),)), 302

    def post_repos_owner_repo_pulls(self) -> tuple[Any, int]:
        return self._pull(self.github.open_pull(self._grant(), self.request.content)), 201

    def patch_repos_owner_repo_pulls_pull_number(self) -> tuple[Any, int]:
        grant = self._grant()
        return self._pull(self.github.edit_pull(grant, self._number, self.request.content)), 200

    def get_repos_owner_repo_issues_issue_number_comments(self) -> tuple[Any, int]:
        asked = parse_qs(self.request.query)
        size, page = (int(asked.get(name, ["0"])[0]) for name in ("per_page", "page"))
        found = self.github.listed_comments(self._grant(), self._number)
        return [self._comment(one) for one in found[size * (page - 1) : size * page]], 200

    def post_repos_owner_repo_issues_issue_number_comments(self) -> tuple[Any, int]:
        body = self.request.content["body"]
        return self._comment(self.github.comment(self._grant(), self._number, body)), 201

    def patch_repos_owner_repo_issues_comments_comment_id(self) -> tuple[Any, int]:
        number, body = int(self.operation.parameters["comment_id"]), self.request.content["body"]
        return self._comment(self.github.edit_comment(self._grant(), number, body)), 200

    def post_repos_owner_repo_issues_issue_number_labels(self) -> tuple[Any, int]:
        labels = self.github.add_labels(self._grant(), self._number, self.request.content["labels"])
        return [{"name": label} for label in labels], 200

    def post_repos_owner_repo_pulls_pull_number_requested_reviewers(self) -> tuple[Any, int]:
        grant = self._grant()
        pull = self.github.request_reviewers(grant, self._number, self.request.content)
        return self._pull(pull), 201

    def post_repos_owner_repo_dispatches(self) -> tuple[Any, int]:
        self.github.dispatch(self._grant(), self.request.content)
        return None, 204

    def _comment(self, comment: Comment) -> Mapping[str, Any]:
        return {
            "id": comment.id,
            "body": comment.body,
            "html_url": f"{self.served.page}/pull/{comment.issue}#issuecomment-{comment.id}",
            "user": {"login": comment.author, "type": comment.kind},
        }

    def _pull(self, pull: PullRequest) -> Mapping[str, Any]:
        place = f"{self.served.api_url}/repos/{self.github.name}"
        return {
            "number": pull.number,
            "node_id": f"PR_{pull.number}",
            "url": f"{place}/pulls/{pull.number}",
            "issue_url": f"{place}/issues/{pull.number}",
            "html_url": f"{self.served.page}/pull/{pull.number}",
            "state": "open" if pull.state == "OPEN" else "closed",
            "title": pull.title,
            "body": pull.body,
        }


def _denied(denied: Denied) -> Answer:
    errors = {"errors": denied.errors} if denied.errors else {}
    words = {"message": denied.message, "documentation_url": _DOCS, "status": str(denied.status)}
    return Answer(denied.status, {**words, **errors})


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, served: Served) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.served = served
        served.host = f"127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body in one packet: sent as two, the second one waits for an acknowledgement.
    wbufsize = -1
    server: _Server

    def do_any(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        place = urlsplit(self.path)
        authorization = self.headers.get("Authorization", "")
        content = json.loads(sent) if sent else None
        request = Request(self.command, place.path, place.query, authorization, content)
        answer = self.server.served.handle(request)
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = do_PATCH = do_any  # noqa: N815

    def log_message(self, *_: object) -> None:
        """The tests look at what was seen, not at a log."""


@contextmanager
def serving(github: GitHub, *, enterprise: bool = False) -> Iterator[Served]:
    served = Served(github, enterprise)
    server = _Server(served)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
