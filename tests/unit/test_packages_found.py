from __future__ import annotations

import json

import pytest

from fakes.package_trees import (
    CHANNEL,
    LIBRARY,
    NOTEBOOK,
    SITE,
    Files,
    conda,
    dpkg,
    hub_image,
    pip,
    r,
)
from r2d_action.json_text import from_json, to_json
from r2d_action.packages.found import packages_in
from r2d_action.packages.values import Kind, Package, PackageList


def only(files: Files) -> Package:
    (package,) = packages_in(files)
    return package


def named(packages: PackageList, kind: Kind) -> dict[str, str]:
    return {one.name: one.version for one in packages.of(kind)}


def test_each_package_is_listed_once_for_the_one_that_brought_it() -> None:
    found = packages_in({**hub_image(), **dpkg(("r-base-core", "4.2.2-1"), ("git", "1:2.39.5-0"))})
    assert named(found, Kind.CONDA) == {"numpy": "1.26.4", "python": "3.11.9", "tzdata": "2024a"}
    assert named(found, Kind.PIP) == {"scipy": "1.13.0", "some-package": "2.0"}
    assert named(found, Kind.R) == {"R": "4.4.1", "dplyr": "1.1.3"}
    assert named(found, Kind.APT) == {"git": "1:2.39.5-0", "r-base-core": "4.2.2-1"}
    assert len(list(found)) == 9


def test_a_list_does_not_depend_on_the_order_of_files() -> None:
    files = {**hub_image(), **dpkg(("git", "1:2.39.5-0"))}
    assert packages_in(dict(reversed(files.items()))) == packages_in(files)


def test_a_list_goes_to_json_and_comes_back() -> None:
    found = packages_in(hub_image())
    assert from_json(to_json(found), PackageList) == found


# conda --------------------------------------------------------------------------------------


def test_a_conda_package_knows_where_it_came_from() -> None:
    package = only(conda(NOTEBOOK, "numpy", "1.26.4", "py311_0", md5="ab" * 16))
    assert package == Package(
        kind=Kind.CONDA,
        name="numpy",
        version="1.26.4",
        build="py311_0",
        place=NOTEBOOK,
        source=f"{CHANNEL}/linux-64/numpy-1.26.4-py311_0.conda#{'ab' * 16}",
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://user:s3cret@conda.example.org/lab/linux-64/a-1-0.conda",
        "https://conda.example.org/t/s3cret/lab/linux-64/a-1-0.conda",
        "https://conda.example.org/lab/linux-64/a-1-0.conda?signature=s3cret",
    ],
)
def test_no_credential_of_a_channel_is_kept(url: str) -> None:
    source = only(conda(NOTEBOOK, "a", "1", "0", url=url, md5="")).source
    assert source == "https://conda.example.org/lab/linux-64/a-1-0.conda"


def test_a_record_without_md5() -> None:
    source = only(conda(NOTEBOOK, "a", "1", "0", md5="", sha256="c" * 64)).source
    assert source.endswith(f"a-1-0.conda#sha256:{'c' * 64}")


def test_a_record_that_cannot_be_read_is_left_out() -> None:
    files = {f"{NOTEBOOK}/conda-meta/a-1-0.json": b"{", f"{NOTEBOOK}/conda-meta/b.json": b"[]"}
    assert not list(packages_in(files))


# pip ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origin", "source", "build"),
    [
        (
            {
                "url": "https://token@git.example.org/org/a.git",
                "vcs_info": {"vcs": "git", "commit_id": "0123456789abcdef"},
                "subdirectory": "python",
            },
            "git+https://git.example.org/org/a.git@0123456789abcdef#subdirectory=python",
            "0123456789ab",
        ),
        (
            {
                "url": "https://example.org/a-1.whl?token=s3cret",
                "archive_info": {"hashes": {"sha256": "d" * 64}},
            },
            f"https://example.org/a-1.whl#sha256={'d' * 64}",
            "",
        ),
        (
            {"url": "file:///srv/repo", "dir_info": {"editable": True}},
            "file:///srv/repo",
            "",
        ),
    ],
)
def test_a_python_package_from_elsewhere_than_an_index(
    origin: dict[str, object], source: str, build: str
) -> None:
    package = only(pip(SITE, "a", "1", origin))
    assert (package.source, package.build) == (source, build)


def test_python_packages_of_every_place() -> None:
    places = [
        "/opt/env/lib/python3.12/site-packages",
        "/usr/local/lib/python3.11/dist-packages",
        "/home/jovyan/.local/lib/python3.11/site-packages",
    ]
    files = {path: content for place in places for path, content in pip(place, "a", "1").items()}
    assert sorted(one.place for one in packages_in(files)) == sorted(places)


def test_older_kinds_of_metadata() -> None:
    content = b"Metadata-Version: 1.0\nName: old\nVersion: 3\n"
    for path in (f"{SITE}/old-3-py3.11.egg-info", f"{SITE}/old.egg-info/PKG-INFO"):
        package = only({path: content})
        assert (package.name, package.version) == ("old", "3")


def test_no_text_of_a_package_becomes_a_line_of_its_own() -> None:
    bad = b"Name: a\nVersion: 1\n --index-url https://evil.example.org\n\n"
    assert not list(packages_in({f"{SITE}/a-1.dist-info/METADATA": bad}))


# R, apt -------------------------------------------------------------------------------------


def test_an_r_package_from_a_checkout() -> None:
    remote = {
        "RemoteType": "github",
        "RemoteUsername": "tidyverse",
        "RemoteRepo": "dplyr",
        "RemoteSha": "0123456789abcdef",
    }
    package = only(r(LIBRARY, "dplyr", "1.1.4.9000", **remote))
    assert package.source == "github:tidyverse/dplyr@0123456789abcdef"
    assert package.build == "0123456789ab"


def test_an_r_package_from_a_repository_may_have_a_remote_as_well() -> None:
    fields = {"Repository": "RSPM", "RemoteType": "standard", "RemoteSha": "1.1.4"}
    package = only(r(LIBRARY, "dplyr", "1.1.4", **fields))
    assert (package.source, package.build) == ("RSPM", "")


def test_what_apt_removed_is_not_installed() -> None:
    assert not list(packages_in(dpkg(("git", "1"), status="deinstall ok config-files")))
    assert named(packages_in(dpkg(("git", "1"), status="hold ok installed")), Kind.APT)


def test_an_image_that_was_made_without_dpkg() -> None:
    files = {"/var/lib/dpkg/status.d/tzdata": b"Package: tzdata\nVersion: 2026a-0\n"}
    assert named(packages_in(files), Kind.APT) == {"tzdata": "2026a-0"}


def test_a_list_of_somebody_elses_is_looked_at() -> None:
    package = json.loads(to_json(only(dpkg(("git", "1")))))
    assert from_json(json.dumps(package), Package).is_sound
    for field, text in (("name", "a b"), ("version", "1\n2"), ("place", "/opt/\x1b[31m")):
        assert not from_json(json.dumps({**package, field: text}), Package).is_sound
