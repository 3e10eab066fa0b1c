"""The commands, with images in the engine, in a registry, and in neither."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import docker
import pytest
from click.testing import CliRunner, Result
from uv import find_uv_bin

from fakes.package_trees import NOTEBOOK, SITE, Files, as_archive, conda, hub_image, pip
from integration.conftest import Lab, forget_images, names_of
from integration.registries import PASSWORD, USER
from lab.registry import RunningRegistry
from r2d_action.cli import packages as _commands  # noqa: F401 - they are added to the group
from r2d_action.cli.group import cli
from r2d_action.errors import UserError
from r2d_action.packages.attached import attach
from r2d_action.packages.found import packages_in
from r2d_action.packages.hashes import Hashes
from r2d_action.packages.writing import write_locks
from r2d_action.reference import Digest, Reference
from r2d_action.registry.auth import Credential
from r2d_action.registry.client import Client
from r2d_action.registry.login import Login
from r2d_action.registry.transport import new_session
from r2d_action.retry import Retry

NOW = datetime(2026, 9, 1, tzinfo=timezone.utc)
OLD, NEW = hub_image(), hub_image(numpy="2.1.0", scipy="1.12.0")


@dataclass(frozen=True)
class Shelf:
    """A registry with passwords and images."""

    registry: RunningRegistry
    engine: docker.DockerClient
    plain_image: str

    def put(self, tag: str, files: Files) -> str:
        """With its list, and nothing else that could be looked at."""
        name = self._new_name()
        self.engine.api.import_image_from_data(as_archive(files), name, tag)
        image = Reference.parse(f"{name}:{tag}")
        self._attach(image, self._pushed(image), files)
        return str(image)

    def put_without_list(self, tag: str, files: Files) -> str:
        name = self._new_name()
        container = self.engine.containers.create(self.plain_image, ["true"])
        try:
            container.put_archive("/", as_archive(files))
            container.commit(name, tag)
        finally:
            container.remove()
        self._pushed(Reference.parse(f"{name}:{tag}"))
        return f"{name}:{tag}"

    def _new_name(self) -> str:
        return f"{self.registry.host}/org/{secrets.token_hex(4)}"

    def _pushed(self, image: Reference) -> Digest:
        """The image is in the registry then, and no more in the engine."""
        name, login = image.repository.name, {"username": USER, "password": PASSWORD}
        steps = self.engine.images.push(
            name, str(image.tag), auth_config=login, stream=True, decode=True
        )
        digests = [step["aux"]["Digest"] for step in steps if "aux" in step]
        forget_images(self.engine, name)
        return Digest(digests[-1])

    def _attach(self, image: Reference, digest: Digest, files: Files) -> None:
        with new_session({}) as session:
            login = Login.of(Credential(USER, PASSWORD, "the test"))
            client = Client(session, image.repository.registry, login, Retry(print, print))
            attach(client, image.repository, digest, packages_in(files), NOW)


@pytest.fixture
def shelf(
    new_registry: Callable[..., RunningRegistry], engine: docker.DockerClient, lab: Lab
) -> Iterator[Shelf]:
    registry = new_registry(htpasswd={USER: PASSWORD})
    yield Shelf(registry, engine, lab.plain_image)
    forget_images(engine, registry.host)


def invoke(*arguments: str, **variables: str) -> Result:
    account = {"R2D_DOCKER_USERNAME": USER, "R2D_DOCKER_PASSWORD": PASSWORD}
    result = CliRunner().invoke(cli, arguments, env={**account, **variables})
    assert PASSWORD not in result.output
    return result


def versions(result: Result) -> dict[str, str]:
    assert result.exit_code == 0, result.exception
    return {one["name"]: one["version"] for one in json.loads(result.stdout)["packages"]}


def test_an_image_with_its_list_is_not_pulled(shelf: Shelf) -> None:
    image = shelf.put("v1", OLD)
    result = invoke("packages", image)
    assert versions(result)["numpy"] == "1.26.4"
    assert "kept with it in the registry" in result.stderr
    assert not names_of(shelf.engine, shelf.registry.host)


def test_an_image_without_a_list_is_pulled_and_found_again(shelf: Shelf) -> None:
    image = shelf.put_without_list("v1", OLD)
    for said in ("pulling it", "out of the engine"):
        result = invoke("packages", image)
        assert versions(result)["numpy"] == "1.26.4"
        assert said in result.stderr


def test_an_image_that_is_nowhere(shelf: Shelf) -> None:
    result = invoke("packages", f"{shelf.registry.host}/org/none:1")
    assert isinstance(result.exception, UserError)
    assert "neither in the engine" in str(result.exception)
    result = invoke("packages", f"{shelf.registry.host}/org/none:1", R2D_DOCKER_PASSWORD="wrong-1")
    assert isinstance(result.exception, UserError)
    assert "401" in str(result.exception)


def test_two_images_are_compared(shelf: Shelf, tmp_path: Path) -> None:
    old, new = shelf.put("v1", OLD), shelf.put("v2", NEW)
    (tmp_path / "environment.yml").write_text("dependencies:\n  - scipy\n")
    page = tmp_path / "summary.md"
    arguments = ("compare-packages", old, new, "--path", str(tmp_path))
    result = invoke(*arguments, GITHUB_STEP_SUMMARY=str(page))
    assert result.exit_code == 0, result.exception
    moves = {one["name"]: one["move"] for one in json.loads(result.stdout)["changes"]}
    assert moves == {"numpy": "up", "scipy": "down"}
    assert result.stderr.splitlines()[-1] == "2 packages changed: 1 newer, 1 older"
    rows = [line for line in page.read_text().splitlines() if line.startswith("| ")][1:]
    assert rows == [
        "| **`scipy`** | pip | `1.13.0` | `1.12.0` | older |",
        "| `numpy` | conda | `1.26.4` | `2.1.0` | newer |",
    ]


def test_a_password_is_for_one_registry_only(
    shelf: Shelf, new_registry: Callable[..., RunningRegistry]
) -> None:
    new = shelf.put("v1", NEW)
    other = new_registry(htpasswd={USER: PASSWORD})
    result = invoke("compare-packages", f"{other.host}/org/image:1", new)
    assert isinstance(result.exception, UserError)
    assert "401" in str(result.exception)


# Locks --------------------------------------------------------------------------------------


def test_a_lock_without_digests(shelf: Shelf, tmp_path: Path) -> None:
    image = shelf.put("v1", OLD)
    result = invoke("lock", image, "--output", str(tmp_path / "locks"), "--no-hashes")
    written = [Path(path).relative_to(tmp_path).as_posix() for path in json.loads(result.stdout)]
    folder = "locks/srv-conda-envs-notebook"
    assert written == [
        "locks/renv.lock",
        f"{folder}/conda.lock",
        f"{folder}/environment.yml",
        f"{folder}/requirements.txt",
    ]
    assert "scipy==1.13.0\n" in (tmp_path / folder / "requirements.txt").read_text()


def test_pip_takes_a_lock_with_digests(tmp_path: Path) -> None:
    site = f"{NOTEBOOK}/lib/python3.11/site-packages"
    files = {**pip(site, "six", "1.16.0"), **pip(site, "idna", "3.7")}
    hashes = Hashes((find_uv_bin(),), os.environ)
    (lock,) = write_locks(packages_in(files), tmp_path / "locks", hashes)
    assert lock.read_text().count("--hash=sha256:") >= 4
    target = tmp_path / "target"
    install = ["pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    done = subprocess.run(
        [sys.executable, "-m", *install, "--target", str(target), "--requirement", str(lock)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert sorted(one.name for one in target.glob("*.dist-info")) == [
        "idna-3.7.dist-info",
        "six-1.16.0.dist-info",
    ]


def test_nothing_is_written_when_the_index_does_not_know_a_version(tmp_path: Path) -> None:
    files = {**pip(SITE, "six", "99.0"), **conda(NOTEBOOK, "a", "1", "0")}
    with pytest.raises(UserError, match="--no-hashes") as caught:
        write_locks(packages_in(files), tmp_path / "locks", Hashes((find_uv_bin(),), os.environ))
    assert "six==99.0" in str(caught.value)
    assert not list((tmp_path / "locks").iterdir())
