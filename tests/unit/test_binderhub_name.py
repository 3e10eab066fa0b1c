"""The name under which BinderHub looks for an image, and what must not go by that name."""

from __future__ import annotations

import pytest

from r2d_action.errors import InputError
from r2d_action.inputs import Inputs
from r2d_action.plan.binderhub import (
    binderhub_reference,
    departures,
    require_binderhub_build,
)
from r2d_action.reference import Reference

COMMIT = "0123456789abcdef0123456789abcdef01234567"
PREFIX = "quay.io/my-org/r2d-"
LONG = "Long_Name.with-all_" * 5 + "Long_"

# Made by BinderHub's own code (its commit b9fad995): `GitHubRepoProvider.get_build_slug`,
# `_safe_build_slug`, and the line of `BuildHandler.get` that puts the name together.
AFTER_THE_PREFIX = [
    ("binder-examples/requirements", "binder-2dexamples-2drequirements-55ab5c"),
    ("CryoInTheCloud/hub-image", "cryointhecloud-2dhub-2dimage-96d913"),
    ("ICESAT-2HackWeek/Website2024", "icesat-2d2hackweek-2dwebsite2024-ec7243"),
    (
        "2i2c-org/example-image-requirements",
        "2i2c-2dorg-2dexample-2dimage-2drequirements-cff5b2",
    ),
    ("octo/course", "octo-2dcourse-20629a"),
    ("Octo/Course", "octo-2dcourse-d22ca3"),
    ("o/x", "o-2dx-b1e311"),
    ("octo/my_repo", "octo-2dmy-5frepo-c4cbba"),
    ("octo/_hidden_", "octo-2d-5fhidden-5f-70666c"),
    ("octo/ends-with-dash-", "octo-2dends-2dwith-2ddash-2d-a7c91c"),
    ("octo/dotted.name", "octo-2ddotted-2ename-a51fdb"),
    ("octo/.github", "octo-2d-2egithub-667c0d"),
    ("octo/a.b_c-D", "octo-2da-2eb-5fc-2dd-72f659"),
    ("UW-ESS-DS/GDA_2026", "uw-2dess-2dds-2dgda-5f2026-264847"),
    ("octo/repo.git", "octo-2drepo-4f5fa5"),
    ("octo/1234", "octo-2d1234-c408f3"),
    ("octo/--", "octo-2d-2d-2d-d26aa9"),
    (f"octo/{'a' * 100}", f"octo-2d{'a' * 100}-552ee9"),
    (
        f"some-very-long-organization-name-39-cha/{LONG}",
        "some-2dvery-2dlong-2dorganization-2dname-2d39-2dcha-2d"
        + "long-5fname-2ewith-2dall-5f" * 5
        + "long-5f-4a0deb",
    ),
    (f"octo/{'_' * 100}", "octo-2d" + "-5f" * 74 + "-26d308"),
]

# The same, for other settings of `BinderHub.image_prefix`.
OTHER_PREFIXES = [
    (
        "us-central1-docker.pkg.dev/leap/imagebuilding_registry/",
        "leap-stc/ClimSim",
        "us-central1-docker.pkg.dev/leap/imagebuilding-registry/leap-2dstc-2dclimsim-c009df",
    ),
    ("gcr.io/Project/R2D_", "octo/Course", "gcr.io/project/r2d-octo-2dcourse-ca7599"),
    ("127.0.0.1:5000/binder/", "octo/course", "127.0.0.1:5000/binder/octo-2dcourse-20629a"),
    ("myorg/r2d-", "octo/course", "myorg/r2d-octo-2dcourse-20629a"),
    (
        f"quay.io/{'p' * 150}/x-",
        f"octo/{'_' * 100}",
        f"quay.io/{'p' * 150}/x-octo-2d{'-5f' * 26}-5-26d308",
    ),
]


@pytest.mark.parametrize(("repository", "name"), AFTER_THE_PREFIX)
def test_name_is_that_of_binderhub(repository: str, name: str) -> None:
    assert str(binderhub_reference(PREFIX, repository, COMMIT)) == f"{PREFIX}{name}:{COMMIT}"


@pytest.mark.parametrize(("prefix", "repository", "name"), OTHER_PREFIXES)
def test_prefix_is_taken_as_binderhub_takes_it(prefix: str, repository: str, name: str) -> None:
    assert str(binderhub_reference(prefix, repository, COMMIT)) == f"{name}:{COMMIT}"


@pytest.mark.parametrize(
    ("prefix", "reason"),
    [
        ("r2d-", "names no registry"),
        ("", "names no registry"),
        ("quay.io/org/image:latest", "ends in a tag"),
        ("quay.io/org/image:", "ends in a tag"),
        ("quay.io/org/image@sha256:0", "ends in a tag"),
        ("https://quay.io/org/", "is an address of a page"),
        ("quay.io/my org/", "is not a legal image name"),
        ("quay.io/org/-", "is not a legal image name"),
        ("quay.io//r2d-", "is not a legal image name"),
        (f"quay.io/{'p' * 250}/", "is longer than 255 characters"),
    ],
)
def test_prefix_that_makes_no_name(prefix: str, reason: str) -> None:
    with pytest.raises(InputError, match=rf"^BINDERHUB_IMAGE_PREFIX: .*{reason}"):
        binderhub_reference(prefix, "octo/course", COMMIT)


@pytest.mark.parametrize("commit", ["", "main", COMMIT[:12], COMMIT + "0", COMMIT.upper()])
def test_commit_must_be_whole(commit: str) -> None:
    with pytest.raises(InputError, match="40 digits"):
        binderhub_reference(PREFIX, "octo/course", commit)


def test_name_is_a_reference_like_any_other() -> None:
    reference = binderhub_reference("127.0.0.1:5000/binder/", "octo/course", COMMIT)
    assert Reference.parse(str(reference)) == reference
    assert reference.repository.registry.is_loopback


# What BinderHub would build -----------------------------------------------------------------


@pytest.mark.parametrize("inputs", [Inputs(), Inputs(repo_dir="/home/jovyan/")])
def test_plain_build_is_what_binderhub_would_make(inputs: Inputs) -> None:
    require_binderhub_build(inputs)
    assert not list(departures(inputs))


@pytest.mark.parametrize(
    "inputs", [Inputs(subdir="images/r"), Inputs(repo2docker_extra_args="--subdir images/r")]
)
def test_folder_is_not_the_repository(inputs: Inputs) -> None:
    with pytest.raises(InputError, match=r"SUBDIR \('images/r'\)"):
        require_binderhub_build(inputs)


def test_user_is_binders() -> None:
    with pytest.raises(InputError, match="NOTEBOOK_USER is 'rstudio'"):
        require_binderhub_build(Inputs(notebook_user="rstudio"))


@pytest.mark.parametrize(
    ("inputs", "name"),
    [
        (Inputs(repo_dir="/srv/repo"), "REPO_DIR"),
        (Inputs(appendix_file="appendix"), "APPENDIX_FILE"),
        (Inputs(repo2docker_extra_args="--build-arg A=1"), "REPO2DOCKER_EXTRA_ARGS"),
        (Inputs(extra_pip_install="a-buildpack"), "EXTRA_PIP_INSTALL"),
    ],
)
def test_what_was_asked_for_is_told(inputs: Inputs, name: str) -> None:
    require_binderhub_build(inputs)
    (sentence,) = departures(inputs)
    assert name in sentence
