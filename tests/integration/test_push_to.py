"""One image in several repositories: one upload for each registry; no failure stops the others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from integration.front import Answer, Seen, in_front_of
from integration.repo import IMAGE, NOON, Repo, lose_a_layer, repo
from lab.registry import RunningRegistry
from r2d_action.errors import PublishFailed

__all__ = ["repo"]

NewRegistry = Callable[..., RunningRegistry]
COPY = "other/copy"


@pytest.fixture
def elsewhere(new_registry: NewRegistry) -> RunningRegistry:
    return new_registry()


def manifests(registry: RunningRegistry, path: str) -> list[str]:
    puts = [one.path for one in registry.requests() if one.method == "PUT"]
    return [p.rpartition("/")[2] for p in puts if p.startswith(f"/v2/{path}/manifests/")]


def test_a_repository_of_the_same_registry_costs_no_upload(repo: Repo) -> None:
    outcome = repo.run(PUSH_TO=f"{repo.registry.host}/{COPY}", ADDITIONAL_TAG="v1")
    assert outcome.published
    digest = str(outcome.published.digest)
    commit = repo.git.head[:12]
    for tag in (commit, "v1", "latest"):
        assert repo.registry.digest(COPY, tag) == digest
    sent = [one for one in repo.registry.requests() if one.digest]
    assert not [one.path for one in sent if COPY in one.path and "mount=" not in one.path]
    # Keys and layers are looked for in the first repository alone.
    assert manifests(repo.registry, COPY) == [commit, "v1", "latest"]


def test_another_registry_gets_the_same_bytes(repo: Repo, elsewhere: RunningRegistry) -> None:
    outcome = repo.run(PUSH_TO=f"{elsewhere.host}/{COPY}")
    assert outcome.published
    assert elsewhere.digest(COPY, "latest") == str(outcome.published.digest)
    assert sum(elsewhere.uploads().values()) >= outcome.published.compressed_size
    [copy] = outcome.copies
    assert copy.published
    assert str(copy.published.reference).startswith(f"{elsewhere.host}/{COPY}:")


def test_an_image_that_is_reused_is_copied_without_an_engine(
    repo: Repo, elsewhere: RunningRegistry
) -> None:
    repo.run()
    nowhere = {"DOCKER_HOST": "unix:///nonexistent"}
    outcome = repo.run("push", NOON, nowhere, PUSH_TO=f"{elsewhere.host}/{COPY}")
    assert outcome.status == "reused"
    assert elsewhere.digest(COPY, "latest") == repo.digest("latest")


def test_a_copy_that_has_the_image_is_asked_for_no_layer(
    repo: Repo, elsewhere: RunningRegistry
) -> None:
    push_to = f"{elsewhere.host}/{COPY} {repo.registry.host}/{COPY}"
    repo.run(PUSH_TO=push_to)
    commit = repo.commit()
    before = [len(one.requests()) for one in (elsewhere, repo.registry)]
    assert repo.run(PUSH_TO=push_to).status == "reused"
    for registry, count in zip((elsewhere, repo.registry), before, strict=True):
        made = [one.path for one in registry.requests()[count:] if COPY in one.path]
        # The first one is the question whether this run may push.
        assert not [path for path in made[1:] if "/blobs/sha256:" in path or "mount=" in path]
        assert registry.digest(COPY, commit) == repo.digest(commit)


def test_a_copy_that_has_lost_a_layer_gets_it_again(repo: Repo, elsewhere: RunningRegistry) -> None:
    push_to = f"{elsewhere.host}/{COPY}"
    first = repo.run(PUSH_TO=push_to)
    lose_a_layer(elsewhere, first)
    commit = repo.commit()
    assert repo.run(PUSH_TO=push_to).status == "reused"
    assert elsewhere.digest(COPY, commit) == repo.digest(commit)


def test_a_refreshed_image_has_its_own_name_everywhere(
    repo: Repo, elsewhere: RunningRegistry
) -> None:
    push_to = f"{elsewhere.host}/{COPY}"
    repo.run(PUSH_TO=push_to)
    outcome = repo.run("schedule", NOON + timedelta(hours=1), PUSH_TO=push_to)
    assert outcome.published
    own = str(outcome.published.reference.tag)
    assert own.endswith("-20260803130000")
    assert elsewhere.digest(COPY, own) == repo.digest(own) == elsewhere.digest(COPY, "latest")


def test_one_that_fails_holds_up_nobody_and_is_completed_later(
    repo: Repo, elsewhere: RunningRegistry, new_registry: NewRegistry
) -> None:
    broken = new_registry()
    failing = [True]

    def fault(seen: Seen) -> Answer | None:
        refused = failing[0] and seen.method == "PUT" and "/manifests/" in seen.path
        return Answer(500, body=b"<html>no</html>") if refused else None

    with in_front_of(broken.host, fault) as front:
        names = f"{front.host}/{COPY} {elsewhere.host}/{COPY}"
        outcome = repo.attempt(PUSH_TO=names)
        assert outcome.published
        assert outcome.failure
        assert outcome.failure.exit_code == PublishFailed.exit_code
        assert f"{front.host}/{COPY} did not get the image" in outcome.failure.what
        assert f"{elsewhere.host}/{COPY}:" in outcome.failure.what
        assert elsewhere.digest(COPY, "latest") == repo.digest("latest")
        failing[0] = False
        sent = (broken.uploads(), elsewhere.uploads(), repo.registry.uploads())
        again = repo.run(PUSH_TO=names)
    assert again.status == "reused"
    assert broken.digest(COPY, "latest") == repo.digest("latest")
    assert sent == (broken.uploads(), elsewhere.uploads(), repo.registry.uploads())


def test_the_first_registry_may_be_the_one_that_fails(
    repo: Repo, elsewhere: RunningRegistry, new_registry: NewRegistry
) -> None:
    broken = new_registry()

    def fault(seen: Seen) -> Answer | None:
        refused = seen.method == "PUT" and "/manifests/" in seen.path
        return Answer(500) if refused else None

    with in_front_of(broken.host, fault) as front:
        outcome = repo.attempt(
            DOCKER_REGISTRY=front.host,
            PUSH_TO=f"{elsewhere.host}/{COPY} {repo.registry.host}/{COPY}",
        )
    assert outcome.failure
    assert outcome.published is None
    assert outcome.failure.what.startswith(f"{front.host}/{IMAGE} did not get the image")
    digests = {elsewhere.digest(COPY, "latest"), repo.registry.digest(COPY, "latest")}
    assert len(digests - {None}) == 1


def test_the_registry_that_has_the_image_may_be_the_one_that_fails(
    repo: Repo, elsewhere: RunningRegistry
) -> None:
    first = repo.run(PUSH_TO=f"{elsewhere.host}/{COPY}")
    commit = repo.commit()

    def fault(seen: Seen) -> Answer | None:
        return Answer(500) if seen.method == "PUT" and "/manifests/" in seen.path else None

    with in_front_of(repo.registry.host, fault) as front:
        outcome = repo.attempt(DOCKER_REGISTRY=front.host, PUSH_TO=f"{elsewhere.host}/{COPY}")
    assert outcome.status == "failed"
    assert outcome.failure
    assert outcome.failure.what.startswith(f"{front.host}/{IMAGE} did not get the image")
    assert first.published
    assert elsewhere.digest(COPY, commit) == str(first.published.digest)


def test_an_older_run_moves_no_copy_back(
    repo: Repo, elsewhere: RunningRegistry, tmp_path: Path
) -> None:
    push_to = f"{elsewhere.host}/{COPY}"
    older = repo.clone(tmp_path / "older")
    newest = repo.commit(data_txt="2")
    repo.run(PUSH_TO=push_to)
    older.run(PUSH_TO=push_to)
    assert elsewhere.digest(COPY, "latest") == elsewhere.digest(COPY, newest)
    assert elsewhere.digest(COPY, older.git.head[:12]) not in (
        None,
        elsewhere.digest(COPY, newest),
    )


def test_the_password_of_the_inputs_is_for_the_first_registry_only(
    repo: Repo, new_registry: NewRegistry
) -> None:
    locked = new_registry(htpasswd={"robot": "correct-horse-battery"})
    outcome = repo.attempt(
        PUSH_TO=f"{locked.host}/{COPY}",
        DOCKER_USERNAME="robot",
        DOCKER_PASSWORD="correct-horse-battery",
    )
    assert outcome.failure
    assert f"{locked.host}" in outcome.failure.what
