"""Names of images as people write them."""

from __future__ import annotations

import pytest

from e2e.act import Event
from e2e.conftest import PASSWORD
from e2e.project import Project
from e2e.registry import RegistryView

WORKFLOW = """\
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - id: image
        uses: jupyterhub/repo2docker-action@master
        with:
          DOCKER_REGISTRY: ${{ vars.REGISTRY }}
          DOCKER_PASSWORD: ${{ secrets.PASSWORD }}
          @INPUTS@
      - run: echo "$NAME" > "$REPORT/name"
        env:
          NAME: ${{ steps.image.outputs.IMAGE_SHA_NAME }}
"""
ANN = "DOCKER_USERNAME: ann"


def workflow(*inputs: str) -> str:
    return WORKFLOW.replace("@INPUTS@", "\n          ".join(inputs))


def test_upper_case_is_lowered_and_told(project: Project, pushed: RegistryView) -> None:
    text = workflow(ANN, "IMAGE_NAME: ${{ github.repository }}")
    run = project.run(text, secrets={"PASSWORD": PASSWORD}).require_success()
    name = f"{pushed.host}/campus/course-image"
    assert pushed.tags("campus/course-image") == {project.tag, "latest"}
    assert run.evidence("name").strip() == f"{name}:{project.tag}"
    assert any(f"{name}: names of images are in lower case" in one for one in run.annotations("notice"))


def test_name_without_a_slash_is_one_of_the_registry(
    project: Project, pushed: RegistryView
) -> None:
    text = workflow(ANN, "IMAGE_NAME: no-slash")
    project.run(text, secrets={"PASSWORD": PASSWORD}).require_success()
    assert pushed.tags("no-slash") == {project.tag, "latest"}


@pytest.mark.parametrize(
    "name",
    ["my course image", "names/refused:2026", "names/$HUB", "${HUB_IMAGE}"],
    ids=["spaces", "a-tag", "a-variable", "a-variable-in-braces"],
)
def test_name_that_cannot_be_is_refused_before_any_work(
    name: str, project: Project, pushed: RegistryView
) -> None:
    before = pushed.repositories()
    run = project.run(workflow(ANN, f"IMAGE_NAME: {name}"), secrets={"PASSWORD": PASSWORD})
    assert run.exit_code != 0
    [error] = run.annotations("error")
    assert error.startswith(f"IMAGE_NAME: {name!r} ")
    assert "`IMAGE_NAME: " in error
    assert "\n" not in error
    assert "IMAGE_NAME" in run.summary
    assert not any(one.get("command") == "group" for one in run.records)
    assert pushed.repositories() == before


def test_bot_has_no_account_that_could_name_the_image(project: Project) -> None:
    event = Event("push", project.push().payload, actor="pre-commit-ci[bot]")
    project.save_workflow(workflow("NO_PUSH: ''"))
    run = project.happen(event, {"PASSWORD": PASSWORD})
    assert run.exit_code != 0
    [error] = run.annotations("error")
    assert error.startswith("IMAGE_NAME is missing, and pre-commit-ci[bot] has no account")
    assert "`IMAGE_NAME: " in error
    assert not any(one.get("command") == "group" for one in run.records)


def test_bot_that_pushes_nothing_builds(project: Project, pushed: RegistryView) -> None:
    event = Event("push", project.push().payload, actor="pre-commit-ci[bot]")
    project.save_workflow(workflow("NO_PUSH: true"))
    run = project.happen(event).require_success()
    assert run.evidence("name").strip() == f"{pushed.host}/campus/course-image:{project.tag}"


@pytest.mark.parametrize("value", ["false", "'no'"])
def test_latest_tag_off_that_is_false_keeps_latest_and_says_so(
    value: str, project: Project, pushed: RegistryView
) -> None:
    name = f"names/latest-{value.strip(chr(39))}"
    text = workflow(ANN, f"IMAGE_NAME: {name}", f"LATEST_TAG_OFF: {value}")
    run = project.run(text, secrets={"PASSWORD": PASSWORD}).require_success()
    assert pushed.tags(name) == {project.tag, "latest"}
    assert any(one.startswith("LATEST_TAG_OFF is false") for one in run.annotations("notice"))


def test_additional_tag_that_is_a_branch_is_made_legal(
    project: Project, pushed: RegistryView
) -> None:
    text = workflow(ANN, "IMAGE_NAME: names/branch", "ADDITIONAL_TAG: feature/x")
    run = project.run(text, secrets={"PASSWORD": PASSWORD}).require_success()
    assert pushed.tags("names/branch") == {project.tag, "latest", "feature-x"}
    assert any("`feature-x`" in one for one in run.annotations("notice"))
