"""What the documentation shows can be copied, and what it names exists."""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml

from pages import (
    DOCS,
    PAGES,
    README,
    ROOT,
    TEMPLATE,
    WORKFLOWS,
    blocks_of,
    each_page,
    each_workflow,
    fenced_in,
    named,
    rows_in,
    section,
)
from r2d_action import HOME, __version__, errors, walk
from r2d_action.check.diagnosis import Reason
from r2d_action.cli import main as cli
from r2d_action.inputs import ENV_PREFIX, table
from r2d_action.report.outputs import OUTPUTS
from r2d_action.workflow_files import unknown_inputs_in

# Parts of a hub's configuration, which are no workflows.
OF_A_HUB = sorted(DOCS.glob("examples/hub/*.yaml"))
SHOWN = [*WORKFLOWS, *OF_A_HUB, TEMPLATE / "Dockerfile"]
# What GitHub and the site know how to show, and what each test here looks into.
LANGUAGES = {"bash", "diff", "dockerfile", "mermaid", "python", "text", "yaml"}
ARCHITECTURE = DOCS / "explanation/architecture.md"

INPUTS = {name.upper() for name, _ in table()}
# What the reusable workflows take beside the inputs of the action, and give beside its outputs.
WORKFLOW_NAMES = {
    name
    for file in ROOT.glob(".github/workflows/*.yml")
    for name in re.findall(r"^      ([A-Z_]+):$", file.read_text(), re.MULTILINE)
}
OUTPUT_NAMES = {output.name for output in OUTPUTS}
# Names in capitals that belong to somebody else.
TEMPLATE_NAMES = {"BASE_IMAGE", "QUAY_PASSWORD", "QUAY_USERNAME"}
NOT_OURS = {
    *TEMPLATE_NAMES,
    *(
        "DOCKER_CONFIG",
        "DOCKER_CONTEXT",
        "DOCKER_DEFAULT_PLATFORM",
        "HOME",
        "REQUESTS_CA_BUNDLE",
        "SOURCE_SUBDIR",
    ),
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "IMMUTABLE_WITH_EXCLUSION"),
    *("DOCKER_HUB_TOKEN", "DOCKER_HUB_USERNAME", "REGISTRY_PASSWORD", "REGISTRY_USERNAME"),
    *("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_KEY"),
    *("ADD", "ARG", "COPY", "FROM", "RUN", "USER", "NB_USER", "DESCRIPTION"),
}
# With an underscore, or as code: `TAGS`, `NO_PUSH: true`.
NAME = re.compile(r"(?<![\w$])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?![\w*])|(?<=`)[A-Z]{2,}(?=[`:])")


# What is shown ------------------------------------------------------------------------------


def is_part_of(block: str, file: Path) -> bool:
    """Whether whole lines of the file, without their common indentation, are the block."""
    lines = file.read_text().splitlines(keepends=True)
    length = block.count("\n")
    starts = range(len(lines) - length + 1)
    return any(dedent("".join(lines[start : start + length])) == block for start in starts)


@each_page
def test_what_is_shown_is_part_of_a_complete_file(page: Path) -> None:
    for block in blocks_of(page, "yaml", "dockerfile"):
        assert any(is_part_of(block, file) for file in SHOWN), block


@each_page
def test_what_a_diff_adds_is_part_of_a_complete_file(page: Path) -> None:
    for block in blocks_of(page, "diff"):
        added = "".join(f"{line[1:]}\n" for line in block.splitlines() if line[0] == "+")
        assert any(is_part_of(dedent(added), file) for file in WORKFLOWS), added


def test_the_readme_begins_with_the_whole_workflow_of_the_template() -> None:
    first = blocks_of(README, "yaml")[0]
    assert first == (TEMPLATE / ".github/workflows/image.yml").read_text()


@each_page
def test_a_block_says_what_it_is(page: Path) -> None:
    """Whoever writes YAML as plain text evades the tests."""
    for language, block in fenced_in(page.read_text()):
        assert language in LANGUAGES or (language == "{toctree}" and page.name == "index.md")
        if language == "text" and page.parent.name != "reference":
            assert not is_configuration(block), block


def is_configuration(text: str) -> bool:
    try:
        content: Any = yaml.safe_load(text)
    except yaml.YAMLError:
        return False
    return isinstance(content, dict) and all(
        isinstance(key, str) and re.fullmatch(r"[\w.-]+", key) for key in content
    )


@pytest.mark.parametrize("file", OF_A_HUB, ids=named)
def test_a_hubs_configuration_is_shown_as_a_whole(file: Path) -> None:
    assert is_configuration(file.read_text())
    assert any(file.read_text() in blocks_of(page, "yaml") for page in PAGES)


@each_page
def test_python_can_be_read(page: Path) -> None:
    for block in blocks_of(page, "python"):
        compile(block, named(page), "exec")


@each_workflow
def test_workflows_use_inputs_and_outputs_that_exist(workflow: Path, tmp_path: Path) -> None:
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    shutil.copy(workflow, folder)
    assert not list(unknown_inputs_in(tmp_path))
    assert set(re.findall(r"\.outputs\.(\w+)", workflow.read_text())) <= OUTPUT_NAMES


@pytest.mark.parametrize("file", [*PAGES, *WORKFLOWS], ids=named)
def test_the_version_that_is_shown_is_the_present_one(file: Path) -> None:
    assert set(re.findall(rf"{HOME}@(\S+)", file.read_text())) <= {f"v{__version__}"}


@each_workflow
def test_other_actions_are_pinned_as_in_our_own_workflows(workflow: Path) -> None:
    own = "".join(file.read_text() for file in ROOT.glob(".github/workflows/*.yml"))
    assert pins_in(workflow.read_text()) <= pins_in(own)


def pins_in(text: str) -> set[str]:
    """Commit and version of each action that is not ours."""
    return {pin for pin in re.findall(r"uses: (.+)", text) if not pin.startswith(HOME)}


# Names --------------------------------------------------------------------------------------


@each_page
def test_names_in_capitals_are_inputs_or_outputs(page: Path) -> None:
    ours = INPUTS | OUTPUT_NAMES | WORKFLOW_NAMES | {ENV_PREFIX + name for name in INPUTS}
    assert set(NAME.findall(page.read_text())) <= ours | NOT_OURS


def first_column(text: str) -> list[str]:
    return [row[0] for row in rows_in(text)]


def test_the_readme_has_a_place_for_every_input() -> None:
    assert sorted(re.findall(r"`(\w+)`", section(README, "Inputs"))) == sorted(INPUTS)


def test_the_readme_says_of_every_output_what_the_table_says() -> None:
    rows = [row for row in section(README, "Outputs").splitlines() if row.startswith("|")]
    assert rows[2:] == [f"| `{output.name}` | {output.summary} |" for output in OUTPUTS]


def test_contributors_find_every_folder_of_the_code() -> None:
    folders = {file.parent.name for file in (ROOT / "src/r2d_action").glob("*/__init__.py")}
    rows = rows_in(section(ROOT / "CONTRIBUTING.md", "The way through the code"))
    shown = {name for row in rows for name in re.findall(r"\[(\w+)/\]", row[0])}
    assert folders <= shown


def test_every_exit_code_is_explained() -> None:
    listed = ", ".join(first_column(section(ROOT / "docs/errors.md", "Exit codes"))).split(", ")
    expected = {
        errors.UserError.exit_code,
        *(error.exit_code for error in errors.UserError.__subclasses__()),
        cli.BUG_EXIT_CODE,
        cli.INTERRUPTED_EXIT_CODE,
        cli.TERMINATED_EXIT_CODE,
    }
    assert {int(code) for code in listed} == {0, *expected}


def test_every_reason_why_an_image_does_not_start_is_explained() -> None:
    text = section(ROOT / "docs/errors.md", "The image does not start as on a hub")
    assert set(first_column(text)) == {reason.value for reason in Reason} - {"started"}


def test_every_dependency_has_its_reason() -> None:
    declared = (ROOT / "pyproject.toml").read_text().split("\ndependencies = [", 1)[1]
    required = {
        "To run": "\n".join(re.findall(r'"(.+)"', declared.split("]")[0])),
        "To build images": (ROOT / "requirements/repo2docker.in").read_text(),
        "To build the site of these pages": (ROOT / "requirements/docs.in").read_text(),
        "To develop": (ROOT / "requirements/dev.in").read_text(),
    }
    for heading, lines in required.items():
        rows = first_column(section(ROOT / "docs/dependencies.md", heading))
        explained = {re.sub(r"\[(.+)\]\(.+\)", r"\1", row) for row in rows}
        assert explained == set(re.findall(r"^[\w-]+", lines, re.MULTILINE)), heading


def stages_of_a_run() -> Iterator[str]:
    """In the order in which they are written, though some take place at the same time."""
    tree = ast.parse(Path(walk.__file__).read_text())
    row = next(node for node in tree.body if isinstance(node, ast.AnnAssign) and is_run(node))
    names = [node for node in ast.walk(row.value or row) if isinstance(node, ast.Name)]
    for name in sorted(names, key=lambda name: (name.lineno, name.col_offset)):
        if vars(walk)[name.id].__module__.startswith("r2d_action.stages."):
            yield name.id


def is_run(node: ast.AnnAssign) -> bool:
    return isinstance(node.target, ast.Name) and node.target.id == "RUN"


def test_the_stages_of_a_run_are_explained_in_their_order() -> None:
    text = section(ARCHITECTURE, "One walk, forwards only")
    stages = list(stages_of_a_run())
    assert [name.strip("`") for name in first_column(text)] == stages
    drawn = re.findall(r"\w+", blocks_of(ARCHITECTURE, "mermaid")[0])
    assert sorted(set(stages), key=drawn.index) == stages


def test_the_jobs_of_the_workflow_are_drawn() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/build-image.yml").read_text())
    drawn = re.findall(r"[\w-]+", blocks_of(ARCHITECTURE, "mermaid")[1])
    assert set(workflow["jobs"]) <= set(drawn)
