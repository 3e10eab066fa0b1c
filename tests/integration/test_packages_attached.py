"""Lists kept with images, in registries that know of referrers and in those that do not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from fakes.package_trees import hub_image
from integration.front import Answer, Seen, Twisted, in_front_of
from integration.registries import (
    OCI_INDEX,
    OCI_MANIFEST,
    Image,
    Registries,
    blob_of,
    image,
    index,
    noise,
    push,
    upload,
)
from r2d_action.json_text import to_json
from r2d_action.packages.attached import ARTIFACT_TYPE, SIZES, attach, kept_with, packages_of
from r2d_action.packages.before import find_before
from r2d_action.packages.found import packages_in
from r2d_action.packages.values import Before, ImageSize, Kept
from r2d_action.plan.repo2docker import REVISION
from r2d_action.reference import Digest, Repository, Tag
from r2d_action.registry.client import Client, RegistryError
from r2d_action.registry.manifest import Manifest

IMAGE = image(noise(10_000, 1), colour="red")
NOW = datetime(2026, 9, 1, tzinfo=timezone.utc)
OLD, NEW = packages_in(hub_image()), packages_in(hub_image(numpy="2.1.0"))


@pytest.fixture
def registries(tmp_path: Path) -> Iterator[Registries]:
    with ExitStack() as running:
        yield Registries(tmp_path, running)


@dataclass
class KnowsReferrers:
    """Does in front of a registry what a newer one does by itself.

    https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers
    """

    listed: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def __call__(self, seen: Seen) -> Answer | Twisted | None:
        if "/referrers/" in seen.path:
            return self._listing(urlsplit(seen.path).path.rpartition("/")[2])
        content = (
            json.loads(seen.body) if seen.method == "PUT" and "/manifests/" in seen.path else {}
        )
        if "subject" not in content:
            return None
        self._note(content, seen.body)
        subject = ("OCI-Subject", content["subject"]["digest"])
        return Twisted(lambda answer: Answer(answer.status, (*answer.headers, subject)))

    def _note(self, content: dict[str, Any], body: bytes) -> None:
        blob = blob_of(body)
        descriptor = {
            "mediaType": content["mediaType"],
            "digest": str(blob.digest),
            "size": blob.size,
            "artifactType": content["artifactType"],
            "annotations": content["annotations"],
        }
        # In no order that anybody could rely on.
        self.listed.setdefault(content["subject"]["digest"], []).insert(0, descriptor)

    def _listing(self, digest: str) -> Answer:
        content = {
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": self.listed.get(digest, []),
        }
        return Answer(200, (("Content-Type", OCI_INDEX),), json.dumps(content).encode())


Start = Callable[[], tuple[Client, Repository]]


@pytest.fixture(params=["tag", "referrers"])
def start(request: pytest.FixtureRequest, registries: Registries) -> Start:
    """A registry with the image in it."""

    def started() -> tuple[Client, Repository]:
        host = registries.start().host
        if request.param == "referrers":
            host = registries.running.enter_context(in_front_of(host, KnowsReferrers())).host
        client = registries.client(host)
        repository = Repository.parse(f"{host}/org/image")
        push(client, repository, IMAGE, "v1")
        return client, repository

    return started


def test_a_list_is_kept_with_its_image(start: Start) -> None:
    client, repository = start()
    digest = IMAGE.manifest.digest
    assert packages_of(client, repository, digest) is None
    attach(client, repository, digest, OLD, NOW)
    assert packages_of(client, repository, digest) == OLD
    # The image is what it was.
    assert client.manifest(repository, "v1") == IMAGE.manifest
    assert client.digest(repository, "v1") == digest


def test_a_newer_list_of_the_same_image(start: Start) -> None:
    client, repository = start()
    for days, packages in enumerate((OLD, NEW)):
        attach(client, repository, IMAGE.manifest.digest, packages, NOW + timedelta(days))
        assert packages_of(client, repository, IMAGE.manifest.digest) == packages


def test_an_index_can_have_a_list_as_well(start: Start) -> None:
    client, repository = start()
    manifest = index(IMAGE)
    client.put_manifest(repository, "all", manifest)
    attach(client, repository, manifest.digest, OLD, NOW)
    assert packages_of(client, repository, manifest.digest) == OLD
    assert packages_of(client, repository, IMAGE.manifest.digest) is None
    assert client.manifest(repository, "all") == manifest


def test_an_image_that_is_not_there_gets_no_list(start: Start) -> None:
    client, repository = start()
    with pytest.raises(RegistryError, match="404 MANIFEST_UNKNOWN"):
        attach(client, repository, Digest(f"sha256:{'0' * 64}"), OLD, NOW)


def test_a_new_image_is_compared_with_the_one_before(start: Start) -> None:
    client, repository = start()
    tags = tuple(map(Tag, ("main", "v1", "latest")))
    assert find_before(client, repository, tags) is None
    attach(client, repository, IMAGE.manifest.digest, OLD, NOW)
    # The list is of a version that kept no sizes: the image's own is known all the same.
    sizes: tuple[ImageSize, ...] = (size_of(IMAGE, "v1"),)
    assert find_before(client, repository, tags) == Before(since="v1", packages=OLD, sizes=sizes)
    told = image(noise(100, 5), **{REVISION: "0123456789abcdef"})
    push(client, repository, told, "main")
    sizes = (*sizes, size_of(told, "0123456789ab"))
    attach(client, repository, told.manifest.digest, NEW, NOW, sizes)
    assert find_before(client, repository, tags) == Before(
        since="0123456789ab", packages=NEW, sizes=sizes
    )


def test_an_image_without_a_list_is_asked_for_one_once(registries: Registries) -> None:
    front = registries.running.enter_context(in_front_of(registries.start().host, pass_on))
    client, repository = registries.client(front.host), Repository.parse(f"{front.host}/org/image")
    for tag in ("main", "latest"):
        push(client, repository, IMAGE, tag)
    before = len(front.seen)
    assert find_before(client, repository, map(Tag, ("main", "latest"))) is None
    asked = [seen.path.rpartition("/")[2] for seen in front.seen[before:]]
    digest = IMAGE.manifest.digest
    assert asked == ["main", str(digest), f"sha256-{digest.value[7:]}", "latest"]


def size_of(one: Image, tag: str) -> ImageSize:
    return ImageSize(tag=tag, made="2026-09-01", size=sum(one.manifest.layer_sizes))


@pytest.mark.parametrize(
    "told",
    [
        "",
        "{",
        '{"tag": "a"}',
        '[{"tag": "a", "made": "2026-09-01"}]',
        '[{"tag": "a|b", "made": "2026-09-01", "size": 1}]',
    ],
)
def test_sizes_of_another_kind_are_none(registries: Registries, told: str) -> None:
    host = registries.start().host
    client, repository = registries.client(host), Repository.parse(f"{host}/org/image")
    push(client, repository, IMAGE, "v1")
    listing = listing_of(client, repository, to_json(OLD).encode(), {SIZES: told})
    attach_index(client, repository, listing)
    assert kept_with(client, repository, IMAGE.manifest.digest) == Kept(packages=OLD)


def test_an_index_has_no_commit(start: Start) -> None:
    client, repository = start()
    manifest = index(IMAGE)
    client.put_manifest(repository, "all", manifest)
    attach(client, repository, manifest.digest, OLD, NOW)
    found = find_before(client, repository, (Tag("all"),))
    assert found == Before(since="all", packages=OLD)


def pass_on(_seen: Seen) -> None:
    """The registry answers."""


def test_the_same_list_is_put_once(registries: Registries) -> None:
    def put() -> int:
        return sum(seen.method == "PUT" for seen in front.seen)

    front = registries.running.enter_context(in_front_of(registries.start().host, pass_on))
    client, repository = registries.client(front.host), Repository.parse(f"{front.host}/org/image")
    push(client, repository, IMAGE, "v1")
    attach(client, repository, IMAGE.manifest.digest, OLD, NOW)
    before = put()
    attach(client, repository, IMAGE.manifest.digest, OLD, NOW)
    assert put() == before
    assert set(client.tags(repository)) == {"v1", f"sha256-{IMAGE.manifest.digest.value[7:]}"}


def test_no_tag_is_made_in_a_registry_that_knows_of_referrers(registries: Registries) -> None:
    front = registries.running.enter_context(in_front_of(registries.start().host, KnowsReferrers()))
    client, repository = registries.client(front.host), Repository.parse(f"{front.host}/org/image")
    push(client, repository, IMAGE, "v1")
    attach(client, repository, IMAGE.manifest.digest, OLD, NOW)
    assert client.tags(repository) == ("v1",)


def test_what_others_attached_stays(registries: Registries) -> None:
    host = registries.start().host
    client, repository = registries.client(host), Repository.parse(f"{host}/org/image")
    push(client, repository, IMAGE, "v1")
    signature = image(noise(100, 3))
    push(client, repository, signature)
    tag = f"sha256-{IMAGE.manifest.digest.value[7:]}"
    client.put_manifest(repository, tag, index(signature))
    attach(client, repository, IMAGE.manifest.digest, OLD, NOW)
    kept = client.manifest(repository, tag)
    assert kept is not None
    digests = [one["digest"] for one in kept.content["manifests"]]
    assert digests[0] == str(signature.manifest.digest)
    assert packages_of(client, repository, IMAGE.manifest.digest) == OLD


@pytest.mark.parametrize(
    "data",
    [b"{", b'{"packages": [{"kind": "snap", "name": "a", "version": "1"}]}', b'{"other": 1}'],
)
def test_a_list_of_another_kind_is_none(registries: Registries, data: bytes) -> None:
    host = registries.start().host
    client, repository = registries.client(host), Repository.parse(f"{host}/org/image")
    push(client, repository, IMAGE, "v1")
    attach(client, repository, IMAGE.manifest.digest, OLD, NOW)
    foreign = listing_of(client, repository, data)
    attach_index(client, repository, foreign)
    assert packages_of(client, repository, IMAGE.manifest.digest) is None


def listing_of(
    client: Client,
    repository: Repository,
    data: bytes,
    annotations: Mapping[str, str] | None = None,
) -> Manifest:
    upload(client, repository, b"{}")
    blob = upload(client, repository, data)
    layer = {"mediaType": ARTIFACT_TYPE, "digest": str(blob.digest), "size": blob.size}
    empty = blob_of(b"{}")
    config = {
        "mediaType": "application/vnd.oci.empty.v1+json",
        "digest": str(empty.digest),
        "size": empty.size,
    }
    content = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": config,
        "layers": [layer],
        "annotations": annotations,
    }
    manifest = Manifest(OCI_MANIFEST, json.dumps(content).encode())
    client.put_manifest(repository, str(manifest.digest), manifest)
    return manifest


def attach_index(client: Client, repository: Repository, listing: Manifest) -> None:
    descriptor = {
        "mediaType": OCI_MANIFEST,
        "digest": str(listing.digest),
        "size": len(listing.body),
        "artifactType": ARTIFACT_TYPE,
    }
    content = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [descriptor]}
    tag = f"sha256-{IMAGE.manifest.digest.value[7:]}"
    client.put_manifest(repository, tag, Manifest(OCI_INDEX, json.dumps(content).encode()))
