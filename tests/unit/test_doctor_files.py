"""What cannot lie in a repository: large files, tokens, logins, links to devices."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r2d_action.context import read_context
from r2d_action.doctor import Finding, Settings, findings, settings_of
from r2d_action.doctor.files import LARGE
from r2d_action.errors import Place

TODAY = date(2026, 6, 1)
# In two parts, so that nobody who looks for tokens finds one here.
GITHUB_TOKEN = "ghp" + "_" + "0a" * 18
KEY = "-----BEGIN OPENSSH PRIVATE" + " KEY-----\n" + "b3Blbn" * 10 + "\n"


def write(top: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    return top


def found(top: Path, *, prefix: str = "", workspace: Path | None = None) -> list[Finding]:
    known = Settings(workspace=workspace or top, prefix=prefix, today=TODAY)
    return list(findings(read_context(top), known))


def rules(top: Path) -> list[tuple[str, Place]]:
    return [(one.rule, one.place) for one in found(top)]


@pytest.fixture
def top(tmp_path: Path) -> Path:
    return write(tmp_path, {"requirements.txt": "numpy\n"})


def large(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)


def test_a_large_file_is_found(top: Path) -> None:
    large(top / "data.nc", LARGE + 1)
    large(top / "other.nc", LARGE)
    assert rules(top) == [("large-file", Place("data.nc"))]


def test_a_large_file_that_stays_out_is_not(top: Path) -> None:
    large(top / "data.nc", LARGE + 1)
    write(top, {".dockerignore": "*.nc\n"})
    assert rules(top) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"x = 1\ntoken = '{GITHUB_TOKEN}'\n", 2),
        (KEY, 1),
        ('{"private_key": "' + KEY.replace("\n", "\\n") + '"}', 1),
        ("key: AKIA" + "IOSFODNN7ABCDEFG\n", 1),
    ],
    ids=["github", "key", "service account", "amazon"],
)
def test_a_secret_is_found_on_its_line_and_not_repeated(top: Path, text: str, line: int) -> None:
    write(top, {"course/notes.py": text})
    (finding,) = found(top)
    assert (finding.rule, finding.place) == ("secret-in-file", Place("course/notes.py", line))
    assert GITHUB_TOKEN not in finding.message + finding.remedy


@pytest.mark.parametrize(
    "files",
    [
        {"tests/key.pem": KEY},
        {"notes.md": "AKIA" + "IOSFODNN7EXAMPLE and ghp" + "_xxxx and -----BEGIN PRIVATE KEY-----"},
        {".env": "PYTHONPATH=src\nTOKEN=\nPASSWORD=<yours>\nAPI_KEY=${KEY}\n"},
        {".env.example": "API_TOKEN=abcdefgh12345678\n"},
        {"key.txt": KEY, ".dockerignore": "key.txt\n"},
    ],
    ids=["made for tests", "examples", "no value", "template", "stays out"],
)
def test_what_is_no_secret_is_left_alone(top: Path, files: dict[str, str]) -> None:
    assert rules(write(top, files)) == []


def test_a_private_key_is_known_by_its_name(top: Path) -> None:
    assert rules(write(top, {"keys/id_rsa": ""})) == [("secret-file", Place("keys/id_rsa"))]


def test_a_login_is_named_with_what_put_it_there(top: Path) -> None:
    write(top, {"$HOME/.docker/config.json": "{}"})
    (finding,) = found(top)
    assert finding.rule == "credential-left-out"
    assert "remove DOCKER_CONFIG" in finding.remedy


def test_links_to_devices_to_nowhere_and_to_themselves_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "environment.yml").symlink_to("/dev/zero")
    (tmp_path / "start").symlink_to("start")
    (tmp_path / "postBuild").symlink_to("nowhere")
    names = {rule for rule, _ in rules(tmp_path)}
    assert names >= {"link-leaves-repository", "no-dependencies"}


def test_a_link_inside_the_repository_is_a_file_like_others(top: Path) -> None:
    (top / "latest").symlink_to("requirements.txt")
    assert rules(top) == []


def test_a_setup_py_alone_is_a_note(tmp_path: Path) -> None:
    write(tmp_path, {"setup.py": "from setuptools import setup\nsetup(name='course')\n"})
    assert rules(tmp_path) == [("package-alone", Place("setup.py", 1))]


def test_requirements_in_utf16_are_what_pip_understands(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_bytes("numpy==2.1.0\r\n".encode("utf-16"))
    assert rules(tmp_path) == []


def test_places_are_seen_from_the_checkout(tmp_path: Path) -> None:
    top = write(tmp_path / "images" / "r", {"environment.yml": "dependencies:\n  - python: 3.10\n"})
    places = {one.place for one in found(top, prefix="images/r", workspace=tmp_path)}
    assert Place("images/r/environment.yml", 2) in places


def test_of_an_empty_checkout_nothing_is_said(tmp_path: Path) -> None:
    assert found(tmp_path) == []


WORDS = """dependencies: channels: pip: - numpy =1 == [ ] { } & * ! | > ' " \\ # -r -e . .. / $ ${A}
    FROM RUN COPY USER ENTRYPOINT <<EOF EOF python-3.12 r-4.4 \x00 \ufeff é"""
PATHS = """Dockerfile environment.yml requirements.txt runtime.txt apt.txt Pipfile Pipfile.lock
    postBuild start Project.toml pyproject.toml .dockerignore .gitmodules binder/Dockerfile
    binder/environment.yml .github/workflows/a.yml install.R default.nix"""
TEXTS = st.lists(st.sampled_from([*WORDS.split(), " ", "\t", "\n", "\r\n", "\n  "])).map("".join)


@settings(deadline=None, max_examples=150)
@given(files=st.dictionaries(st.sampled_from(PATHS.split()), TEXTS, max_size=4))
def test_nothing_that_people_write_breaks_it(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, str]
) -> None:
    top = tmp_path_factory.mktemp("repository")
    write(top, files)
    for finding in found(top):
        line, path = finding.place.line, top / finding.place.path
        if line is not None:
            count = path.read_bytes().count(b"\n") + 1
            assert 1 <= line <= count


@pytest.mark.parametrize("target", ["nowhere", "/dev/zero", "."])
def test_a_readme_and_a_workflow_that_are_no_files_do_no_harm(top: Path, target: str) -> None:
    # R makes the folder for the figures of README.Rmd.
    write(top, {"README_files/figure.svg": "", ".github/workflows/other.yml": ""})
    (top / "README.md").symlink_to(target)
    (top / ".github" / "workflows" / "link.yml").symlink_to(target)
    assert settings_of(top, top).for_hub
    assert isinstance(found(top), list)
