"""Which images a build takes layers from: the newest, and those that make up for what it hides."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
import requests

from r2d_action.layers import INLINE_CACHE, LABEL, MOST, label_of, layers_for
from r2d_action.reference import Reference, Tag
from unit.registry_world import Answer, World, at, world

TAG = Tag("r2d-cache-main")
OCI = "application/vnd.oci.image.manifest.v1+json"
NOWHERE = f"sha256:{'0' * 64}"


@dataclass
class Shelf:
    """A registry's images; those without ``steps`` say nothing of their layers."""

    documents: dict[str, bytes] = field(default_factory=dict)

    def put(
        self, name: str, steps: object = (), earlier: Iterable[Reference | str] = ()
    ) -> Reference:
        told = base64.b64encode(json.dumps(steps).encode()).decode()
        labels = {LABEL: ",".join(str(getattr(one, "digest", one)) for one in earlier)}
        return self.put_raw(name, {INLINE_CACHE: told, "config": {"Labels": labels}})

    def put_raw(self, name: str, configuration: object) -> Reference:
        config = self._keep(json.dumps(configuration).encode())
        body = json.dumps({"mediaType": OCI, "config": {"digest": config}}).encode()
        digest = self._keep(body)
        self.documents[name] = body
        return Reference.parse(f"{at()}@{digest}")

    def _keep(self, body: bytes) -> str:
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        self.documents[digest] = body
        return digest

    def answer(self, request: requests.PreparedRequest) -> Answer:
        body = self.documents.get(urlsplit(str(request.url)).path.rpartition("/")[2])
        return Answer(404) if body is None else Answer(200, {"Content-Type": OCI}, body)

    @property
    def world(self) -> World:
        return world(self.answer)

    @property
    def layers(self) -> tuple[Reference, ...]:
        return layers_for(self.world.client(), at(), TAG)


def told(digest: str) -> dict[str, object]:
    return {"digest": digest, "inputs": [[{"link": 0}]], "layers": [{"layer": 3}]}


def untold(digest: str) -> dict[str, object]:
    return {"digest": digest, "inputs": [[{"link": 0}]]}


# What goes into a step, as a file of the context does, never has layers.
SOURCE = {"digest": "a file"}


def test_no_image_yet() -> None:
    assert Shelf().layers == ()


def test_an_image_that_tells_of_all_its_layers_needs_no_other() -> None:
    shelf = Shelf()
    earlier = shelf.put("1", [told("install")])
    newest = shelf.put(str(TAG), [SOURCE, told("install"), told("copy")], [earlier])
    there = shelf.world
    assert layers_for(there.client(), at(), TAG) == (newest,)
    # One for its manifest and one for its configuration.
    assert len(there.net.seen) == 2


def test_layers_that_it_hides_come_from_the_images_that_it_names() -> None:
    shelf = Shelf()
    system = shelf.put("1", [told("apt"), told("pip of then")])
    unrelated = shelf.put("2", [told("something else")])
    packages = shelf.put("3", [untold("apt"), told("pip")])
    newest = shelf.put(
        str(TAG), [untold("apt"), untold("pip"), told("copy")], [unrelated, packages, system]
    )
    assert shelf.layers == (newest, packages, system)


def test_the_nearest_image_with_a_layer_is_enough() -> None:
    shelf = Shelf()
    farther = shelf.put("1", [told("install"), told("more")])
    nearer = shelf.put("2", [told("install")])
    newest = shelf.put(str(TAG), [untold("install")], [nearer, farther])
    assert shelf.layers == (newest, nearer)


def test_a_hundred_small_changes_need_two_images() -> None:
    shelf = Shelf()
    first = shelf.put(str(TAG), [told("install"), told("copy 0")])
    for number in range(1, 100):
        sources = shelf.layers
        newest = shelf.put(str(TAG), [untold("install"), told(f"copy {number}")], sources)
        assert sources[-1] == first
        assert shelf.layers == (newest, first)


def test_images_that_are_gone_or_that_nobody_knows_are_passed_over() -> None:
    shelf = Shelf()
    earlier = shelf.put("1", [told("install")])
    names = (NOWHERE, "", "latest", "sha256:12", earlier)
    newest = shelf.put(str(TAG), [untold("install")], names)
    assert shelf.layers == (newest, earlier)


def test_no_more_images_are_asked_for_than_a_build_can_use() -> None:
    shelf = Shelf()
    many = [shelf.put(f"{number}", [told(f"{number}")]) for number in range(20)]
    newest = shelf.put(str(TAG), [untold(f"{number}") for number in range(20)], many)
    assert shelf.layers == (newest, *many[:MOST])


@pytest.mark.parametrize(
    "configuration",
    [
        {},
        [],
        {INLINE_CACHE: None},
        {INLINE_CACHE: 1},
        {INLINE_CACHE: "no base64"},
        {INLINE_CACHE: "bm8ganNvbg=="},
        {INLINE_CACHE: "MQ=="},
        {INLINE_CACHE: "W10=", "config": {"Labels": {LABEL: None}}},
        {INLINE_CACHE: "W251bGwsIDFd", "config": []},
    ],
)
def test_an_image_that_says_nothing_of_use_is_used_alone(configuration: object) -> None:
    shelf = Shelf()
    assert shelf.put_raw(str(TAG), configuration).digest in {one.digest for one in shelf.layers}
    assert len(shelf.layers) == 1


def test_the_label_names_images_by_what_they_are() -> None:
    shelf = Shelf()
    images = (shelf.put("1"), shelf.put("2", [SOURCE]))
    assert label_of(images) == f"{images[0].digest},{images[1].digest}"
    assert " " not in label_of(images)
