"""The configurator's road on a real hub: its tokens, its scopes, both formats of the data."""

from __future__ import annotations

import json

import pytest
import requests

from integration.front import Answer, Seen, in_front_of
from integration.hub.parts import Commands, Course
from lab.hub import ADMIN, CONFIGURATOR, VERIFY_USER, RunningHub

SCOPE = f"access:services!service={CONFIGURATOR}"
OLD = "quay.io/org/old:1"


@pytest.fixture
def admin(clean_hub: RunningHub, commands: Commands) -> Commands:
    return commands.as_bearer_of(clean_hub.token(ADMIN, SCOPE))


def host(hub: RunningHub) -> str:
    return hub.url.removeprefix("http://")


@pytest.mark.parametrize(
    ("form", "field", "other"),
    [
        ("current", "z2jh.image", "z2jh.default_interface"),
        ("flat", "KubeSpawner.image", "Spawner.default_url"),
    ],
)
@pytest.mark.parametrize("old", [OLD, ""])
def test_one_field_changes_and_comes_back(
    clean_hub: RunningHub,
    admin: Commands,
    course: Course,
    form: str,
    field: str,
    other: str,
    old: str,
) -> None:
    before = {other: "/lab", field: old}
    clean_hub.set_configurator(form, before)
    changed = admin("configure-hub", course.pinned("v2"))
    assert changed.record["configurator"]["old"] == old
    assert clean_hub.configured() == {other: "/lab", field: course.reference("v2")}
    admin("rollback-hub", "-", stdin=changed.printed).record  # noqa: B018
    assert clean_hub.configured() == before


def test_what_was_not_set_is_taken_away_again(
    clean_hub: RunningHub, admin: Commands, course: Course
) -> None:
    clean_hub.set_configurator("current", {"z2jh.default_interface": "/lab"})
    changed = admin("configure-hub", course.pinned("v2"))
    assert changed.record["configurator"]["old"] is None
    assert admin("rollback-hub", "-", stdin=changed.printed).code == 0
    assert clean_hub.configured() == {"z2jh.default_interface": "/lab"}


def test_a_digest_stays_a_digest(clean_hub: RunningHub, admin: Commands, course: Course) -> None:
    clean_hub.set_configurator("current", {"z2jh.image": course.pinned("v1")})
    admin("configure-hub", course.pinned("v2"))
    assert clean_hub.configured() == {"z2jh.image": course.pinned("v2")}


def test_nothing_to_do(clean_hub: RunningHub, admin: Commands, course: Course) -> None:
    clean_hub.set_configurator("current", {"z2jh.image": course.reference("v2")})
    with in_front_of(host(clean_hub), lambda _: None) as front:
        done = admin.at(f"http://{front.host}")("configure-hub", course.pinned("v2"))
    assert done.code == 0
    assert [seen.method for seen in front.seen] == ["GET"]


def test_an_image_without_a_tag(clean_hub: RunningHub, admin: Commands, course: Course) -> None:
    done = admin("configure-hub", f"{course.name}@{course.digests['v2']}")
    assert done.code == 2
    assert "has no tag" in done.said
    assert clean_hub.configured() == {}


def test_a_profile_is_no_matter_of_the_configurator(
    clean_hub: RunningHub, admin: Commands, course: Course
) -> None:
    done = admin("configure-hub", course.pinned("v2"), HUB_VERIFY_OPTIONS="profile=small")
    assert done.code == 8
    assert "profileList" in done.said
    assert clean_hub.configured() == {}


@pytest.mark.parametrize("whose", ["service", "user", "admin without the scope", "nobody"])
def test_who_may_not(clean_hub: RunningHub, commands: Commands, course: Course, whose: str) -> None:
    tokens = {
        "service": lambda: clean_hub.builder_token,
        "user": lambda: clean_hub.token(VERIFY_USER),
        "admin without the scope": lambda: clean_hub.token(ADMIN, "read:servers"),
        "nobody": lambda: "f00d" * 8,
    }
    done = commands.as_bearer_of(tokens[whose]())("configure-hub", course.pinned("v2"))
    assert done.code == 8
    assert SCOPE in done.said
    assert "Nothing was changed" in done.said
    assert clean_hub.configured() == {}


def test_a_form_of_another_site_is_refused(clean_hub: RunningHub) -> None:
    """Why the token goes in a header: nothing else passes the hub's protection of forms."""
    login = f"{clean_hub.url}/hub/login?next=/hub/home"
    url = f"{clean_hub.url}/services/{CONFIGURATOR}/config"
    with requests.Session() as browser:
        browser.get(login)
        form = {"username": ADMIN, "password": clean_hub.admin_token}
        xsrf = {"_xsrf": browser.cookies.get("_xsrf", path="/hub/") or ""}
        browser.post(login, data=form | xsrf).raise_for_status()
        assert ADMIN in browser.get(f"{clean_hub.url}/hub/home").text
        refused = browser.post(url, data="{}", allow_redirects=False)
    assert not refused.ok or refused.is_redirect
    assert clean_hub.configured() == {}


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (Answer(200, (("Content-Type", "text/html"),), b"<html>"), "text/html instead of"),
        (Answer(200, (("Content-Type", "application/json"),), b"[]"), "application/json instead"),
        (Answer(200, (("Content-Type", "application/json"),), b"{}"), "no field for an image"),
        (Answer(404), "404"),
    ],
)
def test_a_shape_that_is_none(
    clean_hub: RunningHub, admin: Commands, course: Course, answer: Answer, word: str
) -> None:
    with in_front_of(host(clean_hub), lambda _: answer) as front:
        done = admin.at(f"http://{front.host}")("configure-hub", course.pinned("v2"))
    assert done.code == 8
    assert word in done.said
    assert [seen.method for seen in front.seen] == ["GET"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_redirect_is_not_followed(
    clean_hub: RunningHub, admin: Commands, course: Course, method: str
) -> None:
    with in_front_of(host(clean_hub), lambda _: None) as elsewhere:
        target = f"http://{elsewhere.host}/services/{CONFIGURATOR}/config"

        def away(seen: Seen) -> Answer | None:
            return Answer(307, (("Location", target),)) if seen.method == method else None

        with in_front_of(host(clean_hub), away) as front:
            done = admin.at(f"http://{front.host}")("configure-hub", course.pinned("v2"))
    assert done.code == 8
    assert elsewhere.seen == []
    assert clean_hub.configured() == {}


def test_what_is_read_back_is_compared(
    clean_hub: RunningHub, admin: Commands, course: Course
) -> None:
    def deaf(seen: Seen) -> Answer | None:
        return Answer(200) if seen.method == "POST" else None

    with in_front_of(host(clean_hub), deaf) as front:
        done = admin.at(f"http://{front.host}")("configure-hub", course.pinned("v2"))
    assert done.code == 8
    assert f"took {course.reference('v2')} and has none" in done.said


def test_somebody_chose_another_image_since(
    clean_hub: RunningHub, admin: Commands, course: Course
) -> None:
    clean_hub.set_configurator("current", {"z2jh.image": OLD})
    changed = admin("configure-hub", course.pinned("v2"))
    theirs = {"z2jh.image": "quay.io/org/theirs:1"}
    clean_hub.set_configurator("current", theirs)
    done = admin("rollback-hub", "-", stdin=changed.printed)
    assert done.code == 8
    assert "quay.io/org/theirs:1 by now" in done.said
    assert clean_hub.configured() == theirs


def test_back_already(clean_hub: RunningHub, admin: Commands, course: Course) -> None:
    clean_hub.set_configurator("current", {"z2jh.image": OLD})
    changed = admin("configure-hub", course.pinned("v2"))
    for _ in range(2):
        assert admin("rollback-hub", "-", stdin=changed.printed).code == 0
        assert clean_hub.configured() == {"z2jh.image": OLD}


def test_a_record_of_another_hub(admin: Commands) -> None:
    part = {"hub": "https://hub.example.org", "field": "z2jh.image", "old": None, "new": OLD}
    done = admin("rollback-hub", "-", stdin=json.dumps({"configurator": part}))
    assert done.code == 8
    assert "The record is of https://hub.example.org" in done.said


@pytest.mark.parametrize("record", ["", "{}", '{"configurator": {}}', '{"configurator": 1}'])
def test_a_record_that_is_none(admin: Commands, record: str) -> None:
    done = admin("rollback-hub", "-", stdin=record)
    assert done.code == 2
    assert "no record of a change" in done.said
