"""Lists out of real images, whatever is in them."""

from __future__ import annotations

import io
import json
import secrets
import subprocess
import tarfile
from collections.abc import Callable, Iterator, Mapping

import docker
import pytest

from fakes.package_trees import Files, as_archive, conda, hub_image, pip
from integration.conftest import Lab
from r2d_action.errors import UserError
from r2d_action.packages.difference import difference
from r2d_action.packages.image import read_packages
from r2d_action.packages.values import Kind, PackageList

Make = Callable[..., str]


@pytest.fixture
def make(engine: docker.DockerClient, lab: Lab) -> Iterator[Make]:
    """An image with these files on top of another one."""
    made: list[str] = []

    def make_image(*archives: bytes, base: str = lab.plain_image, changes: str = "") -> str:
        container = engine.containers.create(base, ["true"])
        try:
            for archive in archives:
                container.put_archive("/", archive)
            image = container.commit(
                "r2d-action-tests/packages", secrets.token_hex(4), changes=changes or None
            )
        finally:
            container.remove()
        made.extend(image.tags)
        return str(image.tags[0])

    yield make_image
    for name in made:
        engine.images.remove(name, force=True)


def names(packages: PackageList, kind: Kind) -> set[str]:
    return {f"{one.name} {one.version}" for one in packages.of(kind)}


def output_of(image: str, env: Mapping[str, str], *command: str) -> str:
    """Of a program of the image itself."""
    program, *arguments = command
    run = ["docker", "run", "--rm", "--entrypoint", program, image, *arguments]
    return subprocess.run(run, env=dict(env), capture_output=True, text=True, check=True).stdout


def test_pip_and_dpkg_say_the_same(engine: docker.DockerClient, lab: Lab) -> None:
    found = read_packages(engine, lab.community_image)
    python = "/opt/env/bin/python"
    listed = output_of(lab.community_image, lab.env, python, "-m", "pip", "list", "--format=json")
    by_pip = {(one["name"].lower(), one["version"]) for one in json.loads(listed)}
    assert len(by_pip) > 50
    assert {(one.name.replace("-", "_"), one.version) for one in found.of(Kind.PIP)} == {
        (name.replace("-", "_").replace(".", "_"), version) for name, version in by_pip
    }
    query = ("dpkg-query", "-W", "-f", "${Package} ${Version}\\n")
    by_dpkg = set(output_of(lab.community_image, lab.env, *query).split("\n")) - {""}
    assert names(found, Kind.APT) == by_dpkg
    assert not engine.containers.list(all=True, filters={"ancestor": lab.community_image})


def test_conda_and_r_in_one_image(engine: docker.DockerClient, make: Make) -> None:
    cache = conda("/srv/conda/pkgs/numpy", "numpy", "1.20.0", "py311_0")
    found = read_packages(engine, make(as_archive({**hub_image(), **cache})))
    assert names(found, Kind.CONDA) == {"numpy 1.26.4", "python 3.11.9", "tzdata 2024a"}
    assert names(found, Kind.PIP) == {"scipy 1.13.0", "some-package 2.0"}
    assert names(found, Kind.R) == {"R 4.4.1", "dplyr 1.1.3"}
    assert len(names(found, Kind.APT)) > 50


def test_what_changed_from_one_image_to_the_next(engine: docker.DockerClient, make: Make) -> None:
    old = read_packages(engine, make(as_archive(hub_image())))
    new = read_packages(
        engine, make(as_archive(hub_image(numpy="2.1.0", scipy="1.12.0", dplyr="1.1.4")))
    )
    assert [(one.name, one.move.value, one.old, one.new) for one in difference(old, new)] == [
        ("numpy", "up", "1.26.4", "2.1.0"),
        ("scipy", "down", "1.13.0", "1.12.0"),
        ("dplyr", "up", "1.1.3", "1.1.4"),
    ]


def test_a_home_that_is_a_volume_and_a_user_without_rights(
    engine: docker.DockerClient, make: Make
) -> None:
    site = "/home/jovyan/.local/lib/python3.11/site-packages"
    secretive = as_archive(pip(site, "mine", "1"), mode=0o600)
    image = make(secretive, changes="VOLUME /home/jovyan\nUSER 1000")
    assert names(read_packages(engine, image), Kind.PIP) == {"mine 1"}


def linked(name: str, target: str, kind: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        link = tarfile.TarInfo(name)
        link.type, link.linkname = kind, target
        tar.addfile(link)
    return stream.getvalue()


def test_one_file_in_two_environments(engine: docker.DockerClient, make: Make) -> None:
    """Installers link rather than copy."""
    ((path, content),) = pip("/one/lib/python3.11/site-packages", "a", "1").items()
    link = linked(path.replace("/one/", "two/"), path.strip("/"), tarfile.LNKTYPE)
    found = read_packages(engine, make(as_archive({path: content}), link))
    assert [one.place[:4] for one in found.of(Kind.PIP)] == ["/one", "/two"]


def imported(engine: docker.DockerClient, files: Files) -> str:
    name = f"r2d-action-tests/packages:{secrets.token_hex(4)}"
    engine.api.import_image_from_data(as_archive(files), *name.split(":"))
    return name


def test_an_image_without_a_shell(engine: docker.DockerClient) -> None:
    image = imported(engine, {"/etc/hello": b"hello"})
    try:
        with pytest.raises(UserError, match="own shell, find and tar"):
            read_packages(engine, image)
    finally:
        engine.images.remove(image)


def test_an_image_without_find(engine: docker.DockerClient, make: Make) -> None:
    image = make(linked("only/sh", "/bin/sh", tarfile.SYMTYPE), changes="ENV PATH=/only")
    with pytest.raises(UserError, match="It said: there is no find"):
        read_packages(engine, image)
