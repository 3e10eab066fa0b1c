"""The links by which an image can be tried, read as those who get them read them."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from r2d_action.binder.binderhub import BinderSource
from r2d_action.reference import Reference
from r2d_action.report.launch_links import Link, ProfileForm, launch_links

IMAGE = Reference.parse(f"quay.io/my-org/user-image:0123456789ab@sha256:{'a' * 64}")
SOURCE = BinderSource("octo/My_Course", "refs/heads/fix/a b+c#7")
FORM = ProfileForm(url="https://hub.example.org", slug="only-choice", builds=True)


def filled_in(link: Link, login: str, page: str) -> dict[str, str]:
    """What the form finds after the login: the hub decodes `next` once, and the form what
    follows the #."""
    address = urlsplit(link.url)
    assert f"{address.scheme}://{address.netloc}{address.path}" == login
    (following,) = parse_qs(address.query)["next"]
    assert urlsplit(following).path == page
    (content,) = parse_qs(urlsplit(following).fragment)["fancy-forms-config"]
    values: dict[str, str] = json.loads(content)
    return values


def test_nothing_is_known_but_the_image() -> None:
    assert launch_links(IMAGE) == ()
    assert launch_links(IMAGE, SOURCE) == ()


def test_binderhub() -> None:
    (link,) = launch_links(IMAGE, SOURCE, binderhub="https://hub.example.org/services/binder")
    assert link.url == (
        "https://hub.example.org/services/binder/v2/gh/octo/My_Course/fix/a%20b%2Bc%237"
    )
    assert link.words == "Launch the repository on hub.example.org"
    assert not launch_links(IMAGE, binderhub="https://hub.example.org")


@pytest.mark.parametrize(
    ("url", "login", "page"),
    [
        ("https://hub.example.org", "https://hub.example.org/hub/login", "/hub/spawn"),
        (
            "https://example.org/jupyter/",
            "https://example.org/jupyter/hub/login",
            "/jupyter/hub/spawn",
        ),
    ],
)
def test_form_with_the_image(url: str, login: str, page: str) -> None:
    form, _ = launch_links(IMAGE, form=ProfileForm(url=url, slug="gpu", option="environment"))
    assert filled_in(form, login, page) == {
        "profile": "gpu",
        "environment": "unlisted_choice",
        "environment:unlisted_choice": str(IMAGE),
    }


def test_start_at_once() -> None:
    _, start, *_ = launch_links(IMAGE, form=FORM)
    address = urlsplit(start.url)
    assert (address.netloc, address.path) == ("hub.example.org", "/hub/spawn")
    assert parse_qs(address.query) == {
        "profile": ["only-choice"],
        "profile-option-only-choice--image--unlisted-choice": [str(IMAGE)],
    }


def test_form_that_builds() -> None:
    *_, build = launch_links(IMAGE, SOURCE, form=FORM)
    assert filled_in(build, "https://hub.example.org/hub/login", "/hub/spawn") == {
        "profile": "only-choice",
        "image": "--extra-selectable-item",
        "image:binderProvider": "gh",
        "image:binderRepo": "octo/My_Course",
        "image:ref": "fix/a b+c#7",
    }
    assert len(launch_links(IMAGE, form=FORM)) == 2


def test_profile_is_the_one_that_is_verified() -> None:
    url = "https://hub.example.org"
    options = {"profile": "gpu", "memory": "large"}
    form = ProfileForm.chosen_by(options, url=url, builds=True)
    assert form == ProfileForm(url=url, slug="gpu", option="image", builds=True)
    free = {"environment--unlisted-choice": "quay.io/a/b:1", "profile": "gpu"}
    other = ProfileForm.chosen_by(free, url=url, builds=False)
    assert other == ProfileForm(url=url, slug="gpu", option="environment")
    assert ProfileForm.chosen_by({"memory": "large"}, url=url, builds=False) is None
    assert ProfileForm.chosen_by(options, url="", builds=False) is None
