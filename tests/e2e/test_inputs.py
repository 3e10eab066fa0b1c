"""Inputs that cannot be used are refused before any work; unknown ones only get a word."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from e2e.accounts import PASSWORD
from e2e.project import REPOSITORY, Project
from e2e.registry import RegistryView

WORKFLOW = """\
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: jupyterhub/repo2docker-action@master
        with:
          DOCKER_REGISTRY: ${{ vars.REGISTRY }}
          DOCKER_USERNAME: ann
          DOCKER_PASSWORD: ${{ secrets.PASSWORD }}
          IMAGE_NAME: inputs/@NAME@
          @INPUTS@
"""
# An address at which nothing listens: whoever asks the engine for anything fails otherwise.
NO_ENGINE = "tcp://127.0.0.1:1"
INPUT_REFUSED, ENGINE_REFUSED = 2, 3
TIMEOUT_SECONDS = 60


def workflow(name: str, *inputs: str) -> str:
    text = WORKFLOW.replace("@NAME@", name)
    return text.replace("@INPUTS@", "\n          ".join(inputs))


@dataclass(frozen=True)
class Answer:
    exit_code: int
    said: str
    summary: str

    @property
    def error(self) -> str:
        [line] = [one for one in self.said.splitlines() if one.startswith("::error ")]
        return line.partition("::error ")[2].partition("::")[2]


@dataclass(frozen=True)
class Step:
    """The action's own step, without the workflow round it."""

    project: Project
    action: Path

    def run(self, inputs: Mapping[str, str], env: Mapping[str, str] | None = None) -> Answer:
        summary = self.project.machine.folder / "summary.md"
        variables = {f"R2D_{name}": value for name, value in inputs.items()}
        done = subprocess.run(
            ["python3", "-I", str(self.action / "bin" / "r2d-action"), "run"],
            cwd=self.project.directory,
            env={
                **self.environment(),
                "GITHUB_STEP_SUMMARY": str(summary),
                **variables,
                **(env or {}),
            },
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
        )
        return Answer(done.returncode, done.stderr, summary.read_text())

    def environment(self) -> dict[str, str]:
        machine = self.project.machine
        return {
            **machine.environment(),
            "RUNNER_TOOL_CACHE": str(machine.tool_cache),
            "RUNNER_TEMP": str(machine.temporary),
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(self.project.directory),
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_ACTOR": "ann",
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_REF": "refs/heads/main",
            "DOCKER_HOST": NO_ENGINE,
        }


@pytest.fixture
def step(project: Project, our_action: Path) -> Step:
    (project.directory.parent / "outside").write_text("USER root\n")
    return Step(project, our_action)


BAD_INPUTS = [
    ({"NO_PUSH": "maybe"}, "NO_PUSH", "`NO_PUSH: true`"),
    ({"LATEST_TAG_OFF": "2026"}, "LATEST_TAG_OFF", "`LATEST_TAG_OFF: true`"),
    ({"APPENDIX_FILE": "missing"}, "APPENDIX_FILE", "`APPENDIX_FILE: appendix`"),
    ({"APPENDIX_FILE": "../outside"}, "APPENDIX_FILE", "`APPENDIX_FILE: appendix`"),
    ({"APPENDIX_FILE": "/etc/hostname"}, "APPENDIX_FILE", "`APPENDIX_FILE: appendix`"),
    ({"SUBDIR": "missing"}, "SUBDIR", "`SUBDIR: images/r`"),
    ({"SUBDIR": ".."}, "SUBDIR", "`SUBDIR: images/r`"),
    ({"SUBDIR": "/"}, "SUBDIR", "`SUBDIR: images/r`"),
    ({"REPO2DOCKER_EXTRA_ARGS": "--push"}, "REPO2DOCKER_EXTRA_ARGS", "NO_PUSH"),
    ({"REPO2DOCKER_EXTRA_ARGS": "--image-name=x"}, "REPO2DOCKER_EXTRA_ARGS", "IMAGE_NAME"),
    ({"REPO2DOCKER_EXTRA_ARGS": "--label 'a"}, "REPO2DOCKER_EXTRA_ARGS", "quotation mark"),
    ({"BINDER_CACHE": "true", "NO_PUSH": "true"}, "BINDER_CACHE", "remove `NO_PUSH`"),
    ({"IMAGE_NAME": "a b"}, "IMAGE_NAME", "`IMAGE_NAME: my-community/user-image`"),
    ({"IMAGE_NAME": "hub/$HUB"}, "IMAGE_NAME", "`IMAGE_NAME: ${{ github.repository }}`"),
    ({"IMAGE_NAME": "a/b:1"}, "IMAGE_NAME", "`IMAGE_NAME: a/b` and `ADDITIONAL_TAG: 1`"),
    ({"IMAGE_NAME": "lonely"}, "IMAGE_NAME", "`IMAGE_NAME: my-community/lonely`"),
    ({"ADDITIONAL_TAG": "..."}, "ADDITIONAL_TAG", "`ADDITIONAL_TAG: 2026-spring`"),
    ({"TAGS": "{brunch}"}, "TAGS", "{branch}"),
    ({"NOTEBOOK_USER": "Ann Other"}, "NOTEBOOK_USER", "`NOTEBOOK_USER: jovyan`"),
    ({"HUB_START_CHECK": "sometimes"}, "HUB_START_CHECK", "`HUB_START_CHECK: true`"),
    ({"CHECK_TIMEOUT": "soon"}, "CHECK_TIMEOUT", "`CHECK_TIMEOUT: 10m`"),
]
IDS = [" ".join(f"{name}={value}" for name, value in inputs.items()) for inputs, _, _ in BAD_INPUTS]


@pytest.mark.parametrize(("inputs", "name", "remedy"), BAD_INPUTS, ids=IDS)
def test_bad_input_is_refused_before_any_work_in_one_sentence(
    inputs: Mapping[str, str], name: str, remedy: str, step: Step
) -> None:
    answer = step.run({"IMAGE_NAME": "campus/image", **inputs})
    assert answer.exit_code == INPUT_REFUSED, answer.said
    assert answer.error.startswith(f"{name}: ")
    assert remedy in answer.error
    # One line; a line break would be %0A here.
    assert "%0A" not in answer.error
    assert f"{name}: " in answer.summary


class TestWorkspace:
    def test_empty_one_is_told_of_the_checkout_step(self, step: Step) -> None:
        for path in step.project.directory.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        answer = step.run({"IMAGE_NAME": "campus/image"})
        assert answer.exit_code == INPUT_REFUSED, answer.said
        assert "`uses: actions/checkout@v" in answer.error

    def test_one_without_environment_files_is_built_all_the_same(self, step: Step) -> None:
        (step.project.directory / "Dockerfile").unlink()
        answer = step.run({"IMAGE_NAME": "campus/image"})
        # It came as far as the engine, of which there is none.
        assert answer.exit_code == ENGINE_REFUSED, answer.said
        before, _, _ = answer.said.partition("::error ")
        assert "No environment file was found, so repo2docker builds its default" in before


class TestEngine:
    def test_that_does_not_answer(self, step: Step) -> None:
        answer = step.run({"IMAGE_NAME": "campus/image"})
        assert answer.exit_code == ENGINE_REFUSED, answer.said
        assert f"{NO_ENGINE} does not answer" in answer.error
        assert "systemctl start docker" in answer.error

    def test_that_is_not_installed(self, step: Step, tmp_path: Path) -> None:
        answer = step.run({"IMAGE_NAME": "campus/image"}, {"PATH": path_without_docker(tmp_path)})
        assert answer.exit_code == ENGINE_REFUSED, answer.said
        assert answer.error.startswith("There is no `docker` command on this machine")


def path_without_docker(folder: Path) -> str:
    """A PATH with what the step itself needs, and nothing else."""
    programs = folder / "programs"
    programs.mkdir()
    (programs / "python3").symlink_to(Path(sys.executable).resolve())
    (programs / "git").symlink_to(shutil.which("git") or "git")
    return str(programs)


class TestInWorkflows:
    @pytest.mark.parametrize(
        ("inputs", "name"),
        [
            (("NO_PUSH: maybe",), "NO_PUSH"),
            (("SUBDIR: images/none",), "SUBDIR"),
            (("REPO2DOCKER_EXTRA_ARGS: --push",), "REPO2DOCKER_EXTRA_ARGS"),
        ],
    )
    def test_bad_input_fails_the_job(
        self, inputs: tuple[str, ...], name: str, project: Project, pushed: RegistryView
    ) -> None:
        run = project.run(workflow("refused", *inputs), secrets={"PASSWORD": PASSWORD})
        assert run.results == {"build": "failure"}
        [error] = run.annotations("error")
        assert error.startswith(f"{name}: ")
        assert f"{name}: " in run.summary
        assert run.groups == []
        assert pushed.tags("inputs/refused") == set()

    def test_unknown_inputs_get_a_did_you_mean(self, project: Project) -> None:
        text = workflow("unknown", "SOURCE_SUBDIR: images", "MYBINDERORG_CACHE: true")
        # GitHub takes the name of an input in any case (act does not), so this one is known.
        text = text.replace("IMAGE_NAME:", "Image_Name:")
        run = project.run(text, secrets={"PASSWORD": PASSWORD}).require_success()
        ignored = "is not an input of this action and is ignored. Did you mean"
        told = [one for one in run.annotations("warning") if ignored in one]
        assert told == [
            f"SOURCE_SUBDIR {ignored} SUBDIR?",
            f"MYBINDERORG_CACHE {ignored} BINDER_CACHE?",
        ]
        line = text.splitlines().index("          SOURCE_SUBDIR: images") + 1
        assert (".github/workflows/image.yml", str(line)) in run.annotation_places("warning")
