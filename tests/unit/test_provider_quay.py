from __future__ import annotations

import pytest

from fakes.means import Heard, means_for
from r2d_action.inputs import Inputs
from r2d_action.reference import Registry, Repository
from r2d_action.registry.client import RegistryError
from r2d_action.registry.providers import provider_of
from r2d_action.registry.providers.quay import PROVIDER

IMAGE = Repository.parse("quay.io/team/image")
SETTINGS = "https://quay.io/repository/team/image?tab=settings"
TAGS = "https://quay.io/repository/team/image?tab=tags"


def test_the_host_of_quay() -> None:
    assert provider_of(Registry("quay.io")) is PROVIDER
    assert provider_of(Registry("quay.io.example.org")) is not PROVIDER


def test_nothing_given_is_no_login() -> None:
    assert PROVIDER.login(IMAGE.registry, means_for(Inputs(), {}, Heard())) is None


@pytest.mark.parametrize(
    ("status", "code", "message", "expected"),
    [
        (401, "UNAUTHORIZED", "access to the requested resource is not authorized", SETTINGS),
        (401, "UNAUTHORIZED", "Could not find robot with specified username", "`team+robot`"),
        (401, "UNAUTHORIZED", "Invalid Username or Password", "`id-token: write`"),
        (401, "UNAUTHORIZED", "Specified credentials are invalid", "DOCKER_PASSWORD"),
        (403, "DENIED", "Quota has been exceeded on namespace", TAGS),
        (409, "TAG_IMMUTABLE", "tag is immutable and cannot be overwritten", "LATEST_TAG_OFF"),
    ],
)
def test_a_refusal_is_explained(status: int, code: str, message: str, expected: str) -> None:
    text = PROVIDER.explain(RegistryError("quay.io", status, code, message), IMAGE)
    assert expected in text
    assert text.endswith(".")


def test_nothing_is_known_of_other_refusals() -> None:
    assert PROVIDER.explain(RegistryError("quay.io", 500, "UNKNOWN", ""), IMAGE) == ""


def test_the_setting_that_makes_it_public() -> None:
    text = PROVIDER.make_public(IMAGE)
    assert SETTINGS in text
    assert "Make Public" in text
