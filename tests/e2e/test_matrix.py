"""Every way to write the four inputs that decide what is pushed under which tags."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest
import yaml

from e2e.accounts import PASSWORD, USERS
from e2e.act import Run
from e2e.project import NAME, NEEDS, Project
from e2e.registry import RegistryView

EXTRA_TAG = "2026-spring"
OUTPUTS = (
    "IMAGE_SHA_NAME",
    "IMAGE_SHA_TAG",
    "PUSH_STATUS",
    "IMAGE_NAME",
    "IMAGE_TAGS",
    "IMAGE_DIGEST",
    "IMAGE_REFERENCE",
    "BUILD_STATUS",
    "IMAGE_KEY",
    "HUB_PULL_REQUEST",
    "REPORT",
)


@dataclass(frozen=True)
class Case:
    """A job of the workflow; each has a user of its own, whose name is in default names."""

    user: str
    image_name: str | None
    additional_tag: str
    no_push: str
    latest_tag_off: str

    def __str__(self) -> str:
        given = (
            ("IMAGE_NAME", self.image_name),
            ("ADDITIONAL_TAG", self.additional_tag),
            ("NO_PUSH", self.no_push),
            ("LATEST_TAG_OFF", self.latest_tag_off),
        )
        return "+".join(name for name, value in given if value) or "nothing"

    @property
    def repository(self) -> str:
        return self.image_name or f"{self.user}/{NAME}".lower()

    def tags(self, commit: str) -> set[str]:
        latest = set() if self.latest_tag_off else {"latest"}
        return {commit, *filter(None, [self.additional_tag]), *latest}

    def job(self) -> str:
        name = f"IMAGE_NAME: {self.image_name}" if self.image_name else "# its name is left out"
        outputs = "".join(
            f"\n      {output}: ${{{{ steps.image.outputs.{output} }}}}" for output in OUTPUTS
        )
        return f"""
  {self.user}:
    runs-on: ubuntu-latest
    outputs:{outputs}
    steps:
      - uses: actions/checkout@v4
      - id: image
        uses: jupyterhub/repo2docker-action@master
        with:
          DOCKER_REGISTRY: ${{{{ vars.REGISTRY }}}}
          DOCKER_USERNAME: {self.user}
          DOCKER_PASSWORD: ${{{{ secrets.DOCKER_PASSWORD }}}}
          {name}
          ADDITIONAL_TAG: '{self.additional_tag}'
          NO_PUSH: '{self.no_push}'
          LATEST_TAG_OFF: '{self.latest_tag_off}'
      - run: |
          docker run --rm "$IMAGE" ls /srv/repo > "$REPORT/{self.user}.ls"
          docker image inspect "$IMAGE" > "$REPORT/{self.user}.json"
        env:
          IMAGE: ${{{{ steps.image.outputs.IMAGE_SHA_NAME }}}}
"""


def cases() -> Iterator[Case]:
    written = product((True, False), ("", EXTRA_TAG), ("", "true"), ("", "true"))
    for user, (named, additional, no_push, latest_off) in zip(USERS[1:], written, strict=True):
        yield Case(user, f"course/{user}" if named else None, additional, no_push, latest_off)


CASES = tuple(cases())
EACH = pytest.mark.parametrize("case", CASES, ids=str)
PUSHED = pytest.mark.parametrize("case", [one for one in CASES if not one.no_push], ids=str)
KEPT = pytest.mark.parametrize("case", [one for one in CASES if one.no_push], ids=str)


@pytest.fixture(scope="module")
def shared_project(
    new_project: Callable[[Path], Project], tmp_path_factory: pytest.TempPathFactory
) -> Project:
    return new_project(tmp_path_factory.mktemp("matrix"))


@pytest.fixture(scope="module")
def run(shared_project: Project) -> Run:
    jobs = "".join(case.job() for case in CASES)
    last = NEEDS.format(jobs=json.dumps([case.user for case in CASES]))
    workflow = f"on: push\njobs:{jobs}\n  last:{last}"
    return shared_project.run(workflow, secrets={"DOCKER_PASSWORD": PASSWORD}).require_success()


@pytest.fixture(scope="module")
def commit(run: Run, shared_project: Project) -> str:
    assert run.exit_code == 0
    return shared_project.tag


@EACH
def test_registry_has_exactly_these_tags(case: Case, commit: str, pushed: RegistryView) -> None:
    expected = set() if case.no_push else case.tags(commit)
    assert pushed.tags(case.repository) == expected
    ours = set() if case.no_push else {"r2d-key-*", "r2d-cache-main"}
    assert pushed.own_tags(case.repository) == ours


@EACH
def test_engine_has_exactly_these_tags(
    case: Case, run: Run, commit: str, pushed: RegistryView
) -> None:
    image = json.loads(run.evidence(f"{case.user}.json"))[0]
    prefix = f"{pushed.host}/{case.repository}:"
    mine = {name.removeprefix(prefix) for name in image["RepoTags"] if name.startswith(prefix)}
    assert mine == case.tags(commit)


@EACH
def test_a_later_step_runs_the_image(case: Case, run: Run) -> None:
    assert run.evidence(f"{case.user}.ls").split() == ["Dockerfile", "notebook.ipynb"]


@PUSHED
def test_outputs_of_a_push_reach_the_next_job(
    case: Case, run: Run, commit: str, pushed: RegistryView
) -> None:
    name = f"{pushed.host}/{case.repository}"
    digest = pushed.digest(case.repository, commit)
    outputs = run.outputs(case.user)
    assert "built in" in outputs.pop("REPORT")
    tags = outputs.pop("IMAGE_TAGS").split()
    assert (tags[0], set(tags)) == (commit, case.tags(commit))
    assert pushed.digest(case.repository, f"r2d-key-{outputs.pop('IMAGE_KEY')}") == digest
    assert outputs == {
        "IMAGE_SHA_NAME": f"{name}:{commit}",
        "IMAGE_SHA_TAG": commit,
        "PUSH_STATUS": "true",
        "IMAGE_NAME": name,
        "IMAGE_DIGEST": digest,
        "IMAGE_REFERENCE": f"{name}:{commit}@{digest}",
        "BUILD_STATUS": "built",
        "HUB_PULL_REQUEST": "",
    }


@PUSHED
def test_all_tags_are_one_image(case: Case, commit: str, pushed: RegistryView) -> None:
    digests = {pushed.digest(case.repository, tag) for tag in case.tags(commit)}
    assert len(digests) == 1


@KEPT
def test_outputs_without_a_push_reach_the_next_job(
    case: Case, run: Run, commit: str, pushed: RegistryView
) -> None:
    name = f"{pushed.host}/{case.repository}"
    outputs = run.outputs(case.user)
    assert outputs.pop("REPORT").startswith("NO_PUSH is true.")
    assert set(outputs.pop("IMAGE_TAGS").split()) == case.tags(commit)
    assert len(outputs.pop("IMAGE_KEY")) == 24
    assert outputs == {
        "IMAGE_SHA_NAME": f"{name}:{commit}",
        "IMAGE_SHA_TAG": commit,
        "PUSH_STATUS": "false",
        "IMAGE_NAME": name,
        "IMAGE_DIGEST": "",
        "IMAGE_REFERENCE": f"{name}:{commit}",
        "BUILD_STATUS": "built",
        "HUB_PULL_REQUEST": "",
    }


def test_every_output_is_declared(our_action: Path) -> None:
    """act hands on what a composite action does not declare; GitHub does not."""
    declared = yaml.safe_load((our_action / "action.yml").read_text())["outputs"]
    expected = {name: f"${{{{ steps.run.outputs.{name} }}}}" for name in OUTPUTS}
    assert {name: output["value"] for name, output in declared.items()} == expected
