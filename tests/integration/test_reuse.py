"""Nothing is built twice: a second run finds the image by its key and moves tags only."""

from __future__ import annotations

import json
import secrets
from datetime import timedelta
from pathlib import Path

import docker
import pytest

from integration.conftest import Lab, forget_images
from integration.front import Answer, Seen, in_front_of
from integration.repo import IMAGE, NOON, Repo, repo
from lab.registry import Request, RunningRegistry
from r2d_action.outcome import Outcome
from r2d_action.packages.sizes import sizes_until
from r2d_action.report.summary import summary

__all__ = ["repo"]


def made_since(registry: RunningRegistry, before: list[Request]) -> list[Request]:
    return registry.requests()[len(before) :]


def test_a_commit_that_changes_nothing_is_not_built(repo: Repo) -> None:
    first = repo.run()
    commit = repo.commit()
    uploads, before = repo.registry.uploads(), repo.registry.requests()
    # No engine is needed: there is none at this address.
    second = repo.run("push", NOON, {"DOCKER_HOST": "unix:///nonexistent"})
    assert len(made_since(repo.registry, before)) <= 10
    assert (first.status, second.status) == ("built", "reused")
    assert first.published
    assert repo.digest(commit) == repo.digest("latest") == str(first.published.digest)
    assert second.reused
    assert second.reused.commit.startswith(str(first.published.reference.tag))
    assert repo.registry.uploads() == uploads


def test_sizes_travel_with_the_images(repo: Repo, engine: docker.DockerClient) -> None:
    # Where the layers of its base image are already.
    here = {"DOCKER_REGISTRY": repo.lab.registry, "IMAGE_NAME": f"lab/sizes-{secrets.token_hex(4)}"}
    commits = []
    for data in ("1", "2", "3"):
        dockerfile = f"FROM {repo.lab.plain_image}\nCOPY data.txt /data.txt\n"
        commits.append(repo.commit(Dockerfile=dockerfile, data_txt=data))
        outcome = repo.run(**here)
    assert [one.tag for one in sizes_until(outcome)] == commits
    assert "Size of the last 3 images" in summary(outcome)
    repo.commit()
    again = repo.run(**here)
    assert again.status == "reused"
    assert "Size of the last" not in summary(again)
    forget_images(engine, here["IMAGE_NAME"])


def test_another_file_is_another_image(repo: Repo) -> None:
    first = repo.run()
    repo.commit(data_txt="2")
    second = repo.run()
    assert second.status == "built"
    assert first.key
    assert second.key
    assert first.key.value != second.key.value


def test_a_base_image_that_moved_is_another_image(repo: Repo, engine: docker.DockerClient) -> None:
    repo.run()
    repo.commit()
    base = f"{repo.registry.host}/org/base"
    other = engine.api.import_image_from_data(b"\0" * 10240, f"{base}", "1")
    assert json.loads(other.splitlines()[-1])["status"]
    engine.images.push(base, "1")
    assert repo.run().status == "built"


@pytest.mark.parametrize("event", ["workflow_dispatch", "schedule"])
def test_a_refresh_runs_every_step_again(
    repo: Repo, engine: docker.DockerClient, event: str
) -> None:
    step = "RUN head -c 8 /dev/urandom > /tmp/packages-of-today"
    repo.commit(Dockerfile=f"FROM {repo.lab.plain_image}\n{step}\n")

    def last_layer(outcome: Outcome) -> str:
        assert outcome.built
        image = engine.images.get(str(outcome.built.image_id))
        return str(image.attrs["RootFS"]["Layers"][-1])

    first = last_layer(repo.run())
    assert first != last_layer(repo.run(event, NOON + timedelta(hours=1)))


@pytest.mark.parametrize("event", ["workflow_dispatch", "schedule"])
def test_a_refresh_builds_and_names_its_image_anew(repo: Repo, event: str) -> None:
    first = repo.run()
    assert first.plan
    commit = str(first.plan.commit_reference.tag)
    second = repo.run(event, NOON + timedelta(hours=1))
    assert second.status == "built"
    assert second.published
    own = str(second.published.reference.tag)
    assert own == f"{commit}-20260803130000"
    assert repo.digest(own) == repo.digest("latest") != repo.digest(commit)
    # And what it made is what later pushes find.
    assert repo.run().status == "reused"


def test_reuse_may_be_turned_off_without_a_trace(repo: Repo) -> None:
    repo.run(REUSE="false", CACHE="false")
    puts = [r.path for r in repo.registry.requests() if r.method == "PUT"]
    tags = {path.rpartition("/")[2] for path in puts if f"{IMAGE}/manifests/" in path}
    assert tags == {repo.git.head[:12], "latest"}
    assert repo.run(REUSE="true").status == "built"


def test_an_unpushed_run_gets_the_image_into_the_engine(
    repo: Repo, engine: docker.DockerClient
) -> None:
    repo.run()
    commit = repo.commit()
    outcome = repo.run(NO_PUSH="true", ADDITIONAL_TAG="v1")
    assert outcome.status == "reused"
    ours = f"{repo.registry.host}/{IMAGE}"
    tags = engine.images.get(f"{ours}:{commit}").tags
    assert {f"{ours}:{tag}" for tag in (commit, "v1", "latest")} <= set(tags)
    assert repo.digest(commit) is None


def test_what_the_engine_cannot_pull_is_built(repo: Repo, engine: docker.DockerClient) -> None:
    repo.run()
    commit = repo.commit()

    def lost(seen: Seen) -> Answer | None:
        # The engine alone asks by digest.
        return Answer(404) if "/manifests/sha256:" in seen.path else None

    with in_front_of(repo.registry.host, lost) as front:
        outcome = repo.run(NO_PUSH="true", DOCKER_REGISTRY=front.host)
        assert outcome.status == "built"
        assert "cannot be pulled, so the image is built" in repo.said.getvalue()
        assert engine.images.get(f"{front.host}/{IMAGE}:{commit}")
        forget_images(engine, f"{front.host}/")


def test_what_the_key_finds_may_be_broken(repo: Repo) -> None:
    first = repo.run()
    assert first.published
    for blob in repo.registry.log.parent.glob(f"**/{first.published.digest.value[7:]}/data"):
        blob.write_bytes(b"{}")
    repo.commit()
    assert repo.run().status == "built"
    assert repo.run().status == "reused"


def test_an_older_run_moves_nothing_back(repo: Repo, tmp_path: Path) -> None:
    older = repo.clone(tmp_path / "older")
    newest = repo.commit(data_txt="2")
    repo.run()
    outcome = older.run()
    assert outcome.published
    assert [str(tag) for tag in outcome.published.tags] == [older.git.head[:12]]
    assert repo.digest("latest") == repo.digest(newest) != repo.digest(older.git.head[:12])


def test_an_older_run_does_not_undo_a_revert(repo: Repo, tmp_path: Path) -> None:
    repo.run()
    repo.commit(data_txt="2")
    older = repo.clone(tmp_path / "older")
    reverted = repo.commit(data_txt="1")
    assert repo.run().status == "reused"
    older.run()
    assert repo.digest("latest") == repo.digest(reverted) != repo.digest(older.git.head[:12])


@pytest.mark.parametrize("part", ["/manifests/latest", "/manifests/r2d-key-"])
def test_two_runs_at_once_end_with_the_newer_commit(repo: Repo, tmp_path: Path, part: str) -> None:
    older = repo.clone(tmp_path / "older")
    newest = repo.commit(data_txt="2")
    started: list[Seen] = []

    def newer_comes_between(seen: Seen) -> Answer | None:
        if seen.method == "PUT" and part in seen.path and not started:
            started.append(seen)
            repo.run()
        return None

    with in_front_of(repo.registry.host, newer_comes_between) as front:
        outcome = older.run(DOCKER_REGISTRY=front.host)
    assert started
    assert outcome.published
    assert repo.digest("latest") == repo.digest(newest) != str(outcome.published.digest)
    assert [str(tag) for tag in outcome.published.tags] == [older.git.head[:12]]
    # A key names one content for good, whoever came in between.
    assert outcome.key
    assert repo.digest(f"r2d-key-{outcome.key.value}") == str(outcome.published.digest)


def test_newer_commits_that_nobody_published_do_not_count(repo: Repo, tmp_path: Path) -> None:
    older = repo.clone(tmp_path / "older")
    repo.commit(data_txt="2")
    older.run()
    assert repo.digest("latest") == repo.digest(older.git.head[:12])


def test_without_a_remote_the_times_of_the_images_decide(repo: Repo, tmp_path: Path) -> None:
    older = repo.clone(tmp_path / "older")
    older.git.run("remote", "remove", "origin")
    newest = repo.commit(data_txt="2")
    repo.run("push", NOON + timedelta(minutes=5))
    older.run()
    assert repo.digest("latest") == repo.digest(newest)


def test_layers_of_the_branch_serve_again(repo: Repo, lab: Lab) -> None:
    (repo.checkout / "Dockerfile").write_text(
        f"FROM {lab.plain_image}\nRUN id > /tmp/id\nCOPY data.txt /data.txt\n"
    )
    repo.commit()
    repo.run()
    repo.commit(data_txt="2")
    repo.run()
    assert f"importing cache manifest from {repo.registry.host}/{IMAGE}:r2d-cache-main" in (
        repo.said.getvalue()
    )


def test_an_image_on_an_older_base_of_this_engine_is_nobody_elses(
    repo: Repo, engine: docker.DockerClient
) -> None:
    base = f"{repo.registry.host}/org/base"
    older = engine.images.get(f"{base}:1")
    engine.api.import_image_from_data(b"\0" * 10240, base, "1")
    engine.images.push(base, "1")
    older.tag(base, "1")
    first = repo.run()
    assert first.key
    assert (first.status, first.key.value) == ("built", "")
    assert f"docker pull {base}:1" in repo.said.getvalue()
    engine.images.pull(base, "1")
    repo.commit()
    second = repo.run()
    assert second.key
    assert (second.status, second.key.value != "") == ("built", True)


def test_an_image_that_was_let_through_with_a_warning_is_no_checked_one(repo: Repo) -> None:
    repo.run(HUB_START_CHECK="auto", CHECK_TIMEOUT="1s")
    repo.commit()
    assert repo.run(HUB_START_CHECK="false").status == "reused"
    repo.commit()
    outcome = repo.attempt(HUB_START_CHECK="true", CHECK_TIMEOUT="1s")
    assert outcome.failure
    assert "would not start on a hub" in outcome.failure.what


def test_another_platform_is_another_image(repo: Repo) -> None:
    repo.run()
    repo.commit()
    outcome = repo.attempt("push", NOON, {"DOCKER_DEFAULT_PLATFORM": "linux/s390x"})
    assert outcome.reused is None


def test_a_base_image_has_one_pin_however_it_is_spelled(repo: Repo) -> None:
    base = f"{repo.registry.host}/org/base"
    digest = repo.registry.digest("org/base", "1")
    repo.commit(Dockerfile=f"FROM {base}:latest\nCOPY data.txt /data.txt\n")
    outcome = repo.run(BASE_IMAGES=f"{base}={base}@{digest}")
    assert outcome.key
    assert outcome.key.material
    assert outcome.key.material.bases == ((f"{base}:latest", digest),)
