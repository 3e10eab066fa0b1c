"""Nothing is built twice: a second run finds the image by its key and moves tags only."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import docker
import pytest
import requests

from integration.conftest import forget_images, names_of
from integration.front import Answer, Fault, Seen, in_front_of
from integration.git_server import git_server
from integration.repo import IMAGE, NOON, Repo, lose_a_layer, repo
from lab.registry import Request, RunningRegistry
from r2d_action.git import Git
from r2d_action.order import LOOK_BACK
from r2d_action.outcome import Outcome
from r2d_action.packages.sizes import sizes_until
from r2d_action.reference import Registry, Repository
from r2d_action.registry.client import Client
from r2d_action.registry.login import Login
from r2d_action.report.summary import summary
from r2d_action.retry import Retry
from r2d_action.walk import PLAN, RUN, walk

__all__ = ["repo"]


LATER = NOON + timedelta(hours=1)
NOWHERE = {"DOCKER_HOST": "unix:///nonexistent"}
NO_RETRY = Retry(lambda _seconds: None, lambda _line: None, tries=1)


def run_for(
    repo: Repo, event: Mapping[str, Any], env: Mapping[str, str] | None = None, **inputs: str
) -> Outcome:
    """As a push to the branch, but for ``event``."""
    site = repo.site("push", LATER, env or {}, inputs)
    return walk(RUN, replace(site, event=replace(site.event, **event)))


def run_for_tag(
    repo: Repo, env: Mapping[str, str] | None = None, /, name: str = "v1", **inputs: str
) -> Outcome:
    return run_for(repo, {"ref": f"refs/tags/{name}"}, env, TAGS="{git_tag}", **inputs)


def whole_clone(repo: Repo, folder: Path) -> Repo:
    clone = repo.clone(folder)
    clone.git.run("fetch", "-q", "--unshallow")
    return clone


def tags_of(outcome: Outcome) -> list[str]:
    assert outcome.published, outcome.failure
    return [str(tag) for tag in outcome.published.tags]


def made_since(registry: RunningRegistry, before: list[Request]) -> list[Request]:
    return registry.requests()[len(before) :]


def test_a_commit_that_changes_nothing_is_not_built(repo: Repo) -> None:
    first = repo.run()
    commit = repo.commit()
    uploads, before = repo.registry.uploads(), repo.registry.requests()
    # No engine is needed: there is none at this address.
    second = repo.run("push", NOON, NOWHERE)
    assert len(made_since(repo.registry, before)) == 8
    assert (first.status, second.status) == ("built", "reused")
    assert first.published
    assert repo.digest(commit) == repo.digest("latest") == str(first.published.digest)
    assert second.reused
    assert second.reused.commit.startswith(str(first.published.reference.tag))
    assert repo.registry.uploads() == uploads


def test_two_base_images_and_a_further_tag_cost_a_request_each(
    repo: Repo, engine: docker.DockerClient, small_image: str
) -> None:
    base = f"{repo.registry.host}/org/base"
    engine.images.get(small_image).tag(base, "2")
    engine.images.push(base, "2")
    dockerfile = f"FROM {base}:1 AS one\nFROM {base}:2\nCOPY data.txt /data.txt\n"
    repo.commit(Dockerfile=dockerfile)
    repo.run(TAGS="spring")
    repo.commit()
    before = repo.registry.requests()
    assert tags_of(repo.run(TAGS="spring"))[1:] == ["spring", "latest"]
    assert len(made_since(repo.registry, before)) == 10


def test_an_image_of_another_branch_costs_no_more_than_ten_requests(repo: Repo) -> None:
    repo.run()
    repo.commit(data_txt="2")
    repo.run()
    commit = repo.commit(data_txt="1")
    before = repo.registry.requests()
    assert tags_of(repo.run()) == [commit, "latest"]
    assert len(made_since(repo.registry, before)) == 10


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


def test_a_push_that_is_run_again_leaves_its_commit_to_the_image_that_has_it(repo: Repo) -> None:
    first = repo.run()
    assert first.published
    commit = repo.git.head[:12]
    rebuilt = repo.run("workflow_dispatch", LATER)
    assert rebuilt.published
    again = repo.run("push", LATER + timedelta(hours=1))
    assert again.published
    assert again.status == "reused"
    assert again.published.reference == rebuilt.published.reference
    assert tags_of(again) == [f"{commit}-20260803130000", "latest"]
    assert repo.digest(commit) == str(first.published.digest)
    assert repo.digest("latest") == str(rebuilt.published.digest)


def test_a_push_that_is_run_again_does_not_undo_a_rebuild(repo: Repo) -> None:
    repo.run()
    commit = repo.git.head[:12]
    # So that the key goes on naming the first image, as where tags of the kind cannot be moved.
    rebuilt = repo.run("workflow_dispatch", LATER, REUSE="false")
    assert rebuilt.published
    again = repo.run("push", LATER + timedelta(hours=1))
    assert (again.status, tags_of(again)) == ("reused", [commit])
    for tag in ("latest", "r2d-cache-main"):
        assert repo.digest(tag) == str(rebuilt.published.digest) != repo.digest(commit)


def test_a_rebuild_is_found_even_if_a_push_of_its_commit_ends_later(repo: Repo) -> None:
    commit = repo.git.head[:12]
    started: list[Seen] = []

    def rebuild_comes_between(seen: Seen) -> Answer | None:
        if seen.method == "PUT" and "/manifests/latest" in seen.path and not started:
            started.append(seen)
            repo.run("schedule", LATER)
        return None

    with in_front_of(repo.registry.host, rebuild_comes_between) as front:
        outcome = repo.run(DOCKER_REGISTRY=front.host)
    assert outcome.key
    rebuilt = repo.digest(f"{commit}-20260803130000")
    assert tags_of(outcome) == [commit]
    assert None is not rebuilt != repo.digest(commit)
    assert repo.digest("latest") == rebuilt == repo.digest(f"r2d-key-{outcome.key.value}")


def test_of_two_rebuilds_at_once_the_later_one_is_found(repo: Repo) -> None:
    repo.run()
    commit = repo.git.head[:12]
    started: list[Seen] = []

    def another_comes_between(seen: Seen) -> Answer | None:
        if seen.method == "PUT" and f"/manifests/{commit}-" in seen.path and not started:
            started.append(seen)
            repo.run("workflow_dispatch", LATER + timedelta(hours=1))
        return None

    with in_front_of(repo.registry.host, another_comes_between) as front:
        outcome = repo.run("schedule", LATER, DOCKER_REGISTRY=front.host)
    assert outcome.key
    assert tags_of(outcome) == [f"{commit}-20260803130000"]
    later = repo.digest(f"{commit}-20260803140000")
    assert None is not later == repo.digest("latest")
    assert later == repo.digest(f"r2d-key-{outcome.key.value}")


def once(method: str, part: str, do: Callable[[], object]) -> Fault:
    """``do`` comes before the first request of a kind."""
    done: list[Seen] = []

    def fault(seen: Seen) -> None:
        if seen.method == method and part in seen.path and not done:
            done.append(seen)
            do()

    return fault


@pytest.mark.parametrize(
    ("method", "part"),
    [
        # While the image is built; while it is pushed.
        ("GET", "/manifests/r2d-cache-main"),
        ("PUT", "/manifests/r2d-key-"),
    ],
)
def test_what_another_run_made_of_the_same_commit_is_taken(
    repo: Repo, engine: docker.DockerClient, tmp_path: Path, method: str, part: str
) -> None:
    quicker = repo.clone(tmp_path / "quicker")
    commit = repo.git.head[:12]
    handed_on: list[Outcome] = []

    def another() -> None:
        handed_on.append(quicker.run("push", NOON + timedelta(minutes=1)))

    with in_front_of(repo.registry.host, once(method, part, another)) as front:
        slower = repo.run(DOCKER_REGISTRY=front.host)
    [first] = handed_on
    assert first.published
    assert slower.published
    assert slower.key
    assert slower.published.digest == first.published.digest
    assert tags_of(slower) == tags_of(first) == [commit, "latest"]
    for tag in (commit, "latest", "r2d-cache-main", f"r2d-key-{slower.key.value}"):
        assert repo.digest(tag) == str(first.published.digest), tag
    # Later steps look for what is handed on in the engine, and for nothing else.
    tags = names_of(engine, f"{front.host}/{IMAGE}:")
    assert tags == {f"{front.host}/{IMAGE}:{tag}" for tag in (commit, "latest")}
    forget_images(engine, f"{front.host}/")


def test_a_commit_stays_with_the_run_that_was_quicker(
    repo: Repo, engine: docker.DockerClient, tmp_path: Path
) -> None:
    quicker = repo.clone(tmp_path / "quicker")
    (quicker.checkout / "data.txt").write_text("written by an earlier step")
    commit = repo.git.head[:12]
    handed_on: list[Outcome] = []

    def another() -> None:
        handed_on.append(quicker.run("push", NOON + timedelta(minutes=1)))

    with in_front_of(repo.registry.host, once("PUT", "/manifests/", another)) as front:
        slower = repo.run(DOCKER_REGISTRY=front.host)
    [first] = handed_on
    assert first.published
    assert str(first.published.reference.tag) == commit
    own = f"{commit}-20260803120000"
    assert tags_of(slower) == [own]
    for tag in (commit, "latest"):
        assert repo.digest(tag) == str(first.published.digest)
    # Later steps look for what is handed on in the engine, and for nothing else.
    tags = names_of(engine, f"{front.host}/{IMAGE}:")
    assert tags == {f"{front.host}/{IMAGE}:{tag}" for tag in (commit, own, "latest")}
    forget_images(engine, f"{front.host}/")


@pytest.mark.parametrize("files", ["1", "2"])
def test_two_runs_that_name_their_image_at_the_same_moment(
    repo: Repo, engine: docker.DockerClient, tmp_path: Path, files: str
) -> None:
    other = repo.clone(tmp_path / "other")
    (other.checkout / "data.txt").write_text(files)
    commit = repo.git.head[:12]
    theirs: list[Outcome] = []

    def nothing_yet(seen: Seen) -> Answer | None:
        asked = any(part in seen.path for part in (f"/manifests/{commit}", "/manifests/r2d-key-"))
        first = not theirs and seen.method in {"GET", "HEAD"} and asked
        return Answer(404) if first and not put else None

    put: list[Seen] = []

    def blind(seen: Seen) -> Answer | None:
        if seen.method == "PUT" and f"/manifests/{commit}" in seen.path:
            put.append(seen)
        return nothing_yet(seen)

    def another() -> None:
        with in_front_of(repo.registry.host, blind) as front:
            at = NOON + timedelta(minutes=1)
            theirs.append(other.run("push", at, DOCKER_REGISTRY=front.host))
            forget_images(engine, f"{front.host}/")

    # Ours has the commit's tag by then, of which the other run does not know.
    with in_front_of(repo.registry.host, once("PUT", "/manifests/latest", another)) as front:
        ours = repo.run(DOCKER_REGISTRY=front.host)
    forget_images(engine, f"{front.host}/")
    assert theirs[0].published
    assert ours.published
    assert tags_of(theirs[0]) == [commit, "latest"]
    for tag in (commit, "latest"):
        assert repo.digest(tag) == str(theirs[0].published.digest)
    if files != "1":
        assert tags_of(ours) == [f"{commit}-20260803120000"]
        assert repo.digest(f"{commit}-20260803120000") == str(ours.published.digest)
    else:
        assert tags_of(ours) == [commit, "latest"]
        assert ours.published.digest == theirs[0].published.digest


def test_a_tag_that_an_older_run_took_for_a_moment_comes_back(repo: Repo) -> None:
    client = Client(requests.Session(), Registry(repo.registry.host), Login.of(None), NO_RETRY)
    ours = Repository.parse(f"{repo.registry.host}/{IMAGE}")
    repo.run()
    older = client.manifest(ours, repo.git.head[:12])
    assert older
    commit = repo.commit(data_txt="2")
    put: list[Seen] = []

    def taken(seen: Seen) -> None:
        if "/manifests/latest" in seen.path and seen.method == "PUT":
            put.append(seen)
        elif "/manifests/latest" in seen.path and len(put) == 1:
            put.append(seen)
            client.put_manifest(ours, "latest", older)

    with in_front_of(repo.registry.host, taken) as front:
        assert tags_of(repo.run(DOCKER_REGISTRY=front.host)) == [commit, "latest"]
    assert len(put) == 3
    assert repo.digest("latest") == repo.digest(commit) != str(older.digest)


@pytest.mark.parametrize("status", [409, 429, 500])
@pytest.mark.parametrize("part", ["r2d-key-", "r2d-cache-"])
def test_tags_that_nobody_needs_may_be_refused(
    repo: Repo, engine: docker.DockerClient, part: str, status: int
) -> None:
    def refused(seen: Seen) -> Answer | None:
        if seen.method != "PUT" or part not in seen.path:
            return None
        return Answer(status, body=b'{"errors":[{"code":"TAG_INVALID","message":"not this one"}]}')

    with in_front_of(repo.registry.host, refused) as front:
        outcome = repo.run(DOCKER_REGISTRY=front.host)
    forget_images(engine, f"{front.host}/")
    assert outcome.published
    commit = repo.git.head[:12]
    assert tags_of(outcome) == [commit, "latest"]
    assert repo.digest(commit) == repo.digest("latest") == str(outcome.published.digest)
    lines = [one for one in repo.said.getvalue().splitlines() if "stays as it is" in one]
    assert [part in line for line in lines] == [True]


def test_a_refused_push_is_told_of_under_the_name_that_is_known(
    repo: Repo, engine: docker.DockerClient
) -> None:
    def refused(seen: Seen) -> Answer | None:
        page = Answer(500, body=b"<html>no</html>")
        return page if seen.method == "PUT" and "/manifests/" in seen.path else None

    with in_front_of(repo.registry.host, refused) as front:
        outcome = repo.attempt(DOCKER_REGISTRY=front.host)
    forget_images(engine, f"{front.host}/")
    assert outcome.failure
    assert f"{front.host}/{IMAGE}:{repo.git.head[:12]} was not pushed" in outcome.failure.what


def test_a_git_tag_takes_the_image_of_its_commit(repo: Repo, engine: docker.DockerClient) -> None:
    first = repo.run(HUB_START_CHECK="auto", CHECK_TIMEOUT="1s")
    assert first.published
    base = f"{repo.registry.host}/org/base"
    engine.api.import_image_from_data(b"\0" * 10240, base, "1")
    engine.images.push(base, "1")
    named = run_for_tag(repo, NOWHERE)
    assert named.status == "reused"
    assert repo.digest("v1") == str(first.published.digest)


def test_a_git_tag_takes_no_image_that_passed_less_than_is_asked(repo: Repo) -> None:
    repo.run(HUB_START_CHECK="auto", CHECK_TIMEOUT="1s")
    outcome = run_for_tag(repo, HUB_START_CHECK="true", CHECK_TIMEOUT="1s")
    assert outcome.failure
    assert "would not start on a hub" in outcome.failure.what
    assert repo.digest("v1") is None
    assert "does not say that it has passed the same checks" in repo.said.getvalue()


def test_a_git_tag_takes_no_image_that_was_built_with_other_inputs(repo: Repo) -> None:
    first = repo.run()
    outcome = run_for_tag(repo, NOTEBOOK_USER="ana")
    assert outcome.status == "built"
    assert first.published
    assert None is not repo.digest("v1") != str(first.published.digest)
    assert "does not say that it was built with the same inputs" in repo.said.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "has_key"),
    [
        ("repo2docker_config.py", b"# coding: latin-1\n# \xfcber\n", True),
        ("repo2docker_config.py", b"# \xfcber\n", False),
        ("repo2docker_config.json", b"{}", False),
    ],
)
def test_settings_that_cannot_be_looked_at_take_the_key_away(
    repo: Repo, name: str, content: bytes, *, has_key: bool
) -> None:
    (repo.checkout / name).write_bytes(content)
    keyed = walk(PLAN, repo.site("push", NOON, {}, {})).key
    assert keyed
    assert bool(keyed.value) is has_key


def test_a_git_tag_on_an_old_commit_moves_nothing_back(repo: Repo, tmp_path: Path) -> None:
    repo.run()
    old = repo.clone(tmp_path / "old")
    newest = repo.commit(data_txt="2")
    repo.run()
    assert tags_of(run_for_tag(old)) == [old.git.head[:12], "v1"]
    assert repo.digest("v1") == repo.digest(old.git.head[:12])
    for tag in ("latest", "r2d-cache-main"):
        assert repo.digest(tag) == repo.digest(newest)


def test_a_git_tag_without_a_remote_moves_nothing_back(repo: Repo, tmp_path: Path) -> None:
    repo.run()
    old = repo.clone(tmp_path / "old")
    newest = repo.commit(data_txt="2")
    repo.run("push", NOON + timedelta(minutes=5))
    old.git.run("remote", "remove", "origin")
    assert tags_of(run_for_tag(old)) == [old.git.head[:12], "v1"]
    assert repo.digest("latest") == repo.digest(newest)


def test_a_git_tag_that_was_moved_takes_its_name_along(repo: Repo, tmp_path: Path) -> None:
    older = repo.clone(tmp_path / "older")
    for commit in (older.git.head, repo.commit(data_txt="2")):
        repo.git.run("push", "-qf", "origin", f"{commit}:refs/tags/v1")
        run_for_tag(older if commit == older.git.head else repo)
        assert None is not repo.digest("v1") == repo.digest(commit[:12])
    moved = repo.digest("v1")
    # A run of the tag's first commit that is started again.
    assert tags_of(run_for_tag(older)) == [older.git.head[:12]]
    assert repo.digest("v1") == moved
    # Annotated, a tag is an object of its own.
    newest = repo.commit(data_txt="3")
    repo.git.run("-c", "user.name=A", "-c", "user.email=a@b", "tag", "-am", "x", "v1")
    repo.git.run("push", "-qf", "origin", "v1")
    assert tags_of(run_for_tag(repo)) == [newest, "v1", "latest"]


def test_a_git_tag_takes_no_image_that_was_made_of_other_files(repo: Repo) -> None:
    pushed = repo.run()
    # As a step before the build does it: `echo "$GITHUB_REF_NAME" > data.txt`
    (repo.checkout / "data.txt").write_text("v1")
    tagged = run_for_tag(repo)
    assert (tagged.status, tags_of(tagged)[0]) == ("built", f"{tags_of(pushed)[0]}-20260803130000")
    assert "same files" in repo.said.getvalue()


def test_a_git_tag_stays_with_the_rebuilt_image(repo: Repo) -> None:
    first = run_for_tag(repo)
    site = repo.site("workflow_dispatch", LATER + timedelta(hours=1), {}, {"TAGS": "{git_tag}"})
    rebuilt = walk(RUN, replace(site, event=replace(site.event, ref="refs/tags/v1")))
    assert tags_of(rebuilt)[1] == "v1"
    again = run_for_tag(repo)
    assert (again.status, tags_of(again)[0]) == ("reused", tags_of(first)[0])
    assert rebuilt.published
    assert repo.digest("v1") == str(rebuilt.published.digest) != repo.digest(tags_of(first)[0])


def run_of_matrix(repo: Repo, job: str, at: datetime) -> Outcome:
    arguments = {"REPO2DOCKER_EXTRA_ARGS": f"--build-arg JOB={job}"}
    return repo.run("push", at, ADDITIONAL_TAG=job, LATEST_TAG_OFF="true", **arguments)


def test_jobs_of_a_matrix_hold_up_no_tags_of_each_other(repo: Repo) -> None:
    run_of_matrix(repo, "b", NOON)
    repo.commit(data_txt="2")
    run_of_matrix(repo, "a", LATER)  # the last one to start, and the first one to end
    outcome = run_of_matrix(repo, "b", NOON + timedelta(minutes=59))
    assert tags_of(outcome)[1:] == ["b"]


def test_jobs_of_a_matrix_that_start_together_take_no_names_of_each_other(repo: Repo) -> None:
    made = [run_of_matrix(repo, job, NOON).published for job in "abc"]
    digests = [str(one.digest) for one in made if one]
    assert [repo.digest(str(one.tags[0])) for one in made if one] == digests
    assert len({*digests}) == len(made)


def test_jobs_of_a_matrix_take_no_images_of_each_other(repo: Repo, tmp_path: Path) -> None:
    text = (repo.checkout / "Dockerfile").read_text()
    repo.commit(Dockerfile=f"{text}ARG JOB\nENV JOB=$JOB\n", _dockerignore="notes.txt\n")
    ours = [run_of_matrix(repo, job, NOON) for job in "ab"][1].published
    repo.commit(notes_txt="1")
    slow = repo.clone(tmp_path / "slow")
    repo.commit(notes_txt="2")
    for one in (slow, repo):
        run_of_matrix(one, "a", LATER)
    run_of_matrix(slow, "b", LATER)
    assert ours
    assert repo.digest("b") == str(ours.digest)


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


def test_an_image_of_which_a_part_is_lost_is_built_anew(repo: Repo) -> None:
    first = repo.run()
    lose_a_layer(repo.registry, first)
    commit = repo.commit()
    outcome = repo.run("push", LATER)
    assert first.published
    assert outcome.published
    assert outcome.status == "built"
    assert tags_of(outcome) == [commit, "latest"]
    assert repo.digest(commit) == str(outcome.published.digest) != str(first.published.digest)
    assert "has lost a part" in repo.said.getvalue()
    repo.commit()
    assert repo.run().status == "reused"


def test_what_was_pushed_away_by_force_moves_nothing(repo: Repo, tmp_path: Path) -> None:
    repo.run()
    kept = repo.git.head
    dropped = repo.commit(data_txt="2")
    slow = whole_clone(repo, tmp_path / "slow")
    repo.git.run("push", "-qf", "origin", f"{kept}:main")
    outcome = run_for(slow, {"sha": slow.git.head})
    assert tags_of(outcome) == [dropped]
    assert repo.digest("latest") == repo.digest(kept[:12]) != repo.digest(dropped)


def test_a_commit_that_an_earlier_step_made_is_ahead(repo: Repo, tmp_path: Path) -> None:
    repo.run()
    ahead = whole_clone(repo, tmp_path / "ahead")
    pushed = ahead.git.head
    ahead.git.run("remote", "set-url", "--push", "origin", str(tmp_path / "nowhere.git"))
    Git(tmp_path, repo.lab.env).run("init", "-q", "--bare", "nowhere.git")
    made = ahead.commit(data_txt="2")
    assert tags_of(run_for(ahead, {"sha": pushed})) == [made, "latest"]


@pytest.mark.parametrize("how", [("--detach",), ("-b", "nightly")])
def test_another_branch_that_a_step_checked_out_is_not_held_up(
    repo: Repo, tmp_path: Path, how: tuple[str, ...]
) -> None:
    nightly = whole_clone(repo, tmp_path / "nightly")

    def run(**event: str) -> Outcome:
        return run_for(nightly, event, ADDITIONAL_TAG="nightly", LATEST_TAG_OFF="true")

    run(sha=nightly.git.head)
    repo.commit(data_txt="2")
    repo.run()
    nightly.git.run("checkout", "-q", *how)
    (nightly.checkout / "data.txt").write_text("3")
    author = ("-c", "user.name=A", "-c", "user.email=a@b")
    nightly.git.run(*author, "commit", "-qam", "of another branch")
    nightly.git.run("push", "-q", "origin", "HEAD:refs/heads/nightly")
    assert tags_of(run(name="schedule", sha=repo.git.head))[1:] == ["nightly"]


def test_an_old_commit_that_a_step_checked_out_takes_no_tags(repo: Repo, tmp_path: Path) -> None:
    # As for `workflow_run`, with `ref: ${{ github.event.workflow_run.head_sha }}`.
    older = repo.clone(tmp_path / "older")
    older.git.run("checkout", "-q", "--detach")
    newest = repo.commit(data_txt="2")
    repo.run()
    outcome = run_for(older, {"name": "workflow_run", "sha": repo.git.head})
    assert tags_of(outcome) == [older.git.head[:12]]
    assert repo.digest("latest") == repo.digest(newest)


def test_a_commit_that_a_step_made_of_an_old_one_takes_no_tags(repo: Repo, tmp_path: Path) -> None:
    older = repo.clone(tmp_path / "older")
    started_from = older.git.head
    newest = repo.commit(data_txt="2")
    repo.run()
    (older.checkout / "data.txt").write_text("3")
    author = ("-c", "user.name=A", "-c", "user.email=a@b")
    older.git.run(*author, "commit", "-qam", "of an earlier step")
    assert tags_of(run_for(older, {"sha": started_from})) == [older.git.head[:12]]
    assert repo.digest("latest") == repo.digest(newest)


def test_more_commits_without_an_image_than_are_asked_for(repo: Repo, tmp_path: Path) -> None:
    repo.run()
    older = repo.clone(tmp_path / "older")
    newest = repo.commit(data_txt="2")
    repo.run()
    for _ in range(LOOK_BACK):
        repo.commit()
    assert tags_of(run_for(older, {"sha": older.git.head})) == [older.git.head[:12]]
    assert repo.digest("latest") == repo.digest(newest)


def test_what_names_a_commit_is_never_another_ones_image(repo: Repo, tmp_path: Path) -> None:
    older = repo.clone(tmp_path / "older")
    started: list[Seen] = []
    repo.commit(data_txt="2")

    def newer_comes_between(seen: Seen) -> Answer | None:
        if seen.method == "PUT" and "/manifests/latest" in seen.path and not started:
            started.append(seen)
            repo.run()
        return None

    with in_front_of(repo.registry.host, newer_comes_between) as front:
        older.run(DOCKER_REGISTRY=front.host, TAGS="{commit}-x")
    commit = older.git.head[:12]
    assert repo.digest(f"{commit}-x") == repo.digest(commit) != repo.digest("latest")


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


TOKEN = "ghs_of-this-job-alone"
SHOWN = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()


def test_a_private_repository_is_asked_with_the_token_of_the_job(
    repo: Repo, tmp_path: Path
) -> None:
    repo.run()
    repo.commit(data_txt="2")
    older = repo.clone(tmp_path / "older")
    reverted = repo.commit(data_txt="1")
    assert repo.run().status == "reused"
    with git_server(tmp_path, f"Basic {SHOWN}") as server:
        older.git.run("remote", "set-url", "origin", f"{server.url}/origin.git")
        outcome = run_for(older, {"server_url": server.url}, GITHUB_TOKEN=TOKEN)
    assert tags_of(outcome) == [older.git.head[:12]]
    assert repo.digest("latest") == repo.digest(reverted)
    # Only after nobody was let in, and nowhere else.
    assert server.shown[0] == ""
    assert TOKEN not in older.said.getvalue()
    assert SHOWN not in older.git.run("config", "--list").text


def test_another_server_never_sees_the_token(repo: Repo, tmp_path: Path) -> None:
    with git_server(tmp_path, f"Basic {SHOWN}") as server:
        repo.git.run("remote", "set-url", "origin", f"{server.url}/origin.git")
        repo.run(GITHUB_TOKEN=TOKEN)
    assert set(server.shown) == {""}


def test_an_older_state_of_a_pull_request_moves_nothing_back(repo: Repo, tmp_path: Path) -> None:
    pull = {
        "name": "pull_request",
        "ref": "refs/pull/5/merge",
        "pull_request": 5,
        "head_repository": "org/repo",
    }
    repo.run()
    repo.commit(data_txt="2")
    older = repo.clone(tmp_path / "older")
    newest = repo.commit(data_txt="1")
    repo.git.run("push", "-q", "origin", "HEAD:refs/pull/5/merge")
    newer = run_for(repo, pull, TAGS="pr-{pr}")
    assert (newer.status, tags_of(newer)) == ("reused", [newest, "pr-5"])
    assert tags_of(run_for(older, pull, TAGS="pr-{pr}")) == [older.git.head[:12]]
    assert repo.digest("pr-5") == repo.digest(newest)


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


def test_what_a_merge_brings_along_is_no_newer(repo: Repo, tmp_path: Path) -> None:
    repo.run()
    started_from = repo.git.head
    ours = repo.commit(data_txt="2")
    shallow = repo.clone(tmp_path / "shallow")
    repo.git.run("checkout", "-q", started_from)
    (repo.checkout / "notes.txt").write_text("of a side branch")
    author = ("-c", "user.name=A", "-c", "user.email=a@b")
    repo.git.run("add", "-A")
    repo.git.run(*author, "commit", "-qm", "x")
    side = repo.git.head
    repo.git.run("checkout", "-q", ours)
    repo.git.run(*author, "merge", "-q", "--no-ff", "-m", "x", side)
    repo.git.run("push", "-q", "origin", "HEAD:main")
    assert tags_of(run_for(shallow, {"sha": shallow.git.head})) == [ours, "latest"]


def test_without_a_remote_the_times_of_the_images_decide(repo: Repo, tmp_path: Path) -> None:
    older = repo.clone(tmp_path / "older")
    older.git.run("remote", "remove", "origin")
    newest = repo.commit(data_txt="2")
    repo.run("push", NOON + timedelta(minutes=5))
    older.run()
    assert repo.digest("latest") == repo.digest(newest)


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


def test_a_base_image_of_this_engine_alone_is_built_on(repo: Repo, small_image: str) -> None:
    for _ in range(2):
        repo.commit(Dockerfile=f"FROM {small_image}\nCOPY data.txt /data.txt\n")
        outcome = repo.run()
        assert outcome.key
        assert (outcome.status, outcome.key.value) == ("built", "")
        assert "localhost" in outcome.key.why_none


def test_a_base_image_has_one_pin_however_it_is_spelled(repo: Repo) -> None:
    base = f"{repo.registry.host}/org/base"
    digest = repo.registry.digest("org/base", "1")
    repo.commit(Dockerfile=f"FROM {base}:latest\nCOPY data.txt /data.txt\n")
    outcome = repo.run(BASE_IMAGES=f"{base}={base}@{digest}")
    assert outcome.key
    assert outcome.key.material
    assert outcome.key.material.bases == ((f"{base}:latest", digest),)
