"""A push that will not be allowed is refused before the build."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from integration.front import Answer, Seen, in_front_of
from integration.repo import IMAGE, Repo, repo
from lab.registry import RunningRegistry
from r2d_action.errors import LoginFailed, PublishFailed

__all__ = ["repo"]

PASSWORD = "correct-horse-battery"
NewRegistry = Callable[..., RunningRegistry]


@pytest.mark.parametrize(
    "login",
    [{}, {"DOCKER_USERNAME": "robot", "DOCKER_PASSWORD": "wrong-password"}],
)
def test_who_may_not_push_does_not_build(
    repo: Repo, new_registry: NewRegistry, login: dict[str, str]
) -> None:
    locked = new_registry(htpasswd={"robot": PASSWORD})
    outcome = repo.attempt(DOCKER_REGISTRY=locked.host, **login)
    assert outcome.failure
    assert outcome.failure.title == LoginFailed.title
    assert outcome.failure.exit_code == PublishFailed.exit_code
    assert outcome.built is None
    assert f"{locked.host} does not let this run push" in outcome.failure.what
    assert "wrong-password" not in repo.said.getvalue()


def test_a_forgotten_secret_is_called_that(repo: Repo, new_registry: NewRegistry) -> None:
    locked = new_registry(htpasswd={"robot": PASSWORD})
    named = {"DOCKER_REGISTRY": locked.host, "DOCKER_USERNAME": "robot"}
    outcome = repo.attempt(**named, IMAGE_NAME="my-community/user-image")
    assert outcome.failure
    assert "DOCKER_PASSWORD is empty" in outcome.failure.what
    assert "`my-community` is the name in our examples" in outcome.failure.what


def test_a_login_without_its_user_is_called_that(repo: Repo, new_registry: NewRegistry) -> None:
    locked = new_registry(htpasswd={"robot": PASSWORD})
    outcome = repo.attempt(DOCKER_REGISTRY=locked.host, DOCKER_PASSWORD=PASSWORD)
    assert outcome.failure
    assert "DOCKER_PASSWORD is given and DOCKER_USERNAME is empty" in outcome.failure.what
    assert outcome.built is None


def test_who_may_push_leaves_nothing_behind(repo: Repo, new_registry: NewRegistry) -> None:
    locked = new_registry(htpasswd={"robot": PASSWORD})
    repo.run(DOCKER_REGISTRY=locked.host, DOCKER_USERNAME="robot", DOCKER_PASSWORD=PASSWORD)
    assert "push    is allowed" in repo.said.getvalue()
    # The engine opens uploads of its own later on; ours is the first one.
    opened = next(one for one in locked.requests() if one.method == "POST" and one.status == 202)
    given_up = [one for one in locked.requests() if one.method == "DELETE"]
    assert opened.path == f"/v2/{IMAGE}/blobs/uploads/"
    assert [one.status for one in given_up] == [204]


def test_a_further_registry_that_refuses_is_told_before_the_build(
    repo: Repo, new_registry: NewRegistry
) -> None:
    locked = new_registry(htpasswd={"robot": PASSWORD})
    outcome = repo.attempt(PUSH_TO=f"{locked.host}/other/copy")
    assert outcome.failure
    assert outcome.built is None
    assert repo.digest("latest") is None


def test_a_further_registry_that_is_away_holds_up_nobody(repo: Repo) -> None:
    def away(seen: Seen) -> Answer | None:
        return Answer(503) if "/other/copy/" in seen.path else None

    with in_front_of(repo.registry.host, away) as front:
        outcome = repo.attempt(PUSH_TO=f"{front.host}/other/copy")
    assert outcome.built
    assert repo.digest("latest") == str(outcome.published and outcome.published.digest)
    assert outcome.failure
    assert f"{front.host}/other/copy did not get the image" in outcome.failure.what


def test_the_first_registry_that_is_away_stops_the_run(repo: Repo) -> None:
    def away(seen: Seen) -> Answer | None:
        return Answer(503) if "/uploads/" in seen.path else None

    with in_front_of(repo.registry.host, away) as front:
        outcome = repo.attempt(DOCKER_REGISTRY=front.host)
    assert outcome.failure
    assert outcome.built is None
    assert f"{front.host} could not be reached" in outcome.failure.what
    assert repo.registry.digest(IMAGE, "latest") is None


def test_what_is_reused_is_not_asked_twice(repo: Repo) -> None:
    repo.run()
    repo.commit()
    before = len(repo.registry.requests())
    assert repo.run().status == "reused"
    assert not [one for one in repo.registry.requests()[before:] if "/uploads/" in one.path]
