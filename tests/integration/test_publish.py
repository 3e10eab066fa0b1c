"""Publishing to a real registry through a real engine."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest
import requests

from fakes.means import Heard, means_for
from integration.conftest import Lab
from integration.front import Answer, Fault, Seen, in_front_of
from lab.registry import RunningRegistry
from r2d_action.context import Context
from r2d_action.engine import Engine, connect
from r2d_action.errors import PublishFailed
from r2d_action.event import Event
from r2d_action.git import Git
from r2d_action.inputs import Inputs
from r2d_action.order import Made, Order
from r2d_action.plan import Plan, make_plan
from r2d_action.publish import Published
from r2d_action.publish import Publisher as Process
from r2d_action.publish.public import require_public
from r2d_action.publish.tags import Tags
from r2d_action.reference import Tag
from r2d_action.registry.client import Client
from r2d_action.registry.keychain import Keychain
from r2d_action.registry.login import Login
from r2d_action.retry import Retry

PASSWORD = "correct-horse-battery"
NewRegistry = Callable[..., RunningRegistry]


class Publisher:
    """A checked image in the engine, and the way to publish it."""

    def __init__(self, lab: Lab, image: str, folder: Path) -> None:
        self.engine: Engine = connect({**lab.env, "DOCKER_CONFIG": str(folder)}, folder)
        self.image = image
        self.waits: list[float] = []
        self.said: list[str] = []

    def plan(self, host: str, name: str = "org/image", **inputs: object) -> Plan:
        given = Inputs(docker_registry=host, image_name=name, **inputs)  # type: ignore[arg-type]
        context = Context(Path("/checkout"), ("Dockerfile",), (), ())
        event = Event(workspace=Path("/checkout"), name="push", sha="a" * 40)
        now = datetime(2026, 8, 3, tzinfo=timezone.utc)
        plan = make_plan(
            given, event, context, appendix="", commit="a" * 40, now=now, publishing=True
        )
        for tag in plan.tags:
            self.engine.client.images.get(self.image).tag(plan.repository.name, str(tag.tag))
        return plan

    def client(self, plan: Plan, inputs: Inputs) -> Client:
        registry = plan.repository.registry
        keychain = Keychain(registry, means_for(inputs, {}, Heard()), self.engine.config)
        return keychain.client(registry, self.retry)

    @property
    def retry(self) -> Retry:
        return Retry(self.waits.append, self.said.append)

    def publish(self, plan: Plan, user: str = "", password: str = "") -> Published:
        inputs = Inputs(docker_username=user, docker_password=password)
        client = self.client(plan, inputs)
        order = Order(
            git=Git(self.engine.config, self.engine.env),
            refs=(),
            commit="a" * 40,
            client=client,
            repository=plan.repository,
            created="2026-08-03T00:00:00Z",
        )
        tags = Tags(
            plan=plan,
            client=client,
            order=order,
            image=Made("a" * 40, order.created, asked=""),
            key="",
            say=self.said.append,
        )
        name = plan.commit_reference.tagged_name
        return Process(tags).built(self.engine, name, reuse=False)


@pytest.fixture
def publisher(lab: Lab, small_image: str, tmp_path: Path) -> Iterator[Publisher]:
    folder = tmp_path / "docker"
    folder.mkdir()
    publisher = Publisher(lab, small_image, folder)
    yield publisher
    client = publisher.engine.client
    for tag in client.images.get(small_image).tags:
        if "/org/image:" in tag:
            client.images.remove(tag, noprune=True)
    client.close()


def test_all_tags_have_the_digest_that_is_told(
    publisher: Publisher, new_registry: NewRegistry
) -> None:
    registry = new_registry()
    result = publisher.publish(publisher.plan(registry.host, additional_tag="v1"))
    digests = {registry.digest("org/image", tag) for tag in ("a" * 12, "v1", "latest")}
    assert digests == {str(result.digest)}
    assert [str(tag) for tag in result.tags] == ["a" * 12, "v1", "latest"]
    assert str(result.reference) == f"{registry.host}/org/image:{'a' * 12}@{result.digest}"
    assert result.compressed_size == sum(_layer_sizes(registry, "latest"))


def _layer_sizes(registry: RunningRegistry, tag: str) -> list[int]:
    accept = {
        "Accept": "application/vnd.oci.image.manifest.v1+json, "
        "application/vnd.docker.distribution.manifest.v2+json"
    }
    manifest = requests.get(
        f"http://{registry.host}/v2/org/image/manifests/{tag}", headers=accept, timeout=10
    )
    return [layer["size"] for layer in manifest.json()["layers"]]


def test_further_tags_cost_no_upload(publisher: Publisher, new_registry: NewRegistry) -> None:
    one, three = new_registry(), new_registry()
    publisher.publish(publisher.plan(one.host, latest_tag_off=True))
    publisher.publish(publisher.plan(three.host, tags=("v1", "v2")))
    assert three.uploads() == one.uploads()
    # No blob is so much as asked for after the first tag is there.
    puts = [r.path for r in three.requests() if r.method == "PUT" and "/manifests/" in r.path]
    assert [path.rpartition("/")[2] for path in puts] == ["a" * 12, "v1", "v2", "latest"]


def test_the_password_of_the_inputs_is_used(
    publisher: Publisher, new_registry: NewRegistry
) -> None:
    registry = new_registry(htpasswd={"robot": PASSWORD})
    result = publisher.publish(publisher.plan(registry.host), "robot", PASSWORD)
    assert result.tags[-1] == Tag("latest")
    assert PASSWORD not in "\n".join(publisher.said)


@pytest.mark.parametrize("user", ["robot", ""])
def test_a_push_that_is_not_allowed_is_explained(
    publisher: Publisher, new_registry: NewRegistry, user: str
) -> None:
    registry = new_registry(htpasswd={"robot": PASSWORD})
    with pytest.raises(PublishFailed) as caught:
        publisher.publish(publisher.plan(registry.host), user, "wrong-password" if user else "")
    assert "DOCKER_PASSWORD" in caught.value.what
    assert "wrong-password" not in caught.value.what
    assert not publisher.waits  # nothing about it is temporary
    assert not registry.uploads()


def test_a_login_of_an_earlier_step_is_used(
    publisher: Publisher, new_registry: NewRegistry
) -> None:
    registry = new_registry(htpasswd={"robot": PASSWORD})
    auth = base64.b64encode(f"robot:{PASSWORD}".encode()).decode()
    config = {"auths": {registry.host: {"auth": auth}}}
    (publisher.engine.config / "config.json").write_text(json.dumps(config))
    assert publisher.publish(publisher.plan(registry.host)).tags


def test_a_credential_helper_of_an_earlier_step_is_used(
    publisher: Publisher,
    new_registry: NewRegistry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registry = new_registry(htpasswd={"robot": PASSWORD})
    helper = tmp_path / "docker-credential-lab"
    answer = json.dumps({"ServerURL": registry.host, "Username": "robot", "Secret": PASSWORD})
    helper.write_text(f"#!/bin/sh\ncat > /dev/null\necho '{answer}'\n")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    config = {"credHelpers": {registry.host: "lab"}}
    (publisher.engine.config / "config.json").write_text(json.dumps(config))
    assert publisher.publish(publisher.plan(registry.host)).tags


def test_a_helper_that_is_not_there_is_named(
    publisher: Publisher, new_registry: NewRegistry
) -> None:
    registry = new_registry()
    config = {"credHelpers": {registry.host: "missing"}}
    (publisher.engine.config / "config.json").write_text(json.dumps(config))
    with pytest.raises(PublishFailed, match="credential helper"):
        publisher.publish(publisher.plan(registry.host))


def failing(times: int, status: int, method: str, part: str, **headers: str) -> Fault:
    """The first ``times`` requests of a kind get ``status`` for an answer."""
    left = iter(range(times))

    def fault(seen: Seen) -> Answer | None:
        if seen.method != method or part not in seen.path or next(left, None) is None:
            return None
        return Answer(status, tuple(headers.items()), b'{"errors":[{"code":"UNAVAILABLE"}]}')

    return fault


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_registry_that_is_unwell_is_asked_again(
    publisher: Publisher, new_registry: NewRegistry, status: int
) -> None:
    registry = new_registry()
    fault = failing(2, status, "PUT", "/manifests/latest", **{"Retry-After": "3"})
    with in_front_of(registry.host, fault) as front:
        result = publisher.publish(publisher.plan(front.host))
    assert registry.digest("org/image", "latest") == str(result.digest)
    assert publisher.waits == [3, 3]
    assert any("try 2 of 5" in line for line in publisher.said)


@pytest.mark.parametrize("status", [502, 503])
def test_the_push_of_the_layers_is_tried_again(
    publisher: Publisher, new_registry: NewRegistry, status: int
) -> None:
    registry = new_registry()
    with in_front_of(registry.host, failing(2, status, "PUT", f"/manifests/{'a' * 12}")) as front:
        result = publisher.publish(publisher.plan(front.host))
    assert registry.digest("org/image", "a" * 12) == str(result.digest)


@pytest.mark.parametrize("status", [400, 404, 405, 500])
def test_what_is_not_temporary_is_told_at_once(
    publisher: Publisher, new_registry: NewRegistry, status: int
) -> None:
    registry = new_registry()
    with in_front_of(registry.host, failing(1, status, "PUT", "/manifests/latest")) as front:
        plan = publisher.plan(front.host)
        with pytest.raises(PublishFailed, match=str(status)):
            publisher.publish(plan)
    assert not publisher.waits
    # The image is there under the tag of its commit, and nothing else has moved.
    assert registry.digest("org/image", "a" * 12)
    assert registry.digest("org/image", "latest") is None


def test_a_registry_that_never_gets_well_is_given_up(
    publisher: Publisher, new_registry: NewRegistry
) -> None:
    registry = new_registry()
    with in_front_of(registry.host, failing(99, 503, "PUT", "/manifests/latest")) as front:
        plan = publisher.plan(front.host)
        with pytest.raises(PublishFailed, match="5 times"):
            publisher.publish(plan)
    assert publisher.waits == [1, 2, 4, 8]


def test_a_registry_that_answers_with_another_manifest_is_not_believed(
    publisher: Publisher, new_registry: NewRegistry
) -> None:
    registry = new_registry()

    def fault(seen: Seen) -> Answer | None:
        if seen.method == "HEAD" and seen.path.endswith("/latest"):
            return Answer(200, (("Docker-Content-Digest", f"sha256:{'0' * 64}"),))
        return None

    with in_front_of(registry.host, fault) as front:
        plan = publisher.plan(front.host)
        with pytest.raises(PublishFailed, match="latest should be sha256:"):
            publisher.publish(plan)


def test_who_may_pull_is_asked_as_nobody(publisher: Publisher, new_registry: NewRegistry) -> None:
    public, private = new_registry(), new_registry(htpasswd={"robot": PASSWORD})
    for registry, user in ((public, ""), (private, "robot")):
        publisher.publish(publisher.plan(registry.host), user, PASSWORD if user else "")
    tag = Tag("a" * 12)
    plan = publisher.plan(public.host)
    require_public(plan.repository, tag, publisher.client(plan, Inputs()))
    plan = publisher.plan(private.host)
    with pytest.raises(PublishFailed, match="nobody can pull it without"):
        require_public(plan.repository, tag, publisher.client(plan, Inputs()))


def test_a_public_check_of_an_image_that_is_gone(
    publisher: Publisher, new_registry: NewRegistry
) -> None:
    plan = publisher.plan(new_registry().host)
    nobody = replace(publisher.client(plan, Inputs()), login=Login.of(None))
    with pytest.raises(PublishFailed, match="PUBLIC_REGISTRY_CHECK"):
        require_public(plan.repository, Tag("missing"), nobody)
