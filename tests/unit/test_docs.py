"""What the documentation shows can be copied, and what it names exists."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from r2d_action import HOME, __version__, errors
from r2d_action.check.diagnosis import Reason
from r2d_action.cli import main as cli
from r2d_action.inputs import ENV_PREFIX, table
from r2d_action.report.outputs import OUTPUTS
from r2d_action.workflow_files import unknown_inputs_in

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
TEMPLATE = ROOT / "template-repo"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), TEMPLATE / "README.md"])
EXAMPLES = sorted(ROOT.glob("docs/**/examples/*.yml"))
WORKFLOWS = [*EXAMPLES, *sorted(TEMPLATE.glob(".github/workflows/*.yml"))]
SHOWN = [*WORKFLOWS, TEMPLATE / "Dockerfile"]

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
    *("DOCKER_CONFIG", "DOCKER_CONTEXT", "HOME", "REQUESTS_CA_BUNDLE", "SOURCE_SUBDIR"),
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "IMMUTABLE_WITH_EXCLUSION"),
    *("DOCKER_HUB_TOKEN", "DOCKER_HUB_USERNAME", "REGISTRY_PASSWORD", "REGISTRY_USERNAME"),
    *("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_KEY"),
}
# With an underscore, or as code: `TAGS`, `NO_PUSH: true`.
NAME = re.compile(r"(?<![\w$])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?![\w*])|(?<=`)[A-Z]{2,}(?=[`:])")


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


each_page = pytest.mark.parametrize("page", PAGES, ids=named)
each_workflow = pytest.mark.parametrize("workflow", WORKFLOWS, ids=named)


# What is shown ------------------------------------------------------------------------------


def blocks_of(page: Path, *languages: str) -> list[str]:
    """The fenced blocks of a page in these languages, without their fences."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    return [text for language, text in fenced if language in languages]


def is_part_of(block: str, file: Path) -> bool:
    """Whether whole lines of the file, without their common indentation, are the block."""
    lines = file.read_text().splitlines(keepends=True)
    length = block.count("\n")
    starts = range(len(lines) - length + 1)
    return any(dedent("".join(lines[start : start + length])) == block for start in starts)


@each_page
def test_what_is_shown_is_part_of_a_complete_file(page: Path) -> None:
    for block in blocks_of(page, "yaml", "yml", "dockerfile"):
        assert any(is_part_of(block, file) for file in SHOWN), block


@each_page
def test_what_a_diff_adds_is_part_of_a_complete_file(page: Path) -> None:
    for block in blocks_of(page, "diff"):
        added = "".join(f"{line[1:]}\n" for line in block.splitlines() if line[0] == "+")
        assert any(is_part_of(dedent(added), file) for file in WORKFLOWS), added


def test_the_readme_begins_with_the_whole_workflow_of_the_template() -> None:
    first = blocks_of(README, "yaml")[0]
    assert first == (TEMPLATE / ".github/workflows/image.yml").read_text()


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_every_example_is_linked_from_a_page(example: Path) -> None:
    assert any(example in (target for target, _ in links_of(page)) for page in PAGES)


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


# Links --------------------------------------------------------------------------------------


def links_of(page: Path) -> Iterator[tuple[Path, str]]:
    """File and anchor of each link that stays in the repository."""
    prose = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for address in re.findall(r"\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$", prose, re.MULTILINE):
        path, _, anchor = "".join(address).partition("#")
        if not path.startswith(("https:", "mailto:")):
            yield (page.parent / path).resolve() if path else page, anchor


def anchors_of(page: Path) -> set[str]:
    """The names that GitHub gives to headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_page
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    for target, anchor in links_of(page):
        assert target.exists(), target
        assert not anchor or anchor in anchors_of(target), anchor


# Names --------------------------------------------------------------------------------------


@each_page
def test_names_in_capitals_are_inputs_or_outputs(page: Path) -> None:
    ours = INPUTS | OUTPUT_NAMES | WORKFLOW_NAMES | {ENV_PREFIX + name for name in INPUTS}
    assert set(NAME.findall(page.read_text())) <= ours | NOT_OURS


def section(page: Path, heading: str) -> str:
    text = page.read_text()
    return re.split(r"^## ", text.split(f"\n## {heading}\n", 1)[1], flags=re.MULTILINE)[0]


def first_column(text: str) -> list[str]:
    return [row.split("|")[1].strip() for row in text.splitlines() if row.startswith("|")][2:]


def test_the_readme_has_a_place_for_every_input() -> None:
    assert sorted(re.findall(r"`(\w+)`", section(README, "Inputs"))) == sorted(INPUTS)


def test_the_readme_says_of_every_output_what_the_table_says() -> None:
    rows = [row for row in section(README, "Outputs").splitlines() if row.startswith("|")]
    assert rows[2:] == [f"| `{output.name}` | {output.summary} |" for output in OUTPUTS]


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
        "To develop": (ROOT / "requirements/dev.in").read_text(),
    }
    for heading, lines in required.items():
        rows = first_column(section(ROOT / "docs/dependencies.md", heading))
        explained = {re.sub(r"\[(.+)\]\(.+\)", r"\1", row) for row in rows}
        assert explained == set(re.findall(r"^[\w-]+", lines, re.MULTILINE)), heading
