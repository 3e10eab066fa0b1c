"""Publishing through a network and a registry that fail, in every order that a seed makes up.

``R2D_FAULT_SEEDS`` chooses the seeds: a number for that many, ``1000-1999`` for those, ``17`` with
a dash after it (``17-17``) for one.
"""

from __future__ import annotations

import base64
import json
import os
import random
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from integration.front import Answer, Cut, Front, Seen, Silent, Twisted, in_front_of
from integration.registries import (
    PASSWORD,
    ROBOT,
    USER,
    Registries,
    blob_of,
    image,
    noise,
    push,
)
from lab.registry import RunningRegistry
from lab.token_server import SERVICE, Asked, TokenServer, token_server
from r2d_action.reference import Registry, Repository
from r2d_action.registry.client import Client
from r2d_action.registry.copy import copy_manifest
from r2d_action.registry.login import Login
from r2d_action.registry.refusal import RegistryError
from r2d_action.retry import Retry, Temporary

SEEDS = os.environ.get("R2D_FAULT_SEEDS", "200")
# How many runs one test holds, so that a failure names a narrow range.
BATCH = 100
IMAGE = image(noise(20_000, 1), colour="red")
TAGS = ("0123456789ab", "latest")
# Two blobs and two tags, each tried five times, each try with a handshake or two.
MOST_REQUESTS = 400
LONGEST_WAIT = 60.0
PATIENCE_SECONDS = 0.05

PAGE = b"<html><head><title>Blocked</title></head><body>%s</body></html>"
JSON = ("Content-Type", "application/json")
HTML = ("Content-Type", "text/html; charset=utf-8")
OTHER_DIGEST = f"sha256:{'0' * 64}"

Fault = Answer | Twisted | Cut | Silent | None
Make = Callable[[random.Random, Seen], Fault]


# What goes wrong ----------------------------------------------------------------------------


def _overloaded(chance: random.Random, _seen: Seen) -> Answer:
    wait = chance.choice(("0", "7", "3600", "Fri, 20 Nov 2099 00:00:00 GMT", "soon"))
    return Answer(429, (("Retry-After", wait), JSON), b'{"errors":[{"code":"TOOMANYREQUESTS"}]}')


def _unwell(chance: random.Random, _seen: Seen) -> Answer:
    return Answer(chance.choice((500, 502, 503, 504)), (HTML,), PAGE % b"Bad gateway")


def _unwell_afterwards(_chance: random.Random, _seen: Seen) -> Twisted:
    return Twisted(lambda _answer: Answer(502, (HTML,), PAGE % b"Bad gateway"))


def _reset(chance: random.Random, seen: Seen) -> Cut:
    up, down = chance.randrange(len(seen.body) + 1), chance.randrange(200)
    return chance.choice((Cut(reaches=False), Cut(up=up), Cut(), Cut(down=down)))


def _logged_out(chance: random.Random, _seen: Seen) -> Answer:
    way_in = (("WWW-Authenticate", 'Basic realm="somewhere else", charset="UTF-8"'),)
    return Answer(
        401, (JSON, *chance.choice(((), way_in))), b'{"errors":[{"code":"UNAUTHORIZED"}]}'
    )


def _denied(_chance: random.Random, seen: Seen) -> Answer:
    """By something that repeats what it is told, in plain text too."""
    shown = seen.authorization.removeprefix("Basic ")
    with suppress(ValueError):
        shown = f"{shown}, which is {base64.b64decode(shown, validate=True).decode()}"
    told = {"code": "DENIED", "message": f"{seen.authorization} may not", "detail": shown}
    return Answer(403, (JSON,), json.dumps({"errors": [told]}).encode())


def _page(chance: random.Random, seen: Seen) -> Answer:
    status = chance.choice((200, 201, 202, 403, 404))
    return Answer(status, (HTML,), PAGE % seen.authorization.encode())


def _other_digest(_chance: random.Random, _seen: Seen) -> Twisted:
    return Twisted(lambda answer: _with(answer, "Docker-Content-Digest", OTHER_DIGEST))


def _truncated(chance: random.Random, _seen: Seen) -> Twisted:
    part = chance.random()
    return Twisted(
        lambda answer: Answer(
            answer.status, answer.headers, answer.body[: int(len(answer.body) * part)]
        )
    )


def _damaged(_chance: random.Random, _seen: Seen) -> Twisted:
    return Twisted(lambda answer: Answer(answer.status, answer.headers, answer.body[::-1]))


def _sent_elsewhere(chance: random.Random, seen: Seen) -> Answer:
    where = chance.choice(("http://127.0.0.1:1/", "//[", seen.path))
    return Answer(307, (("Location", where),))


def _with(answer: Answer, name: str, value: str) -> Answer:
    kept = (pair for pair in answer.headers if pair[0].lower() != name.lower())
    return Answer(answer.status, (*kept, (name, value)), answer.body)


FAULTS: tuple[Make, ...] = (
    _overloaded, _unwell, _unwell_afterwards, _reset, _logged_out, _denied, _page,
    _other_digest, _truncated, _damaged, _sent_elsewhere,
)  # fmt: skip


@dataclass
class Schedule:
    """What happens to each request of the run of one seed. ``made`` tells it afterwards."""

    seed: int
    made: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)  # noqa: S311
        self._rate = self._chance.choice((0.02, 0.1, 0.25, 0.7))
        self._faults = self._chance.sample(FAULTS, self._chance.randint(1, len(FAULTS)))
        self.same_registry = self._chance.random() < 0.5
        self.asks_first = self._chance.random() < 0.25
        # Few, since they take time for real.
        self.silences = self._chance.random() < 0.04

    def __call__(self, seen: Seen) -> Fault:
        if self._chance.random() >= self._rate:
            return None
        if self.silences and self._chance.random() < 0.3:
            self.made.append(f"{seen.method} silence")
            return Silent()
        make = self._chance.choice(self._faults)
        self.made.append(f"{seen.method} {make.__name__}")
        return make(self._chance, seen)


# Where it happens ---------------------------------------------------------------------------


class Impatient(HTTPAdapter):
    """Waits for an answer for a moment only."""

    def send(self, request: requests.PreparedRequest, **how: Any) -> requests.Response:  # type: ignore[override]
        return super().send(request, **{**how, "timeout": PATIENCE_SECONDS})


@dataclass
class Scene:
    registry: RunningRegistry
    tokens: TokenServer
    front: Front
    token_front: Front
    schedule: Schedule | None = None

    def fault(self, seen: Seen) -> Fault:
        return self.schedule(seen) if self.schedule else None

    @property
    def requests(self) -> int:
        return len(self.front.seen) + len(self.token_front.seen)

    def repository(self, seed: int) -> Repository:
        return Repository.parse(f"{self.front.host}/org/run-{seed}")

    @property
    def source(self) -> Repository:
        """The same place under another name, so that it counts as another registry."""
        host = self.front.host
        if self.schedule and not self.schedule.same_registry:
            host = host.replace("127.0.0.1", "localhost")
        return Repository.parse(f"{host}/org/source")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("faults")
    with ExitStack() as running:
        tokens = running.enter_context(token_server(folder / "tokens", {USER: PASSWORD}))
        later: list[Scene] = []

        def fault(seen: Seen) -> Fault:
            return later[0].fault(seen) if later else None

        token_front = running.enter_context(in_front_of(tokens.host, fault))
        registries = Registries(folder, running)
        settings = tokens.settings(f"http://{token_front.host}/token")
        registry = registries.start(token=settings, in_memory=True)
        front = running.enter_context(in_front_of(registry.host, fault))
        scene = Scene(registry, tokens, front, token_front)
        later.append(scene)
        push(registries.client(front.host, ROBOT), scene.source, IMAGE, "latest")
        yield scene


# A run --------------------------------------------------------------------------------------


@dataclass
class Run:
    """``done`` are the tags that were reported as put, ``verified`` whether all were reported as
    read back; ``error`` is how it ended otherwise."""

    said: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    verified: bool = False
    error: Exception | None = None

    def publish(self, source: Client, here: Repository, target: Client, there: Repository) -> None:
        manifest = source.manifest(here, "latest")
        assert manifest is not None, "it is there, and that nobody said otherwise was checked"
        copy_manifest(source, here, target, there, manifest, self.said.append)
        for tag in TAGS:
            target.put_manifest(there, tag, manifest)
            self.done.append(tag)
        self.verified = all(target.digest(there, tag) == manifest.digest for tag in TAGS)

    @property
    def text(self) -> str:
        printed = traceback.format_exception(self.error) if self.error else []
        return "\n".join([*self.said, *printed, repr(vars(self.error)) if self.error else ""])


def run(scene: Scene, schedule: Schedule) -> Run:
    scene.schedule = schedule
    result = Run()
    retry = Retry(result.waits.append, result.said.append)
    try:
        with requests.Session() as session:
            if schedule.silences:
                session.mount("http://", Impatient())
            target = Client(session, Registry(scene.front.host), Login.of(ROBOT), retry)
            source = Client(session, scene.source.registry, Login.of(ROBOT), retry)
            if schedule.same_registry:
                source = target
            there = scene.repository(schedule.seed)
            if schedule.asks_first:
                target.require_push(there)
            result.publish(source, scene.source, target, there)
    except (RegistryError, Temporary) as error:
        result.error = error
    finally:
        scene.schedule = None
    return result


# What must never happen ---------------------------------------------------------------------


def require_no_secret(text: str, tokens: list[str]) -> None:
    assert PASSWORD not in text
    for token in tokens:
        assert not any(part in text for part in token.split(".")[1:])


@dataclass
class Truth:
    """What the registry holds, asked for without anything in between."""

    scene: Scene
    connection: HTTPConnection

    def require(self, path: str, result: Run) -> None:
        """Every tag that is there is the image, and those that were reported are there."""
        scopes = (f"repository:{path}:pull",)
        token = self.scene.tokens.answer(Asked("GET", "", scopes, SERVICE))["token"]
        for tag in TAGS:
            found = self._get(f"/v2/{path}/manifests/{tag}", token)
            assert found == IMAGE.manifest.body or (found is None and tag not in result.done)
        for data in IMAGE.blobs if result.done else ():
            assert self._get(f"/v2/{path}/blobs/{blob_of(data).digest}", token) == data

    def _get(self, path: str, token: str) -> bytes | None:
        headers = {"Authorization": f"Bearer {token}", "Accept": IMAGE.manifest.media_type}
        self.connection.request("GET", path, headers=headers)
        answer = self.connection.getresponse()
        body = answer.read()
        assert answer.status in {200, 404}
        return body if answer.status == 200 else None


def seeds() -> range:
    first, dash, last = SEEDS.partition("-")
    return range(int(first), int(last) + 1) if dash else range(int(first))


def batches() -> list[range]:
    wanted = seeds()
    return [wanted[start : start + BATCH] for start in range(0, len(wanted), BATCH)]


@pytest.mark.parametrize("batch", batches(), ids=lambda batch: f"{batch[0]}-{batch[-1]}")
def test_nothing_is_reported_that_is_not_so(scene: Scene, batch: range) -> None:
    ends: Counter[str] = Counter()
    with closing(HTTPConnection(scene.registry.host, timeout=30)) as connection:
        truth = Truth(scene, connection)
        for seed in batch:
            schedule, before, issued = Schedule(seed), scene.requests, len(scene.tokens.issued)
            result = run(scene, schedule)
            told = f"seed {seed}: {schedule.made}"
            assert scene.requests - before < MOST_REQUESTS, told
            assert all(wait <= LONGEST_WAIT for wait in result.waits), told
            assert result.error or result.done == list(TAGS), told
            require_no_secret(result.text, scene.tokens.issued[issued:])
            truth.require(scene.repository(seed).path, result)
            ends[type(result.error).__name__] += 1
    # A schedule under which everything works, or nothing, would prove nothing.
    if len(batch) == BATCH:
        assert BATCH / 5 < ends["NoneType"] < BATCH * 4 / 5
