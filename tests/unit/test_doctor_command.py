"""The command: a screen for people, JSON for machines, an exit code."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from r2d_action.cli.doctor import doctor
from r2d_action.doctor.finding import Severity
from r2d_action.doctor.reference import rules_page
from r2d_action.doctor.table import RULES
from r2d_action.errors import InputError

HERE = Path(__file__).parent / "doctor"
Doctor = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Doctor:
    def run(repository: str, *options: str, actions: bool = False) -> Result:
        top = tmp_path / "repository"
        shutil.copytree(HERE / repository, top, symlinks=True)
        (top / "expected.json").unlink(missing_ok=True)
        env = {"GITHUB_ACTIONS": "true" if actions else None}
        return CliRunner(env=env).invoke(doctor, [str(top), *options])

    return run


def test_an_error_ends_with_the_exit_code_of_what_cannot_be_used(run: Doctor) -> None:
    assert run("broken/yaml-tab").exit_code == InputError.exit_code


@pytest.mark.parametrize("name", ["healthy/pip", "broken/conda-and-requirements"])
def test_warnings_are_no_failure(run: Doctor, name: str) -> None:
    assert run(name).exit_code == 0


def test_the_screen_says_what_happens_and_what_to_change(run: Doctor) -> None:
    result = run("broken/conda-and-requirements")
    assert result.stdout == ""
    assert result.stderr == (
        "repo2docker reads `environment.yml`, and builds with conda.\n"
        "\n"
        "warning  requirements.txt, line 1 (environment-file-ignored)\n"
        "         `requirements.txt` is not read: `environment.yml` decides, and repo2docker\n"
        "         takes one way alone (conda).\n"
        "         Move what you need from `requirements.txt` to `environment.yml`, and delete\n"
        "         `requirements.txt`.\n"
        "\n"
        "1 warning.\n"
    )


def test_a_healthy_repository_gets_two_lines(run: Doctor) -> None:
    assert run("healthy/community-image").stderr == (
        "repo2docker builds `Dockerfile`, and reads no other environment file.\n"
        "\n"
        "Nothing to mend.\n"
    )


def test_json_is_the_only_thing_on_standard_output(run: Doctor) -> None:
    result = run("broken/conda-and-requirements", "--json")
    assert result.stderr == ""
    said = json.loads(result.stdout)
    (finding,) = said.pop("findings")
    assert said == {
        "buildpack": "conda",
        "folder": "",
        "reads": ["environment.yml"],
        "ignores": ["requirements.txt"],
    }
    assert set(finding) == {"file", "line", "rule", "severity", "message", "remedy"}
    assert (finding["file"], finding["line"]) == ("requirements.txt", 1)
    assert (finding["rule"], finding["severity"]) == ("environment-file-ignored", "warning")


def test_on_a_runner_the_findings_are_annotations(run: Doctor) -> None:
    said = run("broken/apt-lines", actions=True).stderr
    assert "::error title=apt-command,file=apt.txt,line=2::" in said
    assert "::warning title=apt-version,file=apt.txt,line=3::" in said


def test_a_folder_of_a_checkout_is_seen_from_the_top_of_the_checkout(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    shutil.copytree(HERE / "broken/apt-lines", tmp_path / "images/r")
    result = CliRunner().invoke(doctor, [str(tmp_path / "images/r"), "--json"])
    files = {finding["file"] for finding in json.loads(result.stdout)["findings"]}
    assert files == {"images/r/apt.txt"}


def test_the_reference_lists_every_rule_with_its_severity() -> None:
    page = rules_page("Made.")
    assert "<!-- Made. -->" in page
    for severity in Severity:
        section = page.split(f"\n## {severity.value.capitalize()}s\n", 1)[1].split("\n## ")[0]
        listed = [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")]
        assert listed == [rule.name for rule in RULES if rule.severity is severity]


def test_every_rule_has_a_repository_that_breaks_it() -> None:
    shown = {
        one["rule"]
        for file in HERE.glob("broken/*/expected.json")
        for one in json.loads(file.read_text())
    }
    # Made when the tests run: they cannot lie in a repository.
    made = {"secret-in-file", "credential-left-out", "large-file"}
    assert shown | made == {rule.name for rule in RULES}
