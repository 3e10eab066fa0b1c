from __future__ import annotations

from pathlib import Path

import pytest

from r2d_action.errors import Place
from r2d_action.workflow_files import UnknownInput, unknown_inputs_in

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
