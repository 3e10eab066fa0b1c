from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest

from r2d_action.context import Context
from r2d_action.errors import InputError
from r2d_action.event import Event
from r2d_action.inputs import read_inputs
from r2d_action.plan import Plan, make_plan
from r2d_action.plan.repo2docker import ASKED, requirement_of, subdir_of

COMMIT = "0123456789abcdef" * 2 + "01234567"
NOW = datetime(2026, 8, 3, 4, 5, 6, tzinfo=timezone.utc)
PUSH = Event(
    workspace=Path("/checkout"),
    name="push",
    repository="Owner/My-Repo",
    actor="octocat",
    ref="refs/heads/main",
    sha=COMMIT,
)
PULL_REQUEST = replace(
    PUSH,
    name="pull_request",
    ref="refs/pull/7/merge",
    pull_request=7,
    head_repository=PUSH.repository,
)
FORK = replace(PULL_REQUEST, head_repository="somebody/My-Repo")
FILES = Context(Path("/checkout"), ("environment.yml",), (), ())
NO_FILES = replace(FILES, files=())


def plan(
    event: Event = PUSH, context: Context = FILES, /, *, commit: str = COMMIT, **given: str
) -> Plan:
    inputs = read_inputs({f"R2D_{name}": value for name, value in given.items()})
    return make_plan(inputs, event, context, appendix="", commit=commit, now=NOW, publishing=True)


def tags(result: Plan) -> list[str]:
    return [str(one.tag) for one in result.tags]


def pushed(result: Plan) -> list[str]:
    return [str(one.tag) for one in result.pushed_tags]


def refusal(event: Event = PUSH, context: Context = FILES, /, **given: str) -> str:
    with pytest.raises(InputError) as caught:
        plan(event, context, **given)
    return caught.value.what


# Names


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"IMAGE_NAME": "org/image"}, "org/image"),
        ({"IMAGE_NAME": "Org/Image"}, "org/image"),
        ({"IMAGE_NAME": "image", "DOCKER_REGISTRY": "localhost:5000"}, "localhost:5000/image"),
        ({"IMAGE_NAME": "o/i", "DOCKER_REGISTRY": "https://quay.io/"}, "quay.io/o/i"),
        ({"IMAGE_NAME": "quay.io/o/i", "DOCKER_REGISTRY": "quay.io"}, "quay.io/o/i"),
        ({"IMAGE_NAME": "Quay.io/o/i", "DOCKER_REGISTRY": "quay.io"}, "quay.io/o/i"),
        (
            {"IMAGE_NAME": "o/i", "DOCKER_REGISTRY": "https://index.docker.io/v1/"},
            "index.docker.io/o/i",
        ),
        ({"IMAGE_NAME": "i", "DOCKER_REGISTRY": "quay.io/v1x"}, "quay.io/v1x/i"),
        (
            {"IMAGE_NAME": "i", "DOCKER_REGISTRY": "us-docker.pkg.dev/p/r"},
            "us-docker.pkg.dev/p/r/i",
        ),
        ({}, "octocat/my-repo"),
        ({"DOCKER_USERNAME": "Alice", "DOCKER_REGISTRY": "quay.io"}, "quay.io/alice/my-repo"),
        ({"DOCKER_USERNAME": "team+robot", "DOCKER_REGISTRY": "quay.io"}, "quay.io/team/my-repo"),
    ],
)
def test_the_name_of_the_image(given: Mapping[str, str], name: str) -> None:
    assert plan(**given).repository.name == name


def test_a_change_of_the_name_is_told() -> None:
    assert any("org/image" in note for note in plan(IMAGE_NAME="Org/Image").notes)
    assert not plan(IMAGE_NAME="org/image").notes


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("my image", "space"),
        ("$HUB/image", "`$`"),
        ("org/image:v1", "`IMAGE_NAME: org/image` and `ADDITIONAL_TAG: v1`"),
        ("org/image@sha256:00", "carries a digest"),
        ("org/image:v1@sha256:00", "`IMAGE_NAME: org/image`"),
        ("https://quay.io/org/image", "`IMAGE_NAME: quay.io/org/image`"),
        ("org//image", "legal"),
        ("image", "account of Docker Hub"),
    ],
)
def test_an_odd_name_is_refused_with_one_that_works(name: str, word: str) -> None:
    text = refusal(IMAGE_NAME=name)
    assert text.startswith("IMAGE_NAME")
    assert word in text
    assert "`IMAGE_NAME: " in text


@pytest.mark.parametrize(
    "registry", ["quay", "quay/org", "<fill registry address>", '"quay.io"', "//quay.io"]
)
@pytest.mark.parametrize("name", ["org/image", "quay/org/image"])
def test_a_registry_that_is_no_host_is_refused(registry: str, name: str) -> None:
    login = {"DOCKER_USERNAME": "u", "DOCKER_PASSWORD": "p" * 9}
    text = refusal(IMAGE_NAME=name, DOCKER_REGISTRY=registry, **login)
    assert text.startswith(f"DOCKER_REGISTRY: {registry!r} is not the host")
    assert "`DOCKER_REGISTRY: quay.io`" in text


@pytest.mark.parametrize("registry", ["localhost", "registry:5000", "Quay.io", "[::1]:5000"])
def test_a_host_is_one_however_it_is_written(registry: str) -> None:
    assert plan(IMAGE_NAME="o/i", DOCKER_REGISTRY=registry).repository.path == "o/i"


def test_a_build_alone_takes_any_name() -> None:
    local = Event(workspace=Path("/checkout"))
    result = make_plan(
        read_inputs({}), local, FILES, appendix="", commit="", now=NOW, publishing=False
    )
    assert str(result.commit_reference) == "checkout:local"


def test_a_name_without_an_account_is_good_enough_for_the_local_engine() -> None:
    assert plan(IMAGE_NAME="image", NO_PUSH="true").repository.name == "image"


def test_a_bot_without_a_name_for_the_image() -> None:
    bot = replace(PUSH, actor="renovate[bot]")
    assert "`IMAGE_NAME: " in refusal(bot)
    assert plan(bot, NO_PUSH="true").repository.name == "owner/my-repo"
    # `DOCKER_USERNAME: ${{ github.actor }}`
    named = {"DOCKER_USERNAME": "renovate[bot]", "DOCKER_PASSWORD": "s3cret"}
    assert "has no account" in refusal(bot, **named)
    assert plan(bot, NO_PUSH="true", **named).repository.name == "owner/my-repo"


# Tags


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ["0123456789ab", "latest"]),
        ({"LATEST_TAG_OFF": "true"}, ["0123456789ab"]),
        ({"LATEST_TAG_OFF": "false"}, ["0123456789ab", "latest"]),
        ({"ADDITIONAL_TAG": "v1"}, ["0123456789ab", "v1", "latest"]),
        ({"ADDITIONAL_TAG": "feature/x"}, ["0123456789ab", "feature-x", "latest"]),
        ({"ADDITIONAL_TAG": "latest"}, ["0123456789ab", "latest"]),
        (
            {"TAGS": "{commit}-x {branch},{date} {pr} {git_tag}", "LATEST_TAG_OFF": "yes"},
            ["0123456789ab", "0123456789ab-x", "main", "2026.08.03"],
        ),
    ],
)
def test_the_tags_of_a_push(given: Mapping[str, str], expected: list[str]) -> None:
    assert tags(plan(**given)) == expected
    assert pushed(plan(**given)) == expected


def test_the_tag_names_what_is_checked_out() -> None:
    head = "f" * 40
    assert tags(plan(commit=head))[0] == "f" * 12
    assert tags(plan(commit=""))[0] == COMMIT[:12]


def test_what_names_a_commit_does_not_move_from_one_to_the_next() -> None:
    result = plan(TAGS="{commit}-x {branch}", ADDITIONAL_TAG=COMMIT)
    assert {str(one.tag) for one in result.tags if one.moving} == {"main", "latest"}
    # They are given before any tag moves.
    assert pushed(result)[-2:] == ["main", "latest"]


def test_which_tags_go_where_a_git_tag_goes() -> None:
    release = replace(PUSH, ref="refs/tags/v1")
    result = plan(release, TAGS="{git_tag} {git_tag}-r {date}", ADDITIONAL_TAG="v1.0")
    following = {str(one.tag): one.git_tag for one in result.tags if one.git_tag}
    assert following == {"v1": "v1", "v1-r": "v1"}
    assert plan(release, ADDITIONAL_TAG="v1").tags[1].git_tag == "v1"
    assert not any(one.git_tag for one in plan(ADDITIONAL_TAG="v1").tags)


def test_a_pull_request_that_was_merged_moves_latest() -> None:
    # `on: {pull_request: {types: [closed]}}`
    merged = replace(PULL_REQUEST, ref="refs/heads/main", is_merged=True)
    assert pushed(plan(merged, TAGS="{branch}")) == ["0123456789ab", "main", "latest"]


def test_a_pull_request_does_not_move_latest() -> None:
    result = plan(PULL_REQUEST, TAGS="pr-{pr}", ADDITIONAL_TAG="latest")
    assert tags(result) == ["0123456789ab", "latest", "pr-7"]
    assert pushed(result) == ["0123456789ab", "pr-7"]


@pytest.mark.parametrize(
    "event",
    [
        replace(PUSH, name="merge_group", ref="refs/heads/gh-readonly-queue/main/pr-7-0123"),
        replace(PULL_REQUEST, name="pull_request_target", ref="refs/heads/main"),
        replace(PULL_REQUEST, name="pull_request_review"),
    ],
)
def test_what_nobody_has_merged_moves_nothing_of_a_branch(event: Event) -> None:
    event = replace(event, head_branch="feature", default_branch="main")
    result = plan(event, TAGS="{branch}", HUB_REPO="org/hub")
    of_a_queue = event.name == "merge_group"
    assert all(("merge queue" in note) == of_a_queue for note in result.notes if "stays" in note)
    assert pushed(result) == ["0123456789ab"]
    assert result.cache_branches == ("feature", "main")
    assert not result.hub.repository


def test_differences_and_omissions_are_told() -> None:
    assert any("repo2docker-action" in n for n in plan(LATEST_TAG_OFF="false").notes)
    assert any("feature-x" in n for n in plan(ADDITIONAL_TAG="feature/x").notes)
    assert any("{pr}" in n for n in plan(TAGS="{pr}").notes)


def test_tags_that_cannot_be() -> None:
    assert "ADDITIONAL_TAG" in refusal(ADDITIONAL_TAG="///")
    assert "{branch}" in refusal(TAGS="{brunch}")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("$TODAY", "`TAGS: "),
        ("$(date)", "`TAGS: "),
        ("{branch}", "`TAGS: "),
        ("a b", '`TAGS: "a b"`'),
        ("a, b", '`TAGS: "a b"`'),
        ("a\nb", '`TAGS: "a b"`'),
    ],
)
def test_more_than_a_tag_belongs_elsewhere(text: str, word: str) -> None:
    assert refusal(ADDITIONAL_TAG=text).startswith(f"ADDITIONAL_TAG: {text!r} ")
    assert word in refusal(ADDITIONAL_TAG=text)


# Whether to push


def test_who_pushes() -> None:
    dependabot = replace(PULL_REQUEST, actor="dependabot[bot]")
    assert plan().push
    assert plan(PULL_REQUEST).push
    assert not plan(NO_PUSH="true").push
    assert "fork" in plan(FORK).why_no_push
    # Of a fork, so are the runs after the merge, to which GitHub gives no secrets either.
    merged = replace(FORK, ref="refs/heads/main", is_merged=True)
    assert "run for the branch" in plan(merged).why_no_push
    assert "Dependabot" in plan(dependabot).why_no_push
    login = {"DOCKER_USERNAME": "u", "DOCKER_PASSWORD": "p" * 9}
    assert not plan(FORK, **login).push
    assert plan(dependabot, **login).push


def test_binder_needs_a_pushed_image() -> None:
    assert refusal(BINDER_CACHE="true", NO_PUSH="true").startswith("BINDER_CACHE")


def test_an_empty_workspace_is_refused_unless_only_mybinder_is_asked() -> None:
    assert "actions/checkout" in refusal(PUSH, NO_FILES)
    assert "actions/checkout" in refusal(PUSH, NO_FILES, BINDER_CACHE="1", MYBINDERORG_TAG="main")
    result = plan(PUSH, NO_FILES, MYBINDERORG_TAG="main")
    assert result.skip
    assert not result.push
    # The name is of no use then, and must not stop anything.
    bot = replace(PUSH, actor="renovate[bot]")
    assert plan(bot, NO_FILES, MYBINDERORG_TAG="main").skip


def test_an_empty_workspace_is_told_of_by_what_is_missing() -> None:
    said = refusal(replace(PUSH, name="workflow_run"), NO_FILES, NO_PUSH="true")
    assert "MYBINDERORG_TAG is empty in this run, whose event is `workflow_run`" in said
    at_a_laptop = refusal(Event(workspace=Path("/checkout")), NO_FILES)
    assert at_a_laptop == "There are no files to build in /checkout; name another folder."


# What repo2docker gets


@pytest.mark.parametrize(
    ("text", "requirement"),
    [
        ("", ""),
        ("2026.4.0", "jupyter-repo2docker==2026.4.0"),
        ("v2024.07.0", "jupyter-repo2docker==2024.07.0"),
        ("repo2docker==2023.1", "jupyter-repo2docker==2023.1"),
        ("jupyter-repo2docker>=2024", "jupyter-repo2docker>=2024"),
        ("jupyter_repo2docker", "jupyter-repo2docker"),
        (
            "git+https://github.com/jupyterhub/repo2docker@abc",
            "git+https://github.com/jupyterhub/repo2docker@abc",
        ),
        ("repo2docker @ git+https://x/y@z", "jupyter-repo2docker @ git+https://x/y@z"),
        ("repo2docker >= 2024, < 2026", "jupyter-repo2docker >= 2024, < 2026"),
        (
            "repo2docker==2024.07.0 ; python_version < '3.13'",
            "jupyter-repo2docker==2024.07.0 ; python_version < '3.13'",
        ),
    ],
)
def test_every_spelling_of_a_version(text: str, requirement: str) -> None:
    assert requirement_of(read_inputs({"R2D_FORCE_REPO2DOCKER_VERSION": text})) == requirement


@pytest.mark.parametrize(
    "text", ["jupyter-repo2docker==2024.07.0 docker==7.1.0", "--pre repo2docker", "2024.07.0 x"]
)
def test_packages_beside_repo2docker_have_an_input_of_their_own(text: str) -> None:
    said = refusal(FORCE_REPO2DOCKER_VERSION=text)
    assert said.startswith(f"FORCE_REPO2DOCKER_VERSION: {text!r}")
    assert "`EXTRA_PIP_INSTALL: docker==7.1.0`" in said


@pytest.mark.parametrize(
    ("text", "args"),
    [
        ("--build-arg A='b c'", ("--build-arg", "A=b c")),
        ("--Repo2Docker.base_image = debian:12", ("--Repo2Docker.base_image=debian:12",)),
        ("--debug $(id) `id`", ("--debug", "$(id)", "`id`")),
        ("--subdir images/r --debug", ("--debug",)),
        ("--config x.py --build-arg A=1", ("--config", "x.py", "--build-arg", "A=1")),
    ],
)
def test_extra_arguments_are_split_as_a_shell_would_without_a_shell(
    text: str, args: tuple[str, ...]
) -> None:
    assert plan(REPO2DOCKER_EXTRA_ARGS=text).build.extra_args == args


@pytest.mark.parametrize("text", ["--subdir a/b", "--subdir=a/b", "--Repo2Docker.subdir=a/b"])
def test_a_subdir_among_the_extra_arguments_counts(text: str) -> None:
    assert subdir_of(read_inputs({"R2D_REPO2DOCKER_EXTRA_ARGS": text})) == "a/b"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("--push", "NO_PUSH"),
        ("--image-name=x", "IMAGE_NAME"),
        ("--appendix 'RUN x'", "APPENDIX_FILE"),
        ("--no-build", "no place"),
        ("-p 80:80", "no place"),
        ("-h", "no place"),
        ("--help", "--help has no place"),
        ("-p80:80", "no place"),
        # What repo2docker takes for --push, --image-name, --subdir, --config and --build-arg.
        ("--pus", "in full"),
        ("--imag x", "in full"),
        ("--sub=x", "in full"),
        ("--conf x.py", "in full"),
        ("--build-ar A=1", "in full"),
        ("--label 'a=b", "quotation mark"),
    ],
)
def test_arguments_that_contradict_us_are_refused(text: str, word: str) -> None:
    assert word in refusal(REPO2DOCKER_EXTRA_ARGS=text)


def test_two_subdirs_are_refused() -> None:
    assert "two folders" in refusal(SUBDIR="a", REPO2DOCKER_EXTRA_ARGS="--subdir b")


@pytest.mark.parametrize(
    ("given", "user", "repo_dir"),
    [
        ({}, "jovyan", "/home/jovyan"),
        ({"NOTEBOOK_USER": "ana"}, "ana", "/home/ana"),
        ({"NOTEBOOK_USER": "ana", "REPO_DIR": "/srv/repo"}, "ana", "/srv/repo"),
        ({"NOTEBOOK_USER": "ana", "MYBINDERORG_TAG": "main"}, "jovyan", "/home/jovyan"),
        ({"NOTEBOOK_USER": "ana", "BINDER_CACHE": "true"}, "jovyan", "/home/jovyan"),
    ],
)
def test_user_and_folder(given: Mapping[str, str], user: str, repo_dir: str) -> None:
    result = plan(**given).build
    assert (result.user_name, result.repo_dir) == (user, repo_dir)


@pytest.mark.parametrize("folder", ["/srv/my repo", "$HOME/work", "'/srv'", "/srv\nRUN x"])
def test_a_folder_that_no_image_takes(folder: str) -> None:
    assert refusal(REPO_DIR=folder).startswith("REPO_DIR")


def test_a_user_name_that_no_system_takes() -> None:
    assert refusal(NOTEBOOK_USER="Ana Maria").startswith("NOTEBOOK_USER")


def test_labels_tell_where_the_image_comes_from() -> None:
    labels = dict(plan().build.labels)
    assert labels["org.opencontainers.image.revision"] == COMMIT
    assert labels["org.opencontainers.image.source"] == "https://github.com/Owner/My-Repo"
    assert labels["org.opencontainers.image.created"] == "2026-08-03T04:05:06Z"
    assert labels["repo2docker.ref"] == "refs/heads/main"
    assert labels["org.opencontainers.image.version"] == COMMIT[:12]


def test_the_version_of_a_release_is_its_tag() -> None:
    labels = dict(plan(replace(PUSH, ref="refs/tags/v1.2")).build.labels)
    assert labels["org.opencontainers.image.version"] == "v1.2"


@pytest.mark.parametrize(
    "given",
    [
        {"SUBDIR": "gpu"},
        {"NOTEBOOK_USER": "ana"},
        {"REPO_DIR": "/srv/repo"},
        {"REPO2DOCKER_EXTRA_ARGS": "--build-arg A=1"},
        {"FORCE_REPO2DOCKER_VERSION": "2024.7.0"},
        {"EXTRA_PIP_INSTALL": "plugin"},
        {"BASE_IMAGES": "debian:12=quay.io/org/debian:1"},
    ],
)
def test_a_label_tells_apart_what_was_asked_for(given: Mapping[str, str]) -> None:
    asked = dict(plan(**given).build.labels)[ASKED]
    assert asked == dict(plan(**given, TAGS="v1", HUB_START_CHECK="false").build.labels)[ASKED]
    assert asked != dict(plan().build.labels)[ASKED]


@pytest.mark.parametrize("event", ["push", "schedule", "workflow_dispatch"])
@pytest.mark.parametrize("reuse", ["auto", "true", "false"])
def test_a_refresh_starts_from_nothing_unless_reuse_is_asked_for(event: str, reuse: str) -> None:
    result = plan(replace(PUSH, name=event), REUSE=reuse)
    refreshes = event != "push"
    assert result.build.fresh == (refreshes and reuse != "true")
    assert result.reuse == (reuse == "true" or (reuse == "auto" and not refreshes))


def test_further_repositories_are_each_named_once() -> None:
    result = plan(
        IMAGE_NAME="quay.io/org/image",
        PUSH_TO="ghcr.io/Org/Image\n quay.io/org/image, docker.io/org/image org/image",
    )
    assert [str(one) for one in result.copies] == [
        "ghcr.io/org/image",
        "docker.io/org/image",
    ]
    assert "PUSH_TO: quay.io/org/image is in the list already." in result.notes


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("ghcr.io", "names no account"),
        ("ghcr.io/org/image:v1", "carries a tag"),
        ("ghcr.io/or_-g/image", "is not a legal image name"),
        ("$REGISTRY/org/image", "does not expand"),
    ],
)
def test_a_further_repository_that_cannot_be_is_refused(given: str, reason: str) -> None:
    with pytest.raises(InputError, match=r"^PUSH_TO: ") as refusal:
        plan(PUSH_TO=given)
    assert reason in refusal.value.what


def test_the_hub_gets_what_is_pushed_and_no_pull_request() -> None:
    assert plan(HUB_REPO="org/hub").hub.repository == "org/hub"
    assert plan(HUB_REPO="org/hub", NO_PUSH="true").hub.repository == ""
    proposed = plan(PULL_REQUEST, HUB_REPO="org/hub")
    assert proposed.hub.repository == ""
    assert any("org/hub stays as it is" in note for note in proposed.notes)


def test_the_name_that_a_binderhub_looks_for() -> None:
    result = plan(BINDERHUB_IMAGE_PREFIX="quay.io/hub/r2d-", IMAGE_NAME="quay.io/org/image")
    assert result.binder.name
    assert str(result.binder.name).startswith("quay.io/hub/r2d-")
    assert result.repositories == (result.repository, result.binder.name.repository)
    assert "SUBDIR" in refusal(BINDERHUB_IMAGE_PREFIX="quay.io/hub/r2d-", SUBDIR="a")
    assert plan(BINDERHUB_IMAGE_PREFIX="quay.io/hub/r2d-", NO_PUSH="true").binder.name is None
