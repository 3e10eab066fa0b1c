"""Workflows of repo2docker-action's users, converted: expected byte for byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from r2d_action import HOME
from r2d_action.cli import init  # noqa: F401 - adds its command to the group
from r2d_action.cli.group import cli
from r2d_action.errors import InputError
from r2d_action.init.conversion import Converted, converted, converted_files
from r2d_action.init.remarks import OURS

CASES = sorted(path.parent for path in Path(__file__).parent.glob("init_cases/*/before.yml"))
PATH = ".github/workflows/image.yml"
THEIRS = "repo2docker-action@"
SIMPLE = f"""\
on: push
jobs:
  image:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: jupyterhub/{THEIRS}master
"""

# Whoever calls it may have given the permissions.
CALLED = SIMPLE.replace("on: push", "permissions: {contents: read}\non: workflow_call")

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def text_of(path: Path) -> str:
    return path.read_bytes().decode()


def conversion_of(text: str) -> Converted:
    result = converted(text, PATH)
    assert result is not None
    return result


def report_of(result: Converted) -> dict[str, list[list[object]]]:
    report = result.report
    return {
        "changes": [[one.line, one.text] for one in report.changes],
        "notes": [[one.line, one.text] for one in report.notes],
    }


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 15


@each_case
def test_the_result_is_expected_byte_for_byte(case: Path) -> None:
    result = conversion_of(text_of(case / "before.yml"))
    assert result.text == text_of(case / "after.yml")
    assert report_of(result) == json.loads((case / "report.json").read_text())


@each_case
def test_every_other_line_stays_as_it_is(case: Path) -> None:
    before = text_of(case / "before.yml")
    result = conversion_of(before)
    lines = result.text.splitlines(keepends=True)
    for changed in reversed(result.report.changes):
        if "`permissions" in changed.text or changed.text.startswith("the job"):
            end = changed.line
            while lines[end].strip().startswith(("contents:", "packages:", "id-token:")):
                end += 1
            del lines[changed.line - 1 : end]
        else:
            lines[changed.line - 1] = "changed"
    own = before.splitlines(keepends=True)
    assert len(lines) == len(own)
    differing = [old for old, new in zip(own, lines, strict=True) if old != new]
    assert all(THEIRS in line.lower() for line in differing)


@each_case
def test_a_parser_reads_the_same_but_for_what_was_to_change(case: Path) -> None:
    before, after = (
        yaml.load(text, yaml.CBaseLoader)  # noqa: S506 - it makes nothing but texts
        for text in (
            text_of(case / "before.yml"),
            conversion_of(text_of(case / "before.yml")).text,
        )
    )
    for name, job in after["jobs"].items():
        if "permissions" not in before["jobs"][name]:
            job.pop("permissions", None)
    assert with_ours(after) == with_ours(before)


def with_ours(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: with_ours(one) for key, one in value.items()}
    if isinstance(value, list):
        return [with_ours(one) for one in value]
    owner, _, rest = value.lower().partition("/")
    is_theirs = rest.startswith(THEIRS) and owner in ("jupyterhub", "machine-learning-apps")
    return OURS if is_theirs else value


@each_case
def test_lines_keep_their_ends(case: Path) -> None:
    unix = text_of(case / "before.yml").replace("\r\n", "\n")
    windows = conversion_of(unix.replace("\n", "\r\n")).text
    assert windows == conversion_of(unix).text.replace("\n", "\r\n")


@each_case
def test_lines_of_the_report_are_those_of_the_new_file(case: Path) -> None:
    result = conversion_of(text_of(case / "before.yml"))
    lines = result.text.splitlines()
    for one in result.report.changes:
        expected = OURS if "inputs and outputs" in one.text else "permissions:"
        assert expected in lines[one.line - 1]


@each_case
def test_a_second_conversion_changes_nothing(case: Path) -> None:
    again = converted(text_of(case / "after.yml"), PATH)
    assert again is None or again.text == text_of(case / "after.yml")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a list",
        "on: push\njobs: {}\n",
        "not: yaml: at all\n# uses: jupyterhub/repo2docker-action@master\n",
        f"on: push\njobs:\n  a:\n    steps:\n      - uses: {HOME}@v0.1.0\n",
        "# uses: jupyterhub/repo2docker-action@master\non: push\n",
        "jobs: [jupyterhub/repo2docker-action@master]\n",
    ],
)
def test_other_files_are_left_alone(text: str) -> None:
    assert converted(text, PATH) is None


# What cannot be converted --------------------------------------------------------------------


@pytest.mark.parametrize(
    "uses",
    [
        f"jupyterhub/{THEIRS[:-1]}",
        f"jupyterhub/{THEIRS[:-1]}/@master",
        f"'jupyterhub/{THEIRS}master '",
        f"|\n          jupyterhub/{THEIRS}master",
        f"jupyterhub/{THEIRS}${{{{ matrix.version }}}}",
        f"https://github.com/jupyterhub/{THEIRS}master",
        "docker://ghcr.io/jupyterhub/repo2docker-action:latest",
        f"jupyterhub/{THEIRS}master\n        uses: actions/checkout@v4",
    ],
)
def test_another_spelling_is_told_and_left(uses: str) -> None:
    text = SIMPLE.replace(f"jupyterhub/{THEIRS}master", uses)
    result = conversion_of(text)
    assert (result.text, result.report.changes) == (text, ())
    [note] = result.report.notes
    assert note.line == 7
    assert "was left as it is" in note.text
    assert OURS in note.text


def test_another_spelling_is_told_beside_what_is_converted() -> None:
    result = conversion_of(f"{SIMPLE}      - run: ./repo2docker-action --help\n")
    assert [note.line for note in result.report.notes] == [10]
    assert "scripts are left as they are" in result.report.notes[0].text


@pytest.mark.parametrize(
    ("broken", "line"), [("\t- uses: a/b@v1\n", 8), ("        with: a: b\n", 8), ("  - [\n", 8)]
)
def test_a_file_that_cannot_be_read_is_told_and_left(broken: str, line: int) -> None:
    result = conversion_of(SIMPLE + broken)
    assert (result.text, result.report.changes) == (SIMPLE + broken, ())
    [note] = result.report.notes
    assert note.line == line
    assert "this cannot be read (" in note.text


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_a_file_in_another_encoding_is_refused_before_anything_is_written(
    encoding: str, tmp_path: Path
) -> None:
    readable = put(tmp_path, PATH, SIMPLE)
    other = put(tmp_path, ".github/workflows/other.yml", "")
    other.write_bytes(f"{SIMPLE}# für\n".encode(encoding))
    with pytest.raises(InputError, match=r"other.yml, line \d: this is not UTF-8"):
        converted_files(tmp_path)
    assert readable.read_text() == SIMPLE


@pytest.mark.parametrize(
    ("comment", "kept"),
    [
        (" # v0.2", ""),
        ("  # master as of 2022-11-25", ""),
        (f" # ratchet:jupyterhub/{THEIRS}master", ""),
        ("  # pin@master", ""),
        (" # tag=v1.2.3", ""),
        ("  # v0.2, see the wiki", "  # v0.2, see the wiki"),
        (" # zizmor: ignore[unpinned-uses]", " # zizmor: ignore[unpinned-uses]"),
    ],
)
def test_a_version_behind_a_commit_goes_with_it(comment: str, kept: str) -> None:
    line = f"      - uses: jupyterhub/{THEIRS}{'a1' * 20}{comment}\n"
    text = SIMPLE.replace(f"      - uses: jupyterhub/{THEIRS}master\n", line)
    assert conversion_of(text).text.endswith(f"      - uses: {OURS}{kept}\n")


def test_a_version_behind_a_branch_stays() -> None:
    text = SIMPLE.replace("master\n", "master # v0.2\n")
    assert conversion_of(text).text.endswith(f"      - uses: {OURS} # v0.2\n")


@pytest.mark.parametrize(
    ("step", "permission"),
    [
        ("uses: azure/login@v2\n        with: {client-id: a}", "id-token: write"),
        ("uses: aws-actions/configure-aws-credentials@v4\n        with: {role-to-assume: a}",
         "id-token: write"),
        ("uses: aws-actions/configure-aws-credentials@v4\n        with: {aws-region: a}", ""),
        ("uses: google-github-actions/auth@v2\n        with: {credentials_json: a}", ""),
        ("uses: docker/login-action@v3\n        with: {password: '${{ github.token }}'}",
         "packages: write"),
        ("uses: docker/login-action@v3\n        with: {password: '${{ secrets.QUAY }}'}", ""),
    ],
)  # fmt: skip
def test_what_a_login_needs_is_permitted(step: str, permission: str) -> None:
    text = conversion_of(f"{SIMPLE}      - {step}\n").text
    job = yaml.safe_load(text)["jobs"]["image"]
    expected = {"contents": "read"}
    if permission:
        name, _, access = permission.partition(": ")
        expected[name] = access
    assert job["permissions"] == expected


@pytest.mark.parametrize(
    "step",
    [
        "uses: ./tell-everybody",
        "uses: docker://alpine:3",
        "run: git -C hub push",
        "run: gh release create v1",
        "env: {TOKEN: '${{ secrets.GITHUB_TOKEN }}'}\n        run: ./x",
        "uses: actions/cache@v4\n        with: {key: '${{ github.token }}'}",
    ],
)
def test_permissions_are_left_to_who_knows_the_other_steps(step: str) -> None:
    result = conversion_of(f"{SIMPLE}      - {step}\n")
    assert "permissions" not in result.text
    [note] = result.report.notes
    assert "none were added" in note.text
    assert "`contents: read`" in note.text


LOGGED_IN = "        with:\n          DOCKER_PASSWORD: ${{ secrets.TOKEN }}\n"


@pytest.mark.parametrize(
    ("inputs", "script", "told"),
    [
        (LOGGED_IN, "docker push it", True),
        (LOGGED_IN, "docker login", False),
        ("", "docker push it", False),
    ],
)
def test_later_steps_are_told_what_they_will_not_find(inputs: str, script: str, told: bool) -> None:
    result = conversion_of(f"{CALLED}{inputs}      - run: {script}\n")
    found = ["Docker is no longer logged in" in note.text for note in result.report.notes]
    assert found == [True] * told


@pytest.mark.parametrize("workflow", [SIMPLE, CALLED])
def test_a_run_sees_by_itself_that_a_later_step_wants_the_image(workflow: str) -> None:
    assert conversion_of(f"{workflow}      - run: docker run it\n").report.notes == ()


def test_earlier_steps_are_not() -> None:
    push = "      - run: docker push it\n"
    before = CALLED.replace("      - uses: jup", f"{push}      - uses: jup")
    assert conversion_of(before + LOGGED_IN).report.notes == ()


def test_what_several_jobs_share_by_an_alias_is_told_once() -> None:
    shared = CALLED.replace("steps:", "steps: &steps") + LOGGED_IN
    shared += "      - run: docker push it\n"
    result = conversion_of(f"{shared}  again:\n    runs-on: x\n    steps: *steps\n")
    assert len(result.report.notes) == 1


@pytest.mark.parametrize(
    ("inputs", "contents"),
    [
        ("BINDER_CACHE: true", "write"),
        ("BINDER_CACHE: '${{ inputs.cache }}'", "write"),
        ("BINDER_CACHE: false", "read"),
        ("BINDER_CACHE: true, NO_GIT_PUSH: true", "read"),
    ],
)
def test_who_commits_for_binder_may_write(inputs: str, contents: str) -> None:
    text = conversion_of(f"{SIMPLE}        with: {{{inputs}}}\n").text
    assert yaml.safe_load(text)["jobs"]["image"]["permissions"] == {"contents": contents}


def test_the_token_in_the_workflow_s_variables_counts() -> None:
    result = conversion_of("env:\n  T: ${{ github.token }}\n" + SIMPLE)
    assert "permissions" not in result.text


# The command ---------------------------------------------------------------------------------


def put(folder: Path, path: str, text: str) -> Path:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())
    return file


def test_workflows_and_actions_of_a_repository_are_found(tmp_path: Path) -> None:
    paths = [PATH, ".github/workflows/b.yaml", ".github/actions/build/action.yml", "action.yml"]
    for path in paths:
        put(tmp_path, path, SIMPLE)
    outside = put(tmp_path, "docs/workflow.yml", SIMPLE)
    (tmp_path / ".github/workflows/link.yml").symlink_to(outside)
    put(tmp_path, ".github/workflows/other.yml", "on: push\n")
    put(tmp_path, ".github/workflows/latin.yml", "on: push\n").write_bytes(b"# \xff\n")
    assert {one.report.path for one in converted_files(tmp_path)} == set(paths)


def test_the_command_writes_and_tells(tmp_path: Path) -> None:
    file = put(tmp_path, PATH, SIMPLE.replace("\n", "\r\n"))
    result = CliRunner().invoke(cli, ["init", str(tmp_path), "--convert"])
    assert result.exit_code == 0, result.output
    assert file.read_bytes().decode() == conversion_of(SIMPLE.replace("\n", "\r\n")).text
    record = json.loads(result.stdout)
    assert [change["line"] for change in record["files"][0]["changes"]] == [5, 9]
    assert f"{PATH}\n  line 5, changed: the job" in result.stderr
    assert "git diff" in result.stderr


def test_the_command_says_when_there_is_nothing_to_do(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["init", str(tmp_path), "--convert"])
    assert result.exit_code == 0
    assert "nothing was changed" in result.stderr
    assert json.loads(result.stdout) == {"files": []}


def test_other_options_do_not_go_with_it(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["init", str(tmp_path), "--convert", "--hub-repo", "a/b"])
    assert "--hub-repo: with `--convert`" in str(result.exception)
