from __future__ import annotations

from pathlib import Path

import pytest

from r2d_action.errors import Place
from r2d_action.workflow_files import UnknownInput, docker_is_used_later, unknown_inputs_in

WORKFLOW = """\
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
        with: {NOT_OURS: 1}
      - uses: {uses}
        with:
          Image_Name: x
          SOURCE_SUBDIR: y
"""


def write(workspace: Path, text: str, name: str = "build.yml") -> None:
    folder = workspace / ".github" / "workflows"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


@pytest.mark.parametrize(
    "uses", ["jupyterhub/repo2docker-action@master", "fork/r2d-action@v1", "./"]
)
def test_an_unknown_input_is_found_on_its_line(tmp_path: Path, uses: str) -> None:
    write(tmp_path, WORKFLOW.replace("{uses}", uses))
    found = list(unknown_inputs_in(tmp_path))
    assert found == [UnknownInput("SOURCE_SUBDIR", Place(".github/workflows/build.yml", 11))]
    assert "Did you mean SUBDIR?" in found[0].advice


def test_other_actions_are_left_alone(tmp_path: Path) -> None:
    write(tmp_path, WORKFLOW.replace("{uses}", "other/action@v1"))
    assert not list(unknown_inputs_in(tmp_path))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: [",
        "just text",
        "- uses: 1\n  with: text",
        # A template, and an alias for what it is in.
        "name: {{ project }}\n",
        "steps: [{uses: ./, with: {{ inputs }}}]\n",
        "a: &a [*a]\n",
    ],
)
def test_files_that_are_no_workflow_hold_nothing(tmp_path: Path, text: str) -> None:
    write(tmp_path, text)
    write(tmp_path, WORKFLOW.replace("{uses}", "./"), "other.yaml")
    assert [one.place.path for one in unknown_inputs_in(tmp_path)] == [
        ".github/workflows/other.yaml"
    ]


@pytest.mark.parametrize("target", ["nowhere", "/dev/zero", "."])
def test_what_is_no_file_holds_nothing(tmp_path: Path, target: str) -> None:
    write(tmp_path, WORKFLOW.replace("{uses}", "other/action@v1"))
    (tmp_path / ".github" / "workflows" / "link.yml").symlink_to(target)
    assert not list(unknown_inputs_in(tmp_path))


OURS = "uses: jupyterhub/repo2docker-action@master"
JOBS = """\
jobs:
  other:
    steps:
      - {ours}
      - run: docker run image
  calls:
    uses: ./.github/workflows/other.yml
  build:
    steps:
      - run: docker pull before
      - {ours}
      - {step}
"""


def used_later(folder: Path, step: str, *, job: str = "build", ours: str = OURS) -> bool:
    write(folder, JOBS.replace("{ours}", ours).replace("{step}", step))
    return docker_is_used_later(folder / ".github" / "workflows" / "build.yml", job)


@pytest.mark.parametrize(
    "step",
    [
        "run: docker run ${{ steps.build.outputs.IMAGE_SHA_NAME }} conda list",
        "run: sudo docker tag org/image org/other",
        "run: |\n          set -e\n          ids=$(docker images -q)",
        "run: podman save org/image",
        "run: docker --config x login && docker push x",
        "run: docker-compose up --detach",
        "run: kind load docker-image org/image",
        "run: k3d image import org/image --cluster test",
        "run: skopeo copy docker-daemon:org/image:latest oci:image",
        "uses: redhat-actions/push-to-registry@v2",
        "uses: aquasecurity/trivy-action@master",
        "uses: docker/build-push-action@v6",
        "uses: Docker/Build-Push-Action@v6",
        "uses: addnab/docker-run-action@v3",
        "{uses: nick-fields/retry@v3, with: {command: docker push org/image}}",
        "{OURS}\n      - run: docker push org/image".replace("{OURS}", OURS),
    ],
)
def test_a_later_step_that_uses_docker_is_found(tmp_path: Path, step: str) -> None:
    assert used_later(tmp_path, step)


@pytest.mark.parametrize(
    "step",
    [
        "run: echo done",
        "run: docker logout quay.io; docker system df",
        "run: jupyter-repo2docker --help",
        "run: echo docker.io/org/image",
        "run: kind load image-archive image.tar; k3d cluster create",
        "uses: docker/login-action@v3",
        "uses: docker/setup-buildx-action@v3",
        "uses: actions/upload-artifact@v4",
        "uses: actions/upload-artifact@docker",
        "{uses: docker/metadata-action@v5, with: {command: docker images}}",
        "{uses: org/r2d-action@v1, with: {COMMIT_MSG: New docker image, run: docker run image}}",
        "{uses: actions/cache@v4, with: text}",
        "run: [docker, run]",
        OURS,
        "just text",
        "[run, docker run]",
    ],
)
def test_other_later_steps_need_no_image(tmp_path: Path, step: str) -> None:
    assert not used_later(tmp_path, step)


LOCAL = "uses: ./.github/actions/build"


def write_action(workspace: Path, steps: str, name: str = "action.yml") -> None:
    folder = workspace / ".github" / "actions" / "build"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"runs: {{using: composite, steps: [{steps}]}}\n")


@pytest.mark.parametrize("name", ["action.yml", "action.yaml"])
def test_our_step_may_be_inside_of_an_action_of_the_repository(tmp_path: Path, name: str) -> None:
    write_action(tmp_path, f"{{run: docker pull before}}, {{{OURS}}}", name)
    assert used_later(tmp_path, "run: docker run image", ours=LOCAL)
    assert not used_later(tmp_path, "run: echo done", ours=LOCAL)
    write_action(tmp_path, f"{{{OURS}}}, {{run: docker run image}}", name)
    assert used_later(tmp_path, "run: echo done", ours=LOCAL)


def test_an_action_of_the_repository_may_use_docker_later(tmp_path: Path) -> None:
    write_action(tmp_path, "{run: docker run image}")
    assert used_later(tmp_path, LOCAL)
    before = f"{LOCAL}\n      - {OURS}"
    assert not used_later(tmp_path, "run: echo done", ours=before)
    write_action(tmp_path, "{run: echo done}")
    assert not used_later(tmp_path, LOCAL)


def test_an_action_that_uses_itself_is_read_to_an_end(tmp_path: Path) -> None:
    write_action(tmp_path, f"{{{LOCAL}}}")
    assert not used_later(tmp_path, LOCAL)


CALLS = """\
jobs:
  before:
    steps: [{run: docker run image}]
  again:
    uses: ./.github/workflows/none.yml
  image:
    uses: {called}
"""


def used_in_called(workspace: Path, step: str, called: str, *, job: str = "build") -> bool:
    used_later(workspace, step)
    write(workspace, CALLS.replace("{called}", called), "calls.yml")
    return docker_is_used_later(workspace / ".github" / "workflows" / "calls.yml", job)


def test_our_step_may_be_in_another_workflow_of_the_repository(tmp_path: Path) -> None:
    here = "./.github/workflows/build.yml"
    assert used_in_called(tmp_path, "run: docker run image", here)
    assert not used_in_called(tmp_path, "run: echo done", here)


def test_every_called_workflow_that_may_be_it_counts(tmp_path: Path) -> None:
    here = "./.github/workflows/build.yml"
    assert not used_in_called(tmp_path, "run: echo done", here)
    text = (tmp_path / ".github" / "workflows" / "build.yml").read_text()
    write(tmp_path, text.replace("echo done", "docker run image"), "none.yml")
    assert used_in_called(tmp_path, "run: echo done", here)


def test_our_own_workflows_use_the_image_no_more(tmp_path: Path) -> None:
    ours = "jupyterhub/r2d-action/.github/workflows/build-image.yml@v0.1.0"
    assert not used_in_called(tmp_path, "run: echo done", ours, job="level-0")
    theirs = ours.replace("r2d-action", "other")
    assert used_in_called(tmp_path, "run: echo done", theirs, job="level-0")


def test_workflows_that_call_each_other_are_read_to_an_end(tmp_path: Path) -> None:
    assert used_in_called(tmp_path, "run: echo done", "./.github/workflows/calls.yml", job="no")


@pytest.mark.parametrize("job", ["calls", "nowhere"])
def test_nobody_knows_what_follows_where_the_files_do_not_show_our_step(
    tmp_path: Path, job: str
) -> None:
    assert used_later(tmp_path, "run: echo done", job=job)
    assert used_later(tmp_path, "run: echo done", ours="uses: other/action@v1")
    assert used_later(tmp_path, "run: echo done", ours=LOCAL)
    # A checkout at another path, or without the folder of the workflows; and the folder itself,
    # of an empty name: another repository's workflow.
    assert docker_is_used_later(tmp_path / "build.yml", "build")
    assert docker_is_used_later(tmp_path, "build")
    assert docker_is_used_later(tmp_path / ("x" * 300), "build")


def test_nothing_follows_outside_of_a_job(tmp_path: Path) -> None:
    assert not used_later(tmp_path, "run: docker run image", job="")
    assert not docker_is_used_later(tmp_path, "")
