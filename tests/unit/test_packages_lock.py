from __future__ import annotations

import json

import pytest
import yaml

from fakes.package_trees import CHANNEL, LIBRARY, NOTEBOOK, SITE, conda, dpkg, hub_image, pip, r
from r2d_action.packages.found import packages_in
from r2d_action.packages.lock import Environment, environments_in, lists_of_the_image, lock_files

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CHECKOUT = {
    "url": "https://git.example.org/org/tool",
    "vcs_info": {"vcs": "git", "commit_id": COMMIT},
}
ARCHIVE = {
    "url": "https://example.org/data-1.whl",
    "archive_info": {"hashes": {"sha256": "d" * 64}},
}


def environment(files: dict[str, bytes]) -> Environment:
    (found,) = environments_in(packages_in(files))
    return found


@pytest.fixture
def files() -> dict[str, str]:
    elsewhere = {
        **pip(SITE, "tool", "1.0", CHECKOUT),
        **pip(SITE, "data", "1", ARCHIVE),
        **pip(SITE, "course", "0.1", {"url": "file:///srv/repo", "dir_info": {}}),
        **pip(SITE, "pip", "25.0"),
    }
    return lock_files(environment({**hub_image(), **elsewhere}))


def test_an_explicit_list_for_conda(files: dict[str, str]) -> None:
    lines = files["conda.lock"].splitlines()
    assert lines[:2] == ["# platform: linux-64", "@EXPLICIT"]
    addresses, digests = zip(*(line.split("#") for line in lines[2:]), strict=True)
    assert addresses == (
        f"{CHANNEL}/linux-64/numpy-1.26.4-py311h64a7726_0.conda",
        f"{CHANNEL}/linux-64/python-3.11.9-hb806964_0_cpython_0.conda",
        f"{CHANNEL}/noarch/tzdata-2024a-py_0.conda",
    )
    assert all(len(digest) == 32 for digest in digests)


def test_the_same_for_repo2docker(files: dict[str, str]) -> None:
    assert yaml.safe_load(files["environment.yml"]) == {
        "channels": [CHANNEL],
        "dependencies": [
            "numpy=1.26.4=py311h64a7726_0",
            "python=3.11.9=hb806964_0_cpython_0",
            "tzdata=2024a=py_0",
            "pip",
            {
                "pip": [
                    f"data @ https://example.org/data-1.whl#sha256={'d' * 64}",
                    "scipy==1.13.0",
                    "some-package==2.0",
                    f"tool @ git+https://git.example.org/org/tool@{COMMIT}",
                ]
            },
        ],
    }


def test_requirements_that_can_have_digests_and_others(files: dict[str, str]) -> None:
    assert files["requirements.txt"].splitlines() == [
        f"data @ https://example.org/data-1.whl#sha256={'d' * 64}",
        "scipy==1.13.0",
        "some-package==2.0",
    ]
    assert files["requirements-from-source.txt"].splitlines() == [
        "# course 0.1: from the folder /srv/repo",
        f"tool @ git+https://git.example.org/org/tool@{COMMIT}",
    ]


def test_an_environment_is_a_folder() -> None:
    venv = pip("/opt/env/lib/python3.12/site-packages", "a", "1")
    found = environments_in(packages_in({**hub_image(), **venv}))
    assert [(one.folder, one.python) for one in found] == [
        ("opt-env", "3.12"),
        ("srv-conda-envs-notebook", "3.11"),
    ]
    assert lock_files(found[0]) == {"requirements.txt": "a==1\n"}


@pytest.mark.parametrize("prefix", ["/..", "/.", "/../../etc"])
def test_a_folder_leads_nowhere_else(prefix: str) -> None:
    folder = environment(conda(prefix, "a", "1", "0")).folder
    assert folder in {"root", "etc"}


def test_a_conda_package_of_unknown_origin_is_told_of() -> None:
    lock = lock_files(environment(conda(NOTEBOOK, "a", "1", "0", url="", md5="")))["conda.lock"]
    assert lock.splitlines()[-1] == "# a 1: nobody knows where it came from"


def test_the_channel_of_most_packages_goes_first() -> None:
    other = "https://conda.example.org/other"
    few = conda(NOTEBOOK, "a", "1", "0", url=f"{other}/linux-64/a-1-0.conda")
    content = yaml.safe_load(lock_files(environment({**few, **hub_image()}))["environment.yml"])
    assert content["channels"] == [CHANNEL, other]


def test_r_for_renv() -> None:
    remote = {
        "RemoteType": "github",
        "RemoteUsername": "org",
        "RemoteRepo": "tool",
        "RemoteSha": COMMIT,
    }
    image = packages_in({**hub_image(), **r(LIBRARY, "tool", "0.0.1", **remote)})
    lock = json.loads(lists_of_the_image(image)["renv.lock"])
    assert lock["R"] == {"Version": "4.4.1"}
    assert lock["Packages"] == {
        "dplyr": {
            "Package": "dplyr",
            "Version": "1.1.3",
            "Source": "Repository",
            "Repository": "CRAN",
        },
        "tool": {"Package": "tool", "Version": "0.0.1", "Source": "GitHub", **remote},
    }


def test_apt_for_the_record() -> None:
    assert lists_of_the_image(packages_in(dpkg(("git", "1:2.39-1")))) == {
        "apt-packages.txt": "git=1:2.39-1\n"
    }
