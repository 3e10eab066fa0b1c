"""The client and real registries: passwords, tokens, certificates, proxies."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from fakes.server import Answer as ServerAnswer
from fakes.server import Request as ServerRequest
from fakes.server import serving
from integration.front import Answer, Cut, Seen, in_front_of
from integration.registries import (
    PASSWORD,
    ROBOT,
    USER,
    Image,
    Registries,
    blob_of,
    image,
    noise,
    push,
    upload,
)
from integration.tunnel import tunnel_to
from lab.certificates import make_authority, make_certificate
from lab.registry import RunningRegistry
from lab.token_server import TokenServer, token_server
from r2d_action.reference import Registry, Repository
from r2d_action.registry.auth import Credential
from r2d_action.registry.blobs import Blobs
from r2d_action.registry.client import Client
from r2d_action.registry.login import Login
from r2d_action.registry.refusal import RegistryError
from r2d_action.registry.transport import new_session

SMALL = image(noise(100_000, 1), colour="red")


@pytest.fixture
def registries(tmp_path: Path) -> Iterator[Registries]:
    with ExitStack() as running:
        yield Registries(tmp_path, running)


@pytest.fixture
def tokens(tmp_path: Path) -> Iterator[TokenServer]:
    with token_server(tmp_path / "tokens", {USER: PASSWORD}) as tokens:
        yield tokens


def may_push(client: Client, repository: Repository) -> bool:
    try:
        client.require_push(repository)
    except RegistryError as error:
        if error.is_denial:
            return False
        raise
    return True


def repository(host: str, name: str = "org/image") -> Repository:
    return Repository.parse(f"{host}/{name}")


def refused(client: Client, what: Image = SMALL) -> RegistryError:
    """How a push is refused, with nothing secret in what could be printed of it."""
    with pytest.raises(RegistryError) as caught:
        push(client, repository(client.host), what)
    printed = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
    assert PASSWORD not in printed
    assert "wrong-password" not in printed
    return caught.value


# Passwords ----------------------------------------------------------------------------------


def test_a_registry_with_passwords(registries: Registries) -> None:
    host = registries.start(htpasswd={USER: PASSWORD}).host
    client = registries.client(host, ROBOT)
    push(client, repository(host), SMALL, "v1")
    assert client.tags(repository(host)) == ("v1",)
    assert client.manifest(repository(host), "v1") == SMALL.manifest
    assert client.manifest(repository(host), "v2") is None
    assert client.tags(repository(host, "org/other")) == ()
    nobody = registries.client(host)
    assert refused(nobody).status == 401
    wrong = registries.client(host, replace(ROBOT, password="wrong-password"))
    assert (refused(wrong).status, refused(wrong).code) == (401, "UNAUTHORIZED")
    assert not registries.waits


def test_the_right_to_push_is_proven_without_a_trace(registries: Registries) -> None:
    registry = registries.start(htpasswd={USER: PASSWORD})
    host = registry.host
    robot, nobody = registries.client(host, ROBOT), registries.client(host)
    assert may_push(robot, repository(host))
    assert not may_push(nobody, repository(host))
    with pytest.raises(RegistryError, match="401"):
        nobody.require_push(repository(host))
    kept = [
        file for file in (registry.log.parent / "storage").rglob("_uploads/*/*") if file.is_file()
    ]
    assert not kept
    assert [seen.method for seen in registry.requests() if seen.status == 204] == ["DELETE"]
    assert not registry.uploads()


def test_a_registry_that_cannot_cancel_an_upload_lets_push_all_the_same(
    registries: Registries,
) -> None:
    def fault(seen: Seen) -> Answer | None:
        return Answer(405) if seen.method == "DELETE" else None

    with in_front_of(registries.start().host, fault) as front:
        assert may_push(registries.client(front.host), repository(front.host))


def test_another_refusal_than_a_denial_is_no_answer(registries: Registries) -> None:
    def fault(_seen: Seen) -> Answer:
        return Answer(
            404, (("Content-Type", "application/json"),), b'{"errors":[{"code":"NAME_UNKNOWN"}]}'
        )

    with in_front_of(registries.start().host, fault) as front:
        client = registries.client(front.host)
        with pytest.raises(RegistryError, match="404 NAME_UNKNOWN"):
            may_push(client, repository(front.host))


# Tokens -------------------------------------------------------------------------------------


@pytest.fixture
def guarded(registries: Registries, tokens: TokenServer) -> RunningRegistry:
    return registries.start(token=tokens.settings())


def test_everybody_pulls_and_the_robot_pushes(
    registries: Registries, tokens: TokenServer, guarded: RunningRegistry
) -> None:
    robot, nobody = registries.client(guarded.host, ROBOT), registries.client(guarded.host)
    push(robot, repository(guarded.host), SMALL, "v1")
    # A push is one handshake, and its token is good for reading as well.
    assert robot.tags(repository(guarded.host)) == ("v1",)
    assert [(asked.user, asked.scopes) for asked in tokens.asked] == [
        (USER, ("repository:org/image:pull,push",))
    ]
    assert [seen.status for seen in guarded.requests()].count(401) == 1
    assert nobody.manifest(repository(guarded.host), "v1") == SMALL.manifest
    assert nobody.labels(repository(guarded.host), SMALL.manifest) == {"colour": "red"}
    assert not may_push(nobody, repository(guarded.host))
    assert may_push(robot, repository(guarded.host))
    wrong = registries.client(guarded.host, replace(ROBOT, password="wrong-password"))
    error = refused(wrong)
    assert (error.status, error.host) == (401, tokens.host)
    assert error.message == "user or password is wrong"


def test_an_identity_token_is_exchanged_and_not_shown_to_the_registry(
    registries: Registries, tokens: TokenServer, guarded: RunningRegistry
) -> None:
    tokens.identity_tokens["opaque-identity-1"] = "somebody"
    somebody = Credential("", "", "the test", identity_token="opaque-identity-1")
    push(registries.client(guarded.host, somebody), repository(guarded.host), SMALL, "v1")
    assert [(asked.method, asked.user) for asked in tokens.asked] == [("POST", "somebody")]


def test_a_mount_asks_for_both_repositories(
    registries: Registries, tokens: TokenServer, guarded: RunningRegistry
) -> None:
    robot = registries.client(guarded.host, ROBOT)
    push(robot, repository(guarded.host), SMALL, "v1")
    uploads = guarded.uploads()
    there = Blobs(robot, repository(guarded.host, "org/other"))
    for data in SMALL.blobs:
        assert there.mount(blob_of(data), repository(guarded.host)) == ""
    assert guarded.uploads() == uploads
    assert tokens.asked[-1].scopes == (
        "repository:org/other:pull,push", "repository:org/image:pull",
    )  # fmt: skip


@pytest.mark.parametrize("announced", [300, None], ids=["not told", "told"])
def test_a_token_that_runs_out_during_an_upload_is_replaced(
    registries: Registries, tokens: TokenServer, guarded: RunningRegistry, announced: int | None
) -> None:
    tokens.lifetime, tokens.announced = 1, announced
    robot = registries.client(guarded.host, ROBOT)
    data = noise(200_000)

    def slow(start: int, end: int) -> Iterator[bytes]:
        """The second half comes when the first token is worth nothing any more."""
        yield data[start : end // 2]
        while _is_taken(guarded, tokens.issued[0]):
            pass
        yield data[end // 2 : end]

    blobs = Blobs(robot, repository(guarded.host))
    blobs.upload(blob_of(data), slow)
    assert guarded.uploads() == {str(blob_of(data).digest): len(data)}
    assert len(tokens.issued) > 1
    assert not registries.waits
    refused = [
        seen for seen in guarded.requests() if "/uploads/" in seen.path and seen.status == 401
    ]
    # Who knows that the token has run out does not show it.
    assert len(refused) == (2 if announced else 1)


def _is_taken(registry: RunningRegistry, token: str) -> bool:
    answer = requests.get(
        f"http://{registry.host}/v2/org/image/tags/list",
        headers={"Authorization": f"Bearer {token}"},
        timeout=10,
    )
    return answer.status_code != 401


def test_a_credential_that_is_refused_is_renewed(
    registries: Registries, tokens: TokenServer, guarded: RunningRegistry
) -> None:
    given = iter([replace(ROBOT, password="wrong-password"), ROBOT])
    login = Login(lambda: next(given))
    push(registries.client(guarded.host, login), repository(guarded.host), SMALL, "v1")
    assert login.credential() == ROBOT
    assert {asked.user for asked in tokens.asked} == {USER}


def test_a_credential_that_is_about_to_expire_is_renewed(
    registries: Registries, guarded: RunningRegistry
) -> None:
    now = 1000.0
    old = Credential(USER, PASSWORD, "first", expires=1300)
    new = Credential(USER, PASSWORD, "second", expires=1600)
    given = iter([old, new])
    login = Login(lambda: next(given), lambda: now)
    client = registries.client(guarded.host, login)
    client.require_push(repository(guarded.host))
    assert client.credential is old
    now = 1241
    client.require_push(repository(guarded.host))
    assert client.credential is new


# The way there ------------------------------------------------------------------------------


def test_a_blob_store_does_not_get_to_know_us(registries: Registries) -> None:
    registry = registries.start(htpasswd={USER: PASSWORD})
    push(registries.client(registry.host, ROBOT), repository(registry.host), SMALL, "v1")
    stored = {str(blob_of(data).digest): data for data in SMALL.blobs}
    asked: list[ServerRequest] = []

    def store(request: ServerRequest) -> ServerAnswer:
        asked.append(request)
        return ServerAnswer(200, stored[request.path.split("/")[1].partition("?")[0]])

    with ExitStack() as running:
        address = running.enter_context(serving(store))

        def elsewhere(seen: Seen) -> Answer | None:
            if seen.method != "GET" or "/blobs/" not in seen.path or not allowed(seen):
                return None
            digest = seen.path.rpartition("/")[2]
            return Answer(307, (("Location", f"http://{address}/{digest}?signature=s1gned"),))

        counted = iter(range(2))

        def allowed(_seen: Seen) -> bool:
            # The first request has no password, and is not sent on.
            return next(counted, None) != 0

        front = running.enter_context(in_front_of(registry.host, elsewhere))
        client = registries.client(front.host, ROBOT)
        assert client.labels(repository(front.host), SMALL.manifest) == {"colour": "red"}
        layer = SMALL.manifest.blobs[0]
        read = Blobs(client, repository(front.host)).read(layer, 0, layer.size)
        assert b"".join(read) == SMALL.blobs[0]
    assert len(asked) == 2
    for request in asked:
        assert "authorization" not in request.headers
        assert request.path.endswith("?signature=s1gned")


NAME = "registry.example.org"


@pytest.fixture
def encrypted(
    registries: Registries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[RunningRegistry, Path]:
    """And the file that its clients have to trust; nobody else's settings are in the way."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    authority = make_authority(tmp_path)
    made = make_certificate(tmp_path, authority, NAME, "127.0.0.1")
    registry = registries.start(tls=(made.file, made.key_file), htpasswd={USER: PASSWORD})
    return registry, authority.file


def client_by(registries: Registries, host: str, **env: str) -> Client:
    session = registries.running.enter_context(new_session(env))
    return Client(session, Registry(host), Login.of(ROBOT), registries.retry)


def test_an_authority_of_ones_own(
    registries: Registries, encrypted: tuple[RunningRegistry, Path]
) -> None:
    registry, trusted = encrypted
    error = refused(client_by(registries, registry.host))
    assert (error.status, error.host) == (0, registry.host)
    assert "does not trust its certificate" in error.message
    assert "REQUESTS_CA_BUNDLE" in error.message
    client = client_by(registries, registry.host, SSL_CERT_FILE=str(trusted))
    push(client, repository(registry.host), SMALL, "v1")
    assert client.manifest(repository(registry.host), "v1") == SMALL.manifest
    assert not registries.waits


def test_a_proxy_and_an_authority_from_the_environment(
    registries: Registries,
    encrypted: tuple[RunningRegistry, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registry, trusted = encrypted
    with tunnel_to(registry.host) as tunnel:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{tunnel.host}")
        monkeypatch.setenv("HTTP_PROXY", f"http://{tunnel.host}")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(trusted))
        # The standard variable of requests goes before the one of other programs.
        client = client_by(registries, NAME, SSL_CERT_FILE="/nonexistent")
        push(client, repository(NAME), SMALL, "v1")
        assert set(tunnel.asked) == {f"{NAME}:443"}
        # What is on this machine is not asked for elsewhere.
        here = client_by(registries, registry.host)
        assert here.digest(repository(registry.host), "v1") == SMALL.manifest.digest
        assert set(tunnel.asked) == {f"{NAME}:443"}
        # The sessions keep the way open until they end.
        client.session.close()
        here.session.close()


def test_a_name_that_the_certificate_is_not_for(
    registries: Registries,
    encrypted: tuple[RunningRegistry, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registry, trusted = encrypted
    with tunnel_to(registry.host) as tunnel:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{tunnel.host}")
        client = client_by(registries, "other.example.org", SSL_CERT_FILE=str(trusted))
        assert "does not trust its certificate" in refused(client).message
        client.session.close()


def test_a_manifest_that_breaks_off_is_read_again(registries: Registries) -> None:
    registry = registries.start()
    push(registries.client(registry.host), repository(registry.host), SMALL, "v1")
    left = iter([Cut(down=100), Cut(down=0), Cut(reaches=False)])
    with in_front_of(registry.host, lambda _: next(left, None)) as front:
        client = registries.client(front.host)
        assert client.manifest(repository(front.host), "v1") == SMALL.manifest
    assert registries.waits == [1, 2, 4]


def test_a_part_of_a_blob(registries: Registries) -> None:
    registry = registries.start()
    client = registries.client(registry.host)
    data = noise(300_000, 9)
    blob = upload(client, repository(registry.host), data)
    blobs = Blobs(client, repository(registry.host))
    assert b"".join(blobs.read(blob, 1000, 200_000)) == data[1000:200_000]
    assert registry.requests()[-1].sent == 199_000

    def whole(seen: Seen) -> Answer | None:
        """As a store that does not know of ranges."""
        return Answer(200, (), data) if seen.method == "GET" else None

    with in_front_of(registry.host, whole) as front:
        blobs = Blobs(registries.client(front.host), repository(front.host))
        assert b"".join(blobs.read(blob, 1000, 200_000)) == data[1000:200_000]
