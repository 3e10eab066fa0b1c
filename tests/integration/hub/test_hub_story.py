"""The last mile, and the way back, on a real hub."""

from __future__ import annotations

from integration.hub.parts import Commands, Course
from lab.hub import ADMIN, CONFIGURATOR, VERIFY_USER, RunningHub


def test_from_one_image_to_the_next_and_back(
    clean_hub: RunningHub, commands: Commands, course: Course
) -> None:
    scopes = (
        f"access:services!service={CONFIGURATOR}",
        f"servers!user={VERIFY_USER}",
        f"tokens!user={VERIFY_USER}",
    )
    admin = commands.as_bearer_of(clean_hub.token(ADMIN, *scopes))

    def verified(tag: str) -> str:
        done = admin("verify-hub", course.pinned(tag), HUB_VERIFY_COMMAND='echo "is $COURSE"')
        assert done.record["runs"] == course.reference(tag)
        assert done.record["compared"] == "tag-in-registry"
        return str(done.record["output"])

    assert verified("v1") == "is v1"

    better = admin("configure-hub", course.pinned("v2"))
    assert better.record == {
        "configurator": {
            "hub": clean_hub.url,
            "field": "z2jh.image",
            "old": None,
            "new": course.reference("v2"),
        }
    }
    assert verified("v2") == "is v2"

    broken = admin("configure-hub", course.pinned("v3"))
    assert broken.record["configurator"]["old"] == course.reference("v2")
    failed = admin("verify-hub", course.pinned("v3"))
    assert failed.code == 8
    assert "jupyterhub-singleuser" in failed.said
    assert "executable file not found" in failed.said
    assert not clean_hub.servers()

    back = admin("rollback-hub", "-", stdin=broken.printed)
    assert back.record["configurator"]["new"] == course.reference("v2")
    assert verified("v2") == "is v2"
