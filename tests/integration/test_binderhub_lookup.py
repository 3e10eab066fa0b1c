"""An image published under BinderHub's name, looked up in real registries as BinderHub does.

The lookup is written after `DockerRegistry.get_image_manifest` of BinderHub.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import docker
import pytest
import requests

from fakes.ecr import ImmutableTags
from integration.conftest import forget_images
from integration.front import Answer, Seen, in_front_of
from lab.registry import RunningRegistry
from r2d_action.binder.binderhub_manifest import findable_manifest
from r2d_action.binder.binderhub_publish import publish_for_binderhub
from r2d_action.errors import PublishFailed
from r2d_action.plan.binderhub import binderhub_reference
from r2d_action.publish import Source
from r2d_action.reference import Reference, Registry, Tag
from r2d_action.registry.auth import Credential
from r2d_action.registry.client import Client
from r2d_action.registry.login import Login
from r2d_action.registry.manifest import OCI_INDEX, OCI_MANIFEST, Manifest
from r2d_action.retry import Retry

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LOGIN = Credential("binder", "top-secret", "the test")
PAIR = (LOGIN.username, LOGIN.password)
IMAGE = "octo/user-image:1"


def is_found(reference: Reference) -> bool:
    """Whether BinderHub would launch the image; otherwise it builds one."""
    repository = reference.repository
    url = f"http://{repository.registry}/v2/{repository.path}/manifests/{reference.tag}"
    answer = requests.get(url, headers={"Accept": OCI_MANIFEST}, auth=PAIR, timeout=30)
    if answer.status_code == 401:
        challenge = answer.headers["WWW-Authenticate"]
        realm, service, scope = (
            re.findall(rf'{name}="([^"]*)"', challenge)[0] for name in ("realm", "service", "scope")
        )
        asked = {"service": service, "scope": scope}
        token = requests.get(realm, params=asked, auth=PAIR, timeout=30).json()["token"]
        # Here BinderHub names no type that it would accept.
        headers = {"Accept": None, "Authorization": f"Bearer {token}"}
        answer = requests.get(url, headers=headers, timeout=30)
    if answer.status_code == 404:
        return False
    answer.raise_for_status()
    return bool(answer.json())


@contextmanager
def asking_for_a_token(registry: str) -> Iterator[str]:
    """The registry, but who comes first is sent for a token."""

    def refuse(seen: Seen) -> Answer | None:
        if seen.path.startswith("/token"):
            return Answer(200, body=b'{"token": "0123456789"}')
        if seen.number > 1:
            return None
        realm = f'realm="http://{front.host}/token",service="lab",scope="repository:any:pull"'
        return Answer(401, (("WWW-Authenticate", f"Bearer {realm}"),))

    with in_front_of(registry, refuse) as front:
        yield front.host


@dataclass
class Home:
    """A registry with a community's image in it, pushed by the engine."""

    host: str
    manifest: Manifest
    said: list[str] = field(default_factory=list)

    def client(self, session: requests.Session, credential: Credential | None = LOGIN) -> Client:
        retry = Retry(lambda _: None, self.said.append, tries=1)
        return Client(session, Registry(self.host), Login.of(credential), retry)

    def publish(self, manifest: Manifest, name: Reference) -> Reference:
        with requests.Session() as session:
            client = self.client(session)
            source = Source(client, Reference.parse(f"{self.host}/{IMAGE}"), manifest)
            return publish_for_binderhub(source, client, name, say=self.said.append)

    def put(self, name: Reference, manifest: Manifest) -> None:
        with requests.Session() as session:
            self.client(session).put_manifest(name.repository, str(name.tag), manifest)


@pytest.fixture(params=[None, {LOGIN.username: LOGIN.password}], ids=["open", "with a password"])
def home(
    request: pytest.FixtureRequest,
    engine: docker.DockerClient,
    new_registry: Callable[..., RunningRegistry],
    small_image: str,
) -> Iterator[Home]:
    registry = new_registry(htpasswd=request.param)
    image = Reference.parse(f"{registry.host}/{IMAGE}")
    engine.images.get(small_image).tag(image.repository.name, str(image.tag))
    login = {"username": LOGIN.username, "password": LOGIN.password}
    told = engine.images.push(image.repository.name, str(image.tag), auth_config=login)
    assert "error" not in told, told
    home = Home(registry.host, Manifest("", b""))
    with requests.Session() as session:
        found = home.client(session).manifest(image.repository, str(image.tag))
    assert found
    yield replace(home, manifest=found)
    forget_images(engine, registry.host)


def name_in(registry: str, repository: str = "Octo/My_Course.2026") -> Reference:
    return binderhub_reference(f"{registry}/my_hub/r2d-", repository, COMMIT)


def test_image_of_the_engine_is_found(home: Home) -> None:
    name = name_in(home.host)
    assert not is_found(name)
    published = home.publish(home.manifest, name)
    assert is_found(name)
    assert published == name.with_digest(findable_manifest(home.manifest).digest)
    assert not is_found(name_in(home.host, "octo/my_course.2026"))
    # Mounted in the registry: nothing was sent a second time.
    assert home.said == [f"tagged {name}"]


each_home_is_open = pytest.mark.parametrize("home", [None], indirect=True, ids=["open"])


@each_home_is_open
def test_found_by_who_was_sent_for_a_token(home: Home) -> None:
    name, pushed = name_in(home.host), in_oci_form(home.manifest)
    home.publish(pushed, name)
    assert is_found(name)
    with asking_for_a_token(home.host) as host:
        assert is_found(name_in(host))
    # As it was pushed, it would not be.
    home.put(name, pushed)
    assert is_found(name)
    with asking_for_a_token(home.host) as host:
        assert not is_found(name_in(host))


@each_home_is_open
def test_index_is_not_found_and_not_published(home: Home) -> None:
    name, pushed = name_in(home.host), in_oci_form(home.manifest)
    home.publish(pushed, name)
    child = {
        "mediaType": OCI_MANIFEST, "size": len(pushed.body), "digest": str(pushed.digest),
        "platform": {"os": "linux", "architecture": "amd64"},
    }  # fmt: skip
    content = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [child]}
    index = Manifest(OCI_INDEX, json.dumps(content).encode())
    home.put(replace(name, tag=Tag(str(pushed.digest)[7:])), pushed)
    home.put(name, index)
    assert not is_found(name)
    with pytest.raises(PublishFailed, match="one platform"):
        home.publish(index, name)


@each_home_is_open
def test_name_that_cannot_move_and_has_this_image(home: Home) -> None:
    with in_front_of(home.host, ImmutableTags(strict=True)) as front:
        there = replace(home, host=front.host)
        name = name_in(there.host)
        assert there.publish(there.manifest, name) == there.publish(there.manifest, name)


@each_home_is_open
def test_what_was_written_is_read_back(home: Home) -> None:
    def forgets(seen: Seen) -> Answer | None:
        return Answer(201) if seen.method == "PUT" else None

    with in_front_of(home.host, forgets) as front:
        there = replace(home, host=front.host)
        with pytest.raises(PublishFailed, match=r"should be sha256:.* and is nothing"):
            there.publish(there.manifest, name_in(there.host))


@pytest.mark.parametrize(
    "home", [{LOGIN.username: LOGIN.password}], indirect=True, ids=["with a password"]
)
def test_account_that_may_not_write(home: Home) -> None:
    name = name_in(home.host)
    with requests.Session() as session:
        ours, nobody = home.client(session), home.client(session, None)
        source = Source(ours, Reference.parse(f"{home.host}/{IMAGE}"), home.manifest)
        with pytest.raises(PublishFailed, match="does not let this run push to"):
            publish_for_binderhub(source, nobody, name, say=home.said.append)
    assert not is_found(name)


def in_oci_form(manifest: Manifest) -> Manifest:
    """As newer engines push; which one the lab's does depends on its store of images."""
    content = json.dumps({**manifest.content, "mediaType": OCI_MANIFEST})
    for docker_type, oci_type in (
        ("vnd.docker.container.image.v1+json", "vnd.oci.image.config.v1+json"),
        ("vnd.docker.image.rootfs.diff.tar.gzip", "vnd.oci.image.layer.v1.tar+gzip"),
    ):
        content = content.replace(docker_type, oci_type)
    return Manifest(OCI_MANIFEST, content.encode())
