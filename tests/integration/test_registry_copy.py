"""Images on their way between real repositories and registries."""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
import requests

from integration.front import Answer, Cut, Fault, Front, Seen, Twisted, in_front_of
from integration.registries import (
    PASSWORD,
    ROBOT,
    USER,
    Registries,
    blob_of,
    image,
    index,
    noise,
    push,
    upload,
)
from lab.registry import RunningRegistry
from r2d_action.reference import Repository
from r2d_action.registry.blobs import PART_BYTES, Blobs, Verified
from r2d_action.registry.client import Client
from r2d_action.registry.copy import BlobCounts, copy_manifest
from r2d_action.registry.manifest import Manifest
from r2d_action.registry.refusal import RegistryError
from r2d_action.retry import Temporary

SMALL = image(noise(200_000, 1), noise(50_000, 2), colour="red")
# More than two parts, for the way that it takes after a break.
LARGE = image(noise(2 * PART_BYTES + 1_000_000, 3))
LARGE_BLOB = blob_of(LARGE.blobs[0])


@pytest.fixture
def registries(tmp_path: Path) -> Iterator[Registries]:
    with ExitStack() as running:
        yield Registries(tmp_path, running)


def repository(host: str, name: str = "org/copied") -> Repository:
    return Repository.parse(f"{host}/{name}")


def copied(
    source: Client, target: Client, manifest: Manifest, name: str = "org/copied"
) -> tuple[Repository, BlobCounts]:
    """From ``org/image``, to where it is tagged ``v1``."""
    here, there = (repository(source.host, "org/image"), repository(target.host, name))
    result = copy_manifest(source, here, target, there, manifest, lambda _: None)
    target.put_manifest(there, "v1", manifest)
    return there, result


def content(registry: RunningRegistry, client: Client, digest: str) -> bytes | None:
    blobs = Blobs(client, repository(registry.host))
    wanted = next(
        blob_of(data) for data in (*SMALL.blobs, *LARGE.blobs) if digest_of(data) == digest
    )
    return b"".join(blobs.read(wanted, 0, wanted.size)) if blobs.has(wanted) else None


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def through(registries: Registries, registry: RunningRegistry, fault: Fault) -> Front:
    return registries.running.enter_context(in_front_of(registry.host, fault))


def test_within_a_registry_nothing_travels(registries: Registries) -> None:
    registry = registries.start()
    client = registries.client(registry.host)
    push(client, repository(registry.host, "org/image"), SMALL, "latest")
    before, uploads = len(registry.requests()), registry.uploads()
    there, result = copied(client, client, SMALL.manifest)
    assert result == BlobCounts(mounted=3)
    assert registry.uploads() == uploads
    assert [(seen.method, seen.status) for seen in registry.requests()[before:]] == [
        ("POST", 201), ("POST", 201), ("POST", 201), ("PUT", 201),
    ]  # fmt: skip
    assert client.digest(there, "v1") == SMALL.manifest.digest


def test_to_another_registry_each_blob_travels_once(registries: Registries) -> None:
    here, there = registries.start(), registries.start(htpasswd={USER: PASSWORD})
    source, target = registries.client(here.host), registries.client(there.host, ROBOT)
    push(source, repository(here.host, "org/image"), SMALL, "latest")
    to, result = copied(source, target, SMALL.manifest)
    assert result == BlobCounts(uploaded=3, uploaded_bytes=sum(map(len, SMALL.blobs)))
    assert there.uploads() == {digest_of(data): len(data) for data in SMALL.blobs}
    assert target.manifest(to, "v1") == SMALL.manifest
    assert target.labels(to, SMALL.manifest) == {"colour": "red"}
    again = copied(source, target, SMALL.manifest)[1]
    assert again == BlobCounts(present=3)


def test_an_index_comes_with_all_that_it_lists(registries: Registries) -> None:
    here, there = registries.start(), registries.start()
    source, target = registries.client(here.host), registries.client(there.host)
    other = image(noise(1000, 4), SMALL.blobs[0])
    listed = index(SMALL, other)
    for each in (SMALL, other):
        push(source, repository(here.host, "org/image"), each)
    source.put_manifest(repository(here.host, "org/image"), "latest", listed)
    to, result = copied(source, target, listed)
    # One layer is the same in both.
    assert (result.uploaded, result.present) == (5, 1)
    for manifest in (listed, SMALL.manifest, other.manifest):
        assert target.manifest(to, str(manifest.digest)) == manifest


def test_an_index_that_lists_what_is_not_there(registries: Registries) -> None:
    registry = registries.start()
    client = registries.client(registry.host)
    with pytest.raises(RegistryError, match="MANIFEST_UNKNOWN"):
        copied(client, client, index(SMALL))


def test_a_registry_that_does_not_mount_opens_an_upload_instead(registries: Registries) -> None:
    registry = registries.start()
    client = registries.client(registry.host)
    push(client, repository(registry.host, "org/image"), SMALL, "latest")
    # As one that was not told of the other repository.
    without_source = through(registries, registry, _never_mounting(registry))
    client = registries.client(without_source.host)
    there, result = copied(client, client, SMALL.manifest)
    assert (result.mounted, result.uploaded) == (0, 3)
    posts = [seen for seen in without_source.seen if seen.method == "POST"]
    assert len(posts) == 3
    assert client.digest(there, "v1") == SMALL.manifest.digest


@pytest.mark.parametrize("status", [403, 404, 405])
def test_a_registry_that_knows_nothing_of_mounting(registries: Registries, status: int) -> None:
    registry = registries.start()
    client = registries.client(registry.host)
    push(client, repository(registry.host, "org/image"), SMALL, "latest")

    def fault(seen: Seen) -> Answer | None:
        return Answer(status) if "mount=" in seen.path else None

    client = registries.client(through(registries, registry, fault).host)
    there, result = copied(client, client, SMALL.manifest)
    assert (result.mounted, result.uploaded) == (0, 3)
    assert client.digest(there, "v1") == SMALL.manifest.digest
    assert copied(client, client, SMALL.manifest)[1] == BlobCounts(present=3)


def _never_mounting(registry: RunningRegistry) -> Fault:
    def fault(seen: Seen) -> Answer | None:
        if "mount=" not in seen.path:
            return None
        path = seen.path.partition("?")[0]
        opened = requests.post(f"http://{registry.host}{path}", timeout=10)
        return Answer(opened.status_code, (("Location", opened.headers["Location"]),))

    return fault


# Breaks -------------------------------------------------------------------------------------


def test_an_upload_that_is_interrupted_goes_on_where_it_was(registries: Registries) -> None:
    here, there = registries.start(), registries.start()
    source = registries.client(here.host)
    push(source, repository(here.host, "org/image"), LARGE, "latest")
    patches: list[Seen] = []

    def fault(seen: Seen) -> Cut | None:
        """The first piece does not arrive, and of the parts not the second one."""
        if seen.method == "PATCH" and len(seen.body) > PART_BYTES // 2:
            patches.append(seen)
            return Cut(reaches=False) if len(patches) in {1, 3} else None
        return None

    front = through(registries, there, fault)
    before = len(here.requests())
    to, result = copied(source, registries.client(front.host), LARGE.manifest)
    assert result.uploaded == 2
    sent = [len(seen.body) for seen in patches]
    assert sent == [LARGE_BLOB.size, PART_BYTES, PART_BYTES, PART_BYTES]
    # The first part is not asked for again, and the registry says how far it is.
    assert "GET" in [seen.method for seen in front.seen if "/uploads/" in seen.path]
    gets = [seen.sent for seen in here.requests()[before:] if str(LARGE_BLOB.digest) in seen.path]
    assert gets.count(PART_BYTES) == 3
    assert there.uploads()[str(LARGE_BLOB.digest)] == LARGE_BLOB.size
    assert registries.client(there.host).digest(repository(there.host), "v1")
    assert to.path == "org/copied"
    assert registries.waits == [1, 2]


@pytest.mark.parametrize(
    "cut",
    [Cut(reaches=False), Cut(up=70_000), Cut()],
    ids=["nothing arrives", "a part arrives", "the answer is lost"],
)
@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
def test_an_upload_survives_one_break_anywhere(
    registries: Registries, cut: Cut, method: str
) -> None:
    here, there = registries.start(), registries.start()
    source = registries.client(here.host)
    push(source, repository(here.host, "org/image"), SMALL, "latest")
    left = iter([cut])

    def fault(seen: Seen) -> Cut | None:
        return next(left, None) if seen.method == method and "/uploads/" in seen.path else None

    front = through(registries, there, fault)
    target = registries.client(front.host)
    to, _ = copied(source, target, SMALL.manifest)
    assert next(left, None) is None
    for data in SMALL.blobs:
        assert content(there, registries.client(there.host), digest_of(data)) == data
    assert target.digest(to, "v1") == SMALL.manifest.digest


def test_a_blob_that_arrived_is_not_sent_again(registries: Registries) -> None:
    """Only the registry's word for it was lost."""
    registry = registries.start()
    left = iter([Cut()])

    def fault(seen: Seen) -> Cut | None:
        return next(left, None) if seen.method == "PUT" else None

    front = through(registries, registry, fault)
    upload(registries.client(front.host), repository(front.host), SMALL.blobs[0])
    methods = [seen.method for seen in front.seen]
    assert methods == ["POST", "PATCH", "PUT", "HEAD"]


def test_a_registry_that_takes_no_parts_gets_the_whole_again(registries: Registries) -> None:
    here, there = registries.start(), registries.start()
    source = registries.client(here.host)
    push(source, repository(here.host, "org/image"), LARGE, "latest")
    pieces: list[int] = []

    def fault(seen: Seen) -> Answer | Cut | None:
        if seen.method != "PATCH" or len(seen.body) < 10_000:
            return None
        pieces.append(len(seen.body))
        if len(pieces) == 1:
            return Cut(reaches=False)
        return None if len(seen.body) == LARGE_BLOB.size else Answer(416)

    front = through(registries, there, fault)
    _, result = copied(source, registries.client(front.host), LARGE.manifest)
    assert pieces == [LARGE_BLOB.size, PART_BYTES, LARGE_BLOB.size]
    assert result.uploaded_bytes == LARGE_BLOB.size + len(LARGE.blobs[1])


def test_a_source_that_breaks_off_is_read_again(registries: Registries) -> None:
    here, there = registries.start(), registries.start()
    push(registries.client(here.host), repository(here.host, "org/image"), SMALL, "latest")
    left = iter([Cut(down=1000), Cut(down=60_000)])

    def fault(seen: Seen) -> Cut | None:
        return next(left, None) if digest_of(SMALL.blobs[0]) in seen.path else None

    front = through(registries, here, fault)
    target = registries.client(there.host)
    copied(registries.client(front.host), target, SMALL.manifest)
    assert next(left, None) is None
    assert content(there, target, digest_of(SMALL.blobs[0])) == SMALL.blobs[0]


def test_bytes_that_changed_on_the_way_are_not_published(registries: Registries) -> None:
    here, there = registries.start(), registries.start()
    push(registries.client(here.host), repository(here.host, "org/image"), SMALL, "latest")
    wrong = digest_of(SMALL.blobs[1])

    def fault(seen: Seen) -> Twisted | None:
        if wrong not in seen.path or seen.method != "GET":
            return None
        return Twisted(lambda answer: Answer(200, answer.headers, b"x" + answer.body[1:]))

    front = through(registries, here, fault)
    source, target = registries.client(front.host), registries.client(there.host)
    with pytest.raises(RegistryError, match="DIGEST_INVALID") as caught:
        copied(source, target, SMALL.manifest)
    assert caught.value.host == front.host
    assert content(there, target, wrong) is None
    assert target.manifest(repository(there.host), "v1") is None


def test_a_blob_is_never_in_memory_as_a_whole(registries: Registries) -> None:
    here, there = registries.start(), registries.start()
    source, target = registries.client(here.host), registries.client(there.host)
    push(source, repository(here.host, "org/image"), LARGE, "latest")
    tracemalloc.start()
    try:
        copied(source, target, LARGE.manifest)
        assert tracemalloc.get_traced_memory()[1] < LARGE_BLOB.size / 4
    finally:
        tracemalloc.stop()


def test_a_registry_that_never_takes_it_is_given_up(registries: Registries) -> None:
    registry = registries.start()

    def fault(seen: Seen) -> Cut | None:
        return Cut(reaches=False) if seen.method == "PATCH" else None

    front = through(registries, registry, fault)
    with pytest.raises(Temporary, match="does not answer"):
        upload(registries.client(front.host), repository(front.host), SMALL.blobs[0])
    assert registries.waits == [1, 2, 4, 8]
    assert len(front.seen) < 30


def _all_after(data: bytes, start: int, _end: int) -> Iterator[bytes]:
    yield data[start:]


def test_a_source_of_another_length_is_not_believed(registries: Registries) -> None:
    registry = registries.start()
    client = registries.client(registry.host)
    blobs, blob = Blobs(client, repository(registry.host)), blob_of(SMALL.blobs[0])
    for data in (SMALL.blobs[0][:-1], SMALL.blobs[0] + b"x"):
        with pytest.raises(Temporary, match="number of bytes"):
            blobs.upload(blob, Verified("elsewhere", blob, partial(_all_after, data)))
    assert not blobs.has(blob)
