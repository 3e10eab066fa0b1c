"""The repositories that `init` writes."""

from __future__ import annotations

import ast
import json
import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from r2d_action.cli import init  # noqa: F401 - adds its command to the group
from r2d_action.cli.group import cli
from r2d_action.context import read_context
from r2d_action.doctor import Settings, findings
from r2d_action.errors import InputError
from r2d_action.init.answers import (
    BASE,
    IMAGE,
    REGISTRY,
    Answers,
    Given,
    Question,
    answers,
    nobody_to_ask,
)
from r2d_action.init.repository import README, repository_files, template_repo, write_new
from r2d_action.init.ways import COMMUNITY, INHERIT, WAYS, WORKFLOW
from r2d_action.inputs import table

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "template-repo"
SECRET_INPUTS = {name.upper() for name, entry in table() if entry.secret}
OTHER_INPUTS = {name.upper() for name, entry in table() if not entry.secret}
# What each host's registry makes of the workflow: permission, inputs, secrets.
REGISTRIES = {
    "quay.io": ("", {"DOCKER_USERNAME", "PUBLIC_REGISTRY_CHECK"}, {"DOCKER_PASSWORD"}),
    "docker.io": ("", {"DOCKER_USERNAME"}, {"DOCKER_PASSWORD"}),
    "ghcr.io": ("packages", set(), set()),
    "123456789012.dkr.ecr.eu-west-1.amazonaws.com": ("id-token", {"AWS_ROLE_ARN"}, set()),
    "europe-west4-docker.pkg.dev": ("id-token", {"GOOGLE_WORKLOAD_IDENTITY_PROVIDER"}, set()),
    "campus.azurecr.io": ("id-token", {"AZURE_CLIENT_ID", "AZURE_TENANT_ID"}, set()),
    "registry.example.org:5000": ("", {"DOCKER_USERNAME"}, {"DOCKER_PASSWORD"}),
}
# What its owner has to make before a run can be green.
SET_UP_FIRST = {
    "DOCKER_USERNAME",
    "AWS_ROLE_ARN",
    "GOOGLE_WORKLOAD_IDENTITY_PROVIDER",
    "AZURE_CLIENT_ID",
    "HUB_REPO",
}
EXAMPLE = {"way": INHERIT.name, "registry": REGISTRY, "image": IMAGE, "base": BASE}
PUBLISHING = tuple(name for name, way in WAYS.items() if way.publishes)


def files_for(**given: str) -> dict[str, str]:
    return repository_files(wanted(**given))


def wanted(**given: str) -> Answers:
    return answers(Given(**given), nobody_to_ask)


def variants() -> list[dict[str, str]]:
    named = [
        {"way": way, "registry": registry, "image": "team/lab/image", "hub_repo": hub_repo}
        for way, registry, hub_repo in product(PUBLISHING, REGISTRIES, ("", "team/hub"))
    ]
    return [*named, {"way": COMMUNITY.name}]


each_variant = pytest.mark.parametrize(
    "given", variants(), ids=lambda given: "-".join(value for value in given.values() if value)
)
each_publishing_way = pytest.mark.parametrize("way", PUBLISHING)


def job_of(texts: dict[str, str]) -> dict[str, Any]:
    job: dict[str, Any] = yaml.safe_load(texts[WORKFLOW])["jobs"]["image"]
    return job


# The template --------------------------------------------------------------------------------


def test_the_template_is_what_init_writes() -> None:
    in_folder = {
        path.relative_to(TEMPLATE).as_posix(): path.read_text()
        for path in TEMPLATE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert in_folder == template_repo()


def test_the_template_s_script_can_be_run() -> None:
    assert (TEMPLATE / "start").stat().st_mode & 0o111


def test_the_template_s_readme_says_whose_name_to_write() -> None:
    texts = template_repo()
    example = answers(Given(**EXAMPLE), nobody_to_ask)
    owner = str(example.image).split("/")[1]
    assert f"`{owner}` stands for your organization at {REGISTRY}" in texts[README]
    assert f"in place of `{owner}`, and commit" in " ".join(texts[README].split())
    assert texts[WORKFLOW].count(owner) == 2


# Each variant --------------------------------------------------------------------------------


@each_variant
def test_a_push_publishes_whatever_the_first_branch_is_called(given: dict[str, str]) -> None:
    # The key is a boolean to PyYAML.
    events = yaml.safe_load(files_for(**given)[WORKFLOW])[True]
    assert events["push"] == {"branches": ["main", "master"]}


@each_variant
def test_nobody_else_s_name_is_to_be_replaced(given: dict[str, str]) -> None:
    readme = files_for(**given)[README]
    assert "stands for your organization" not in readme
    assert "in place of `" not in readme


@each_variant
def test_a_first_run_that_must_fail_is_announced(given: dict[str, str]) -> None:
    texts = files_for(**given)
    waits = "secrets" in job_of(texts) or set(job_of(texts)["with"]) & SET_UP_FIRST
    assert ("turns red" in texts[README]) == bool(waits)


@each_variant
def test_code_is_not_broken_over_lines(given: dict[str, str]) -> None:
    prose = re.sub(r"```.*?```", "", files_for(**given)[README], flags=re.DOTALL)
    assert not [code for code in re.findall(r"`[^`]*`", prose) if "\n" in code]


@each_variant
def test_nothing_is_left_to_fill_in(given: dict[str, str]) -> None:
    for path, text in files_for(**given).items():
        assert "%{" not in text, path
        assert text.endswith("\n"), path
        assert not text.endswith("\n\n"), path


@each_variant
def test_files_can_be_read(given: dict[str, str]) -> None:
    for path, text in files_for(**given).items():
        if path.endswith(".yml"):
            assert isinstance(yaml.safe_load(text), dict)
        elif path.endswith(".py"):
            ast.parse(text)
        elif path.endswith(".ipynb"):
            assert json.loads(text)["nbformat"] == 4


@each_variant
def test_a_python_and_a_notebook_test_are_among_them(given: dict[str, str]) -> None:
    tests = {
        Path(path).suffix for path in files_for(**given) if path.startswith("image-tests/test_")
    }
    assert tests == {".py", ".ipynb"}


@each_variant
def test_only_inputs_that_exist_are_given(given: dict[str, str]) -> None:
    job = job_of(files_for(**given))
    assert set(job["with"]) <= OTHER_INPUTS
    assert set(job.get("secrets", {})) <= SECRET_INPUTS


@each_variant
def test_doctor_finds_nothing(given: dict[str, str], tmp_path: Path) -> None:
    write_new(tmp_path, files_for(**given))
    repo_dir = dict(WAYS[given["way"]].inputs).get("REPO_DIR", "")
    settings = Settings(workspace=tmp_path, repo_dir=repo_dir)
    assert findings(read_context(tmp_path), settings) == ()


@each_variant
def test_the_readme_names_the_files(given: dict[str, str]) -> None:
    texts = files_for(**given)
    table_of_files = re.findall(r"^\| `([^`]+)` \|", texts[README], re.MULTILINE)
    assert {path.split("/")[0] for path in table_of_files} == {
        path.split("/")[0] for path in texts if path != README
    }
    assert all(any(path.startswith(named) for path in texts) for named in table_of_files)


@each_variant
def test_lines_of_the_readme_are_short(given: dict[str, str]) -> None:
    text = files_for(**given)[README]
    assert [line for line in text.splitlines() if len(line) > 100 and "http" not in line] == []


@pytest.mark.parametrize("registry", REGISTRIES)
@each_publishing_way
def test_the_login_is_that_of_the_registry(way: str, registry: str) -> None:
    permission, inputs, secrets = REGISTRIES[registry]
    texts = files_for(way=way, registry=registry, image="team/image")
    job = job_of(texts)
    allowed = {"contents": "read", "pull-requests": "write"}
    assert job["permissions"] == allowed | ({permission: "write"} if permission else {})
    common = {"DOCKER_REGISTRY", "IMAGE_NAME", "HUB_START_CHECK", *dict(WAYS[way].inputs)}
    assert set(job["with"]) - common == inputs
    assert set(job.get("secrets", {})) == secrets
    assert job["with"]["DOCKER_REGISTRY"] == registry
    assert job["with"]["IMAGE_NAME"] == "team/image"
    for name in re.findall(r"secrets\.(\w+)", texts[WORKFLOW]):
        assert f"`{name}`" in texts[README]


@each_publishing_way
def test_a_hub_s_repository_is_filled_in(way: str) -> None:
    texts = files_for(way=way, image="team/image", hub_repo="team/hub")
    job = job_of(texts)
    assert job["with"]["HUB_REPO"] == "team/hub"
    assert job["secrets"]["HUB_TOKEN"] == "${{ secrets.HUB_TOKEN }}"
    assert "**Revert**" in texts[README]
    assert "`HUB_TOKEN`" in texts[README]


@each_publishing_way
def test_without_one_the_reference_is_pasted(way: str) -> None:
    texts = files_for(way=way, image="team/image")
    assert "HUB_" not in texts[WORKFLOW].replace("HUB_START_CHECK", "")
    assert "Paste the reference of an earlier run" in " ".join(texts[README].split())
    assert "quay.io/team/image:0123456789ab\n" in texts[README]


def test_a_community_image_is_published_by_nobody() -> None:
    texts = files_for(way="community", base="quay.io/jupyter/r-notebook:2026-06-15")
    job = job_of(texts)
    assert job["with"] == {"NO_PUSH": True, "HUB_START_CHECK": True}
    assert "secrets" not in job
    assert texts["Dockerfile"].endswith("\nFROM quay.io/jupyter/r-notebook:2026-06-15\n")
    assert "   quay.io/jupyter/r-notebook:2026-06-15\n" in texts[README]


@pytest.mark.parametrize("way", WAYS)
def test_newer_bases_are_proposed_where_github_can_read_them(way: str) -> None:
    """It reads a FROM, but no ARG that stands for it."""
    texts = files_for(way=way, **({} if way == "community" else {"image": "team/image"}))
    plain = bool(re.search(r"^FROM [^$\s]+$", texts.get("Dockerfile", ""), re.MULTILINE))
    assert ("ecosystem: docker" in texts[".github/dependabot.yml"]) == plain


def test_packages_of_a_repo2docker_image_are_visible_beside_a_home() -> None:
    texts = files_for(way="repo2docker", image="team/image")
    assert job_of(texts)["with"]["REPO_DIR"] == "/srv/repo"
    dependencies = yaml.safe_load(texts["environment.yml"])["dependencies"]
    assert "jupyterhub-singleuser>=5,<6" in dependencies


# Answers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"image": "team/image"}, "quay.io/team/image"),
        ({"image": "team/image", "registry": "ghcr.io"}, "ghcr.io/team/image"),
        ({"image": "ghcr.io/team/image"}, "ghcr.io/team/image"),
        ({"image": "ghcr.io/team/image", "registry": "ghcr.io"}, "ghcr.io/team/image"),
        ({"image": "localhost:5000/image"}, "localhost:5000/image"),
        ({"image": "image", "registry": "campus.azurecr.io"}, "campus.azurecr.io/image"),
    ],
)
def test_the_name_of_the_image(given: dict[str, str], name: str) -> None:
    image = wanted(way="own", **given).image
    assert image is not None
    assert image.name == name


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "--way inherit"),
        ({"way": "conda", "image": "a/b"}, "'conda' is none of the ways"),
        ({"way": "own"}, "--image: say what it is called"),
        ({"way": "own", "image": "Team/Image"}, "not a legal image name"),
        ({"way": "own", "image": "team/image:1"}, "carries a tag"),
        ({"way": "own", "image": "a/b", "hub_repo": "hub"}, "--hub-repo: 'hub' is not the name"),
        ({"way": "own", "image": "a/b", "base": BASE}, "--base: with `--way own`"),
        ({"way": "inherit", "image": "a/b", "base": "quay.io/a/b"}, "has no tag"),
        ({"way": "inherit", "image": "a/b", "base": "Quay IO"}, "--base:"),
        ({"way": "community", "image": "a/b"}, "--image: with `--way community`"),
        ({"way": "community", "registry": "quay.io"}, "--registry: with"),
        ({"way": "community", "hub_repo": "a/b"}, "--hub-repo: with"),
    ],
)
def test_what_cannot_be_is_refused_with_a_remedy(given: dict[str, str], said: str) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        wanted(**given)


def test_what_was_not_given_is_asked_for() -> None:
    asked: list[Question] = []
    replies = iter(["inherit", BASE, "team/image", REGISTRY, "team/hub"])

    def ask(question: Question) -> str:
        asked.append(question)
        return next(replies)

    found = answers(Given(), ask)
    assert (found.way, found.base, found.hub_repo) == (INHERIT, BASE, "team/hub")
    assert str(found.image) == "quay.io/team/image"
    assert [name for name, _ in asked[0].choices] == list(WAYS)
    assert [one.default for one in asked[1:]] == [BASE, "", REGISTRY, ""]


def test_what_was_given_is_not_asked_for() -> None:
    def ask(question: Question) -> str:
        pytest.fail(question.text)

    given = Given(way="own", image="ghcr.io/team/image", hub_repo="")
    assert answers(given, ask).hub_repo == ""


# Files ---------------------------------------------------------------------------------------


def test_files_are_written_and_scripts_can_be_run(tmp_path: Path) -> None:
    texts = template_repo()
    assert write_new(tmp_path / "new", texts) == tuple(texts)
    assert {path: (tmp_path / "new" / path).read_text() for path in texts} == texts
    assert (tmp_path / "new/start").stat().st_mode & 0o777 == 0o755
    assert not (tmp_path / "new/Dockerfile").stat().st_mode & 0o111


def test_nothing_is_written_when_a_file_would_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM mine\n")
    (tmp_path / "start").mkdir()
    with pytest.raises(InputError, match=r"Dockerfile, start already"):
        write_new(tmp_path, template_repo())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Dockerfile", "start"]
    assert (tmp_path / "Dockerfile").read_text() == "FROM mine\n"


def test_a_second_time_finds_all_there(tmp_path: Path) -> None:
    write_new(tmp_path, template_repo())
    (tmp_path / "start").unlink()
    assert write_new(tmp_path, template_repo()) == ("start",)
    assert write_new(tmp_path, template_repo()) == ()


# The command ---------------------------------------------------------------------------------


def test_the_command_takes_options(tmp_path: Path) -> None:
    options = ["--way", "own", "--registry", "ghcr.io", "--image", "team/image"]
    folder = tmp_path / "image"
    result = CliRunner().invoke(cli, ["init", str(folder), *options])
    assert result.exit_code == 0, result.output
    written = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    assert json.loads(result.stdout) == {"way": "own", "written": written}
    assert f"Go on with {folder}/README.md" in result.stderr


def test_without_a_terminal_nothing_is_asked(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["init", str(tmp_path)], input="own\n")
    assert isinstance(result.exception, InputError)
    assert list(tmp_path.iterdir()) == []
