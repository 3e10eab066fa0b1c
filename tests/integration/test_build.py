"""Builds by the real repo2docker in the real engine: what is in the image, and what is not."""

from __future__ import annotations

import base64
import io
import json
import shutil
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import docker
import pytest
from docker.models.images import Image

from integration.conftest import Lab, forget_images, names_of
from lab.registry import RunningRegistry
from r2d_action.build import SCRATCH
from r2d_action.engine import connect
from r2d_action.event import Event
from r2d_action.git import Git
from r2d_action.inputs import read_inputs
from r2d_action.outcome import Outcome
from r2d_action.runner import Runner
from r2d_action.stages.build import built
from r2d_action.stages.plan import planned
from r2d_action.stages.site import Site
from r2d_action.walk import walk

PASSWORD = "correct-horse-battery"
FILES = {"Dockerfile": "FROM {base}\nCOPY . /srv/repo\n", "data.txt": "1"}


@dataclass(frozen=True)
class Workshop:
    """A checkout, and builds of it under a name of its own."""

    checkout: Path
    lab: Lab
    client: docker.DockerClient
    said: io.StringIO

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.checkout / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("{base}", self.lab.plain_image))

    @property
    def git(self) -> Git:
        return Git(self.checkout, self.lab.env)

    def commit(self) -> str:
        for command in ("init -q", "add -A", "-c user.name=A -c user.email=a@b commit -qm x"):
            self.git.run(*command.split())
        return self.git.head

    def build(self, env: Mapping[str, str] | None = None, /, **inputs: str) -> Outcome:
        outcome = self.attempt(env, **inputs)
        assert outcome.failure is None, self.said.getvalue()
        return outcome

    def attempt(self, env: Mapping[str, str] | None = None, /, **inputs: str) -> Outcome:
        """A build that may fail."""
        given = {"R2D_IMAGE_NAME": "localhost/workshop/image", "R2D_NO_PUSH": "true"}
        site = Site(
            inputs=read_inputs({**given, **{f"R2D_{name}": text for name, text in inputs.items()}}),
            event=Event(workspace=self.checkout, repository="org/repo", ref="refs/heads/main"),
            env={**self.lab.env, **(env or {})},
            temporary=self.checkout.parent / "temporary",
            runner=Runner(actions=True, stream=self.said),
            now=datetime(2026, 8, 3, tzinfo=timezone.utc),
        )
        return walk((planned, built), site)

    def image(self, outcome: Outcome) -> Image:
        assert outcome.plan
        return self.client.images.get(outcome.plan.commit_reference.tagged_name)

    def files(self, outcome: Outcome) -> dict[str, bytes]:
        """Every file of every layer."""
        return dict(files_of(b"".join(self.image(outcome).save())))


def files_of(archive: bytes) -> Iterator[tuple[str, bytes]]:
    """The files in all layers of a saved image, in whatever form the engine saves it."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            content = tar.extractfile(member).read() if member.isfile() else b""  # type: ignore[union-attr]
            try:
                yield from files_of(content)
            except tarfile.ReadError:
                yield member.name, content


@pytest.fixture
def workshop(lab: Lab, tmp_path: Path) -> Iterator[Workshop]:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    client = connect(lab.env, checkout).client
    yield Workshop(checkout, lab, client, io.StringIO())
    forget_images(client, "/workshop/")
    client.close()


def test_the_image_has_the_files_and_its_local_tags(workshop: Workshop) -> None:
    workshop.write(FILES)
    commit = workshop.commit()
    outcome = workshop.build(ADDITIONAL_TAG="v1")
    image = workshop.image(outcome)
    names = {f"localhost/workshop/image:{tag}" for tag in (commit[:12], "v1", "latest")}
    assert set(image.tags) == names
    assert workshop.files(outcome)["srv/repo/data.txt"] == b"1"
    assert outcome.built
    assert str(outcome.built.image_id) == image.id
    assert outcome.built.free_before
    assert outcome.built.free_after
    assert outcome.built.size == sum(layer.size for layer in outcome.built.layers) > 0


def test_a_docker_without_buildx_is_told_of(workshop: Workshop, tmp_path: Path) -> None:
    workshop.write(FILES)
    real = shutil.which("docker", path=workshop.lab.env["PATH"])
    program = tmp_path / "docker"
    program.write_text(f'#!/bin/sh\n[ "$1" != buildx ] && exec {real} "$@"\nexit 1\n')
    program.chmod(0o755)
    failure = workshop.attempt({"PATH": f"{tmp_path}:{workshop.lab.env['PATH']}"}).failure
    assert failure
    assert "`docker` has no buildx plugin" in failure.what
    assert "docker-buildx-plugin" in failure.what


def test_no_name_of_ours_is_left_in_the_engine(workshop: Workshop) -> None:
    workshop.write(FILES)
    # A run that was killed may have left some; that is not for this one to know.
    before = names_of(workshop.client, SCRATCH)
    workshop.build()
    assert names_of(workshop.client, SCRATCH) == before


def test_labels_are_on_the_image_and_in_no_layer(workshop: Workshop) -> None:
    workshop.write(FILES)
    commit = workshop.commit()
    first = workshop.build()
    labels = workshop.image(first).labels
    assert labels["org.opencontainers.image.revision"] == commit
    assert labels["repo2docker.ref"] == "refs/heads/main"
    layers = workshop.image(first).attrs["RootFS"]["Layers"]
    workshop.write({"README.md": "left out"})
    workshop.write({".dockerignore": "README.md\n.dockerignore\n"})
    workshop.commit()
    second = workshop.build()
    assert workshop.image(second).labels["org.opencontainers.image.revision"] != commit
    assert workshop.image(second).attrs["RootFS"]["Layers"] == layers


def test_another_content_under_the_same_tag_is_built_again(workshop: Workshop) -> None:
    """repo2docker takes an image that the engine knows by this name for the right one."""
    workshop.write(FILES)
    workshop.build()
    workshop.write({"data.txt": "2"})
    assert workshop.files(workshop.build())["srv/repo/data.txt"] == b"2"


def test_credentials_and_git_are_in_no_layer(workshop: Workshop) -> None:
    auth = base64.b64encode(f"robot:{PASSWORD}".encode()).decode()
    config = json.dumps({"auths": {"quay.io": {"auth": auth}}})
    secrets = dict.fromkeys(("gha-creds-0.json", "deep/.netrc", "named.json"), PASSWORD)
    workshop.write({**FILES, "$HOME/.docker/config.json": config, **secrets})
    workshop.commit()
    outcome = workshop.build(
        {"DOCKER_CONFIG": "$HOME/.docker", "GOOGLE_APPLICATION_CREDENTIALS": "named.json"}
    )
    for name, content in workshop.files(outcome).items():
        assert PASSWORD.encode() not in content, name
        assert auth.encode() not in content, name
        assert ".git/" not in name
        assert "$HOME" not in name
    for name in ("$HOME/.docker/config.json", "gha-creds-0.json", "deep/.netrc", "named.json"):
        assert f"::warning::{name} holds" in workshop.said.getvalue()


def test_git_is_kept_on_request_without_its_credentials(workshop: Workshop) -> None:
    workshop.write(FILES)
    workshop.commit()
    header = f"AUTHORIZATION: basic {base64.b64encode(PASSWORD.encode()).decode()}"
    workshop.git.run("config", "http.https://github.com/.extraheader", header)
    workshop.git.run("remote", "add", "origin", f"https://x:{PASSWORD}@github.com/org/repo")
    before = (workshop.checkout / ".git" / "config").read_bytes()
    files = workshop.files(workshop.build(KEEP_GIT="true"))
    assert files["srv/repo/.git/HEAD"]
    assert b"https://github.com/org/repo" in files["srv/repo/.git/config"]
    kept = b"".join(files.values())
    assert PASSWORD.encode() not in kept
    assert b"basic" not in files["srv/repo/.git/config"]
    assert (workshop.checkout / ".git" / "config").read_bytes() == before


def test_the_checkout_stays_as_it_is(workshop: Workshop) -> None:
    workshop.write({**FILES, "binder/Dockerfile": "FROM other", "appendix": "RUN true"})
    workshop.commit()

    def state() -> dict[str, tuple[int, ...]]:
        paths = (path for path in workshop.checkout.rglob("*") if ".git" not in path.parts)
        stats = ((str(path), path.lstat()) for path in paths)
        return {path: (s.st_mode, s.st_uid, s.st_mtime_ns, s.st_nlink) for path, s in stats}

    before = state()
    workshop.build(BINDER_CACHE="true", NO_PUSH="", NO_GIT_PUSH="true", APPENDIX_FILE="appendix")
    assert state() == before
    assert not workshop.git.run("status", "--porcelain").lines


def test_an_appendix_ends_a_dockerfile_too(workshop: Workshop) -> None:
    workshop.write({**FILES, "appendix": "USER root\nRUN echo more > /appended\nUSER jovyan\n"})
    assert workshop.files(workshop.build(APPENDIX_FILE="appendix"))["appended"] == b"more\n"


def test_a_subdirectory_is_built_by_itself(workshop: Workshop) -> None:
    workshop.write({f"images/r/{name}": text for name, text in FILES.items()})
    workshop.write({"outside.txt": "x"})
    for given in ({"SUBDIR": "images/r"}, {"REPO2DOCKER_EXTRA_ARGS": "--subdir images/r"}):
        files = workshop.files(workshop.build(**given))
        assert "srv/repo/data.txt" in files
        assert "srv/repo/outside.txt" not in files


def test_extra_arguments_reach_the_build(workshop: Workshop) -> None:
    workshop.write({"Dockerfile": "FROM {base}\nARG GREETING\nENV GREETING=$GREETING\n"})
    outcome = workshop.build(REPO2DOCKER_EXTRA_ARGS="--build-arg GREETING='hello $world'")
    assert "GREETING=hello $world" in workshop.image(outcome).attrs["Config"]["Env"]


def test_user_and_folder_reach_the_build(workshop: Workshop) -> None:
    arguments = "ARG NB_USER NB_UID REPO_DIR\nENV WHO=$NB_USER:$NB_UID:$REPO_DIR\n"
    workshop.write({"Dockerfile": "FROM {base}\n" + arguments})
    outcome = workshop.build(NOTEBOOK_USER="ana", REPO_DIR="/srv/repo")
    assert "WHO=ana:1000:/srv/repo" in workshop.image(outcome).attrs["Config"]["Env"]


def test_a_private_base_image_is_pulled_with_the_password_of_the_inputs(
    workshop: Workshop,
    new_registry: Callable[..., RunningRegistry],
    small_image: str,
) -> None:
    registry = new_registry(htpasswd={"robot": PASSWORD})
    login = {"username": "robot", "password": PASSWORD}
    private = f"{registry.host}/org/workshop"
    workshop.client.images.get(small_image).tag(private, "1")
    workshop.client.images.push(private, "1", auth_config=login)
    workshop.client.images.remove(f"{private}:1", noprune=True)
    workshop.write({"Dockerfile": f"FROM {private}:1\n"})
    outcome = workshop.build(
        DOCKER_REGISTRY=registry.host,
        IMAGE_NAME="org/workshop/child",
        DOCKER_USERNAME="robot",
        DOCKER_PASSWORD=PASSWORD,
    )
    assert outcome.built
