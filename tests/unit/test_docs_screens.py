"""The screens in the documentation are what the commands really say."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from fakes.package_trees import dpkg, hub_image
from pages import COMMANDS, DOCS, blocks_of, calls_in, fenced_in, lines_in
from r2d_action.packages.difference import difference
from r2d_action.packages.found import packages_in
from r2d_action.packages.values import Kind, Package, PackageList
from r2d_action.packages.words import told
from r2d_action.packages.writing import write_locks
from r2d_action.reference import Reference, Repository
from r2d_action.registry.rights import Right, Rights
from r2d_action.report.ticket import Ticket, ticket_text

TUTORIAL = DOCS / "tutorial.md"
SELECTORS = DOCS / "how-to/hub-selectors.md"
TWO_TAGS = DOCS / "examples/hub/two-tags.yaml"
COMMUNITY = "https://github.com/my-community/user-image"
DIGEST = "sha256:475474e940c801ad72bfa3b8e08b9b2e2a0df75755105f79bd506b4aab0ff985"
CONVERTED = Path(__file__).parent / "init_cases/several-steps/before.yml"


@dataclass(frozen=True)
class Screen:
    """What a person types, and what the page says is then seen."""

    call: list[str]
    shown: str


def screen_after(page: Path, *words: str) -> Screen:
    """The call with these words, and the block of text that comes next."""
    blocks = [one for one in fenced_in(page.read_text()) if one[0] in {"bash", "text"}]
    for (language, script), (_, shown) in pairwise(blocks):
        for line in lines_in(script) if language == "bash" else ():
            for call in calls_in(line):
                if set(words) <= set(call):
                    return Screen(call, shown)
    raise AssertionError(f"{page} does not show {words}")


def said_by(call: list[str]) -> str:
    result = CliRunner().invoke(COMMANDS[call[0]], call[1:])
    return result.stderr + (str(result.exception) if result.exception else "")


def words_of(text: str) -> list[str]:
    """However the lines are broken."""
    return text.split()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_repository_of_the_tutorial_is_made_and_sound(here: Path) -> None:
    made = screen_after(TUTORIAL, "init", "--way")
    assert said_by(made.call) == made.shown
    command, _, answer = next(
        text for text in blocks_of(TUTORIAL, "text") if text.startswith("$ ")
    ).partition("\n")
    assert [said_by(call) for call in calls_in(command.removeprefix("$ "))] == [answer]
    assert Path(here, "user-image/README.md").is_file()


def test_the_conversion_of_the_tutorial(here: Path) -> None:
    workflow = here / ".github/workflows/image.yml"
    workflow.parent.mkdir(parents=True)
    shutil.copy(CONVERTED, workflow)
    converted = screen_after(TUTORIAL, "init", "--convert")
    assert said_by(converted.call) == converted.shown


def test_the_places_of_a_hub_to_choose_from(here: Path) -> None:
    config = here / "hub/config/prod.yaml"
    config.parent.mkdir(parents=True)
    shutil.copy(TWO_TAGS, config)
    asked = screen_after(SELECTORS, "update-hub")
    assert words_of(said_by(asked.call)) == words_of(asked.shown)
    for selector in ("choices.stable", "choices.new"):
        assert selector in asked.shown
        said_by([*asked.call, "--select", selector])
    assert config.read_text() == TWO_TAGS.read_text().replace(":v1", ":0123456789ab").replace(
        ":v2", ":0123456789ab"
    )


def test_one_choice_of_several_is_updated_by_itself(here: Path) -> None:
    choices = DOCS / "examples/hub/choices.yaml"
    shutil.copy(choices, here)
    image = "quay.io/my-community/python-image"
    said_by(["update-hub", "--directory", ".", "--image", image, "--tag", "ba9876543210"])
    expected = choices.read_text().replace(f"{image}:0123456789ab", f"{image}:ba9876543210")
    assert (here / choices.name).read_text() == expected != choices.read_text()


def test_the_text_for_a_ticket() -> None:
    ticket = Ticket(
        image=Reference.parse(f"quay.io/my-community/user-image:0123456789ab@{DIGEST}"),
        commit_url=f"{COMMUNITY}/commit/0123456789ab",
        run_url=f"{COMMUNITY}/actions/runs/1234567890",
        checks=("3 tests in image-tests/ passed.", "Started as on a hub in 12.4 s."),
    )
    assert blocks_of(DOCS / "how-to/ticket.md", "text") == [f"{ticket_text(ticket)}\n"]


def test_what_a_login_may_do() -> None:
    told = Rights(
        repository=Repository.parse("quay.io/my-community/user-image"),
        provider="quay.io",
        login="DOCKER_USERNAME and DOCKER_PASSWORD",
        pull=Right(granted=True, why="it has 3 tags"),
        push=Right(granted=True),
        public=Right(granted=True),
    )
    page = DOCS / "how-to/command-line.md"
    assert screen_after(page, "login").shown == "".join(f"{line}\n" for line in told.lines())


def test_the_lock_files_of_an_image(here: Path) -> None:
    written = write_locks(
        packages_in({**hub_image(), **dpkg(("git", "1:2.43.0-1"))}), Path("locks"), None
    )
    page = DOCS / "how-to/lock-files.md"
    assert blocks_of(page, "text") == ["".join(f"{path}\n" for path in written)]
    assert all((here / path).is_file() for path in written)


def test_what_is_said_of_changed_packages() -> None:
    before = installed(idna="3.7", numpy="1.26.4", sortedcontainers="2.4.0", tqdm="4.66.1")
    now = installed(humanize="4.9.0", idna="3.10", numpy="2.1.0", tqdm="4.66.5")
    text = told(difference(before, now), frozenset({"numpy", "tqdm"}), "0123456789ab")
    quoted = "".join(f"> {line}".rstrip() + "\n" for line in text.splitlines())
    assert quoted in (DOCS / "how-to/what-changed.md").read_text()


def installed(**versions: str) -> PackageList:
    return PackageList(
        tuple(
            Package(kind=Kind.PIP, name=name, version=version, place="/srv/conda")
            for name, version in versions.items()
        )
    )
