"""Which image keeps a tag, where git does not know and the times of the images decide."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import pytest
import requests

from r2d_action.context import Context
from r2d_action.engine import Engine
from r2d_action.event import Event
from r2d_action.git import Git
from r2d_action.inputs import Inputs
from r2d_action.order import Made, Order
from r2d_action.plan import Plan, make_plan
from r2d_action.plan.repo2docker import ASKED, CREATED, FILES, REVISION
from r2d_action.plan.tagging import key_tag
from r2d_action.publish import Publisher, Source
from r2d_action.publish.tags import JOBS_OF_A_MATRIX, Tags
from r2d_action.reference import Tag
from r2d_action.registry.manifest import Manifest
from unit.registry_world import HOST, Answer, World, world

OCI = "application/vnd.oci.image.manifest.v1+json"
CHECKOUT = Path("/checkout")
COMMIT = "a" * 40
NOON = datetime(2026, 8, 3, 12, tzinfo=timezone.utc)
KEY = "0" * 24


@dataclass
class Shelf:
    """A registry's manifests and configurations, by tag and by digest."""

    documents: dict[str, bytes] = field(default_factory=dict)

    def put(self, labels: Mapping[str, str], *tags: str) -> Manifest:
        config = self._keep(json.dumps({"config": {"Labels": {**labels}}}).encode())
        body = json.dumps({"mediaType": OCI, "config": {"digest": config}}).encode()
        self._keep(body)
        self.documents.update(dict.fromkeys(tags, body))
        return Manifest(OCI, body)

    def _keep(self, body: bytes) -> str:
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        self.documents[digest] = body
        return digest

    def answer(self, request: requests.PreparedRequest) -> Answer:
        name = urlsplit(str(request.url)).path.rpartition("/")[2]
        if request.method == "PUT":
            self.documents[name] = cast("bytes", request.body)
            return Answer(201)
        body = self.documents.get(name)
        return Answer(404) if body is None else Answer(200, {"Content-Type": OCI}, body)

    def holds(self, tag: str, manifest: Manifest) -> bool:
        return self.documents[tag] == manifest.body


def planned() -> Plan:
    return make_plan(
        Inputs(docker_registry=HOST, image_name="org/image"),
        Event(workspace=CHECKOUT, name="push", sha=COMMIT),
        Context(CHECKOUT, ("Dockerfile",), (), ()),
        appendix="", commit=COMMIT, now=NOON, publishing=True,
    )  # fmt: skip


PLAN = planned()
OURS = dict(PLAN.build.labels)
OF_COMMIT = str(PLAN.tags[0].tag)


def tags(registry: World, key: str = "") -> Tags:
    client = registry.client()
    order = Order(
        git=Git(CHECKOUT, {}),
        refs=(),
        commit=COMMIT,
        client=client,
        repository=PLAN.repository,
        created=OURS[CREATED],
    )
    image = Made.of(OURS)
    return Tags(
        plan=PLAN, client=client, order=order, image=image, key=key, say=registry.said.append
    )


def made_later(**labels: str) -> dict[str, str]:
    return {**OURS, CREATED: f"{NOON + timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}", **labels}


def test_a_registry_that_has_something_under_every_name_is_not_asked_for_ever() -> None:
    registry = world(lambda _: Answer(200, {"Docker-Content-Digest": f"sha256:{'0' * 64}"}))
    named = tags(registry).free_reference(PLAN.commit_reference)
    assert str(named.tag) == f"{OF_COMMIT}-20260803120000"
    assert len(registry.net.seen) == 1 + JOBS_OF_A_MATRIX


@pytest.mark.parametrize(("asked", "moves"), [("of another job", True), (OURS[ASKED], False)])
def test_what_another_job_made_of_the_commit_holds_up_no_tags(asked: str, moves: bool) -> None:
    shelf = Shelf()
    earlier = shelf.put({REVISION: "b" * 40, CREATED: "2026-08-01T00:00:00Z"}, "latest")
    shelf.put(made_later(**{ASKED: asked}), OF_COMMIT)
    ours = shelf.put(OURS, "own")
    given = tags(world(shelf.answer)).give(ours, Tag("own"))
    assert (Tag("latest") in given) is moves
    assert shelf.holds("latest", ours if moves else earlier)


@pytest.mark.parametrize(
    ("ours", "theirs", "is_taken"),
    [("", "", True), ("1", "1", True), ("1", "2", False), ("1", "", False), ("", "1", False)],
)
def test_the_image_of_another_run_is_taken_if_it_tells_of_the_same_files(
    ours: str, theirs: str, is_taken: bool
) -> None:
    shelf = Shelf()
    told, heard = ({FILES: files} if files else {} for files in (ours, theirs))
    here = shelf.put({**OURS, **told})
    there = shelf.put(made_later(**heard), OF_COMMIT)
    of_run = tags(world(shelf.answer))
    labels = (*PLAN.build.labels, *told.items())
    of_run = replace(of_run, plan=replace(PLAN, build=replace(PLAN.build, labels=labels)))
    source = Source(of_run.client, PLAN.commit_reference, here)
    published = Publisher(of_run).reused(source, PLAN.commit_reference)
    assert published.digest == (there if is_taken else here).digest


def test_an_image_that_is_found_by_its_key_stands_for_what_the_inputs_ask() -> None:
    shelf = Shelf()
    found = shelf.put({**OURS, ASKED: "in other words"}, str(key_tag(KEY)))
    latest = shelf.put(made_later(), "latest")
    of_run = tags(world(shelf.answer), KEY)
    published = Publisher(of_run).built(cast("Engine", None), "none", reuse=True)
    assert published.digest == found.digest
    assert shelf.holds("latest", latest)
