from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r2d_action.reference import Digest, InvalidReference, Reference, Repository, Tag

DIGEST = "sha256:" + "a1" * 32


@pytest.mark.parametrize(
    ("text", "host", "path"),
    [
        ("quay.io/org/image", "quay.io", "org/image"),
        ("localhost/image", "localhost", "image"),
        ("127.0.0.1:5000/a/b/c", "127.0.0.1:5000", "a/b/c"),
        ("[::1]:5000/image", "[::1]:5000", "image"),
        ("us-docker.pkg.dev/project/repo/image", "us-docker.pkg.dev", "project/repo/image"),
        ("user/image", "docker.io", "user/image"),
        ("image", "docker.io", "library/image"),
        ("registry.hub.docker.com/user/image", "registry.hub.docker.com", "user/image"),
        ("docker.io/image", "docker.io", "library/image"),
    ],
)
def test_a_repository_has_a_registry_and_a_path(text: str, host: str, path: str) -> None:
    repository = Repository.parse(text)
    assert (repository.registry.host, repository.path, repository.name) == (host, path, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Upper/case",
        "a//b",
        "a/",
        "/a",
        "a b",
        "a:tag",
        f"a@{DIGEST}",
        "$HUB/a",
        "a.-b",
        "x" * 256,
    ],
)
def test_what_is_no_repository_is_refused(text: str) -> None:
    with pytest.raises(InvalidReference):
        Repository.parse(text)


@pytest.mark.parametrize("host", ["docker.io", "index.docker.io", "registry.hub.docker.com"])
def test_every_name_of_docker_hub_has_the_same_api(host: str) -> None:
    assert Repository.parse(f"{host}/user/image").registry.api_host == "registry-1.docker.io"


def test_repository_is_the_same_one_by_any_spelling() -> None:
    spellings = ("org/image", "docker.io/org/image", "index.docker.io/org/image")
    assert len({Repository.parse(one).identity for one in spellings}) == 1
    assert Repository.parse("quay.io/org/image").identity == ("quay.io", "org/image")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost:5000", True),
        ("127.0.0.1:5000", True),
        ("[::1]:5000", True),
        ("quay.io", False),
        ("localhost.example.org", False),
    ],
)
def test_only_loopback_is_spoken_to_without_tls(host: str, loopback: bool) -> None:
    assert Repository.parse(f"{host}/image").registry.is_loopback is loopback


@pytest.mark.parametrize(
    "text",
    ["quay.io/org/image", "quay.io/org/image:v1", f"org/image@{DIGEST}", f"h:5/a/b:t@{DIGEST}"],
)
def test_a_reference_reads_as_it_is_written(text: str) -> None:
    assert str(Reference.parse(text)) == text


def test_the_parts_of_a_reference() -> None:
    reference = Reference.parse(f"localhost:5000/image:v1@{DIGEST}")
    assert reference.repository.registry.host == "localhost:5000"
    assert reference.tag == Tag("v1")
    assert reference.digest == Digest(DIGEST)
    assert reference.tagged_name == "localhost:5000/image:v1"


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("feature/x", "feature-x"),
        ("v1.0+build 7", "v1.0-build-7"),
        (".hidden", "hidden"),
        ("dependabot/pip/a_b-1.2", "dependabot-pip-a_b-1.2"),
        ("y" * 200, "y" * 128),
    ],
)
def test_text_becomes_the_nearest_legal_tag(text: str, tag: str) -> None:
    assert Tag.legalized(text) == Tag(tag)


@given(st.text())
def test_a_legalized_tag_is_legal_or_refused(text: str) -> None:
    try:
        tag = Tag.legalized(text)
    except InvalidReference:
        assert not any(c.isascii() and (c.isalnum() or c == "_") for c in text)
    else:
        assert Tag(str(tag)) == tag
