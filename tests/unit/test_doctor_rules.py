"""Where a rule begins and where it ends: what is found, and what looks like it and is not."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from r2d_action.context import read_context
from r2d_action.doctor import Finding, Settings, decision_of, findings, settings_of
from r2d_action.doctor.finding import Severity
from r2d_action.doctor.runtime_txt import Runtime

BASE = "FROM quay.io/jupyter/base-notebook:2026-06-15\n"
ENVIRONMENT = "channels:\n  - conda-forge\ndependencies:\n  - python=3.12\n  - {}\n"


def write(top: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
        (top / name).chmod(0o755)
    return top


def found_in(
    top: Path, files: dict[str, str], *, for_hub: bool = True, repo_dir: str = ""
) -> tuple[Finding, ...]:
    write(top, files)
    known = Settings(workspace=top, for_hub=for_hub, repo_dir=repo_dir, today=date(2026, 6, 1))
    return findings(read_context(top), known)


def rules(
    top: Path, files: dict[str, str], *, for_hub: bool = True, repo_dir: str = ""
) -> set[str]:
    found = found_in(top, files, for_hub=for_hub, repo_dir=repo_dir)
    return {finding.rule for finding in found}


# Which way repo2docker takes ------------------------------------------------------------------

PACKAGE = '[project]\nname = "a"\n[build-system]\nrequires = []\n'


@pytest.mark.parametrize(
    ("files", "buildpack", "reads"),
    [
        ({"Dockerfile": BASE, "environment.yml": ""}, "docker", ["Dockerfile"]),
        ({"binder/a": "", "Dockerfile": BASE}, "default", []),
        (
            {"Project.toml": "", "environment.yml": "", "requirements.txt": ""},
            "julia",
            ["Project.toml", "environment.yml", "requirements.txt"],
        ),
        ({"REQUIRE": "", "environment.yml": ""}, "julia-require", ["REQUIRE"]),
        ({"REQUIRE": "", "Project.toml": ""}, "julia", ["Project.toml"]),
        ({"default.nix": "", "runtime.txt": "r-4.4-2025-01-01"}, "nix", ["default.nix"]),
        (
            {"runtime.txt": "r-4.4-2025-01-01", "environment.yml": "", "install.R": ""},
            "r",
            ["runtime.txt", "install.R", "environment.yml"],
        ),
        ({"runtime.txt": "r-2025-01-01"}, "r", ["runtime.txt"]),
        ({"runtime.txt": "r-4.4", "requirements.txt": ""}, "default", None),
        ({"DESCRIPTION": "", "environment.yml": ""}, "r", ["DESCRIPTION", "environment.yml"]),
        ({"binder/DESCRIPTION": "", "binder/environment.yml": ""}, "conda", None),
        ({"environment.yaml": "", "environment.yml": ""}, "conda", ["environment.yml"]),
        ({"environment.yaml": "", "requirements.txt": ""}, "conda", ["environment.yaml"]),
        ({"Pipfile": "", "requirements.txt": ""}, "pipfile", ["Pipfile"]),
        ({"Pipfile": "", "runtime.txt": "r-4.4"}, "default", None),
        ({"runtime.txt": "python-3.12"}, "python", ["runtime.txt"]),
        ({"pyproject.toml": PACKAGE}, "python", ["pyproject.toml"]),
        ({"pyproject.toml": "[tool.ruff]\n"}, "default", None),
        ({"pyproject.toml": "[project\n"}, "default", None),
        ({"binder/a": "", "setup.py": ""}, "default", []),
        ({"postBuild": "", "apt.txt": ""}, "default", ["apt.txt", "postBuild"]),
    ],
)
def test_the_first_of_the_buildpacks_wins(
    tmp_path: Path, files: dict[str, str], buildpack: str, reads: list[str] | None
) -> None:
    write(tmp_path, files)
    decision = decision_of(read_context(tmp_path), Settings(workspace=tmp_path))
    assert decision.buildpack.name == buildpack
    assert reads is None or list(decision.reads) == reads


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("python-3.12\n", Runtime("python", "3.12")),
        ("r-4.4-2025-03-01", Runtime("r", "4.4", date(2025, 3, 1))),
        ("r-2025-03-01", Runtime("r", "", date(2025, 3, 1))),
        ("r-2025-13-01", None),
        ("3.12", None),
        ("python-", None),
        ("python 3.12", None),
    ],
)
def test_runtime_txt_is_read_as_repo2docker_reads_it(text: str, expected: Runtime | None) -> None:
    assert Runtime.parse(text) == expected


@pytest.mark.parametrize(
    "files",
    [
        {"environment.yml": ENVIRONMENT.format("pip"), "pyproject.toml": "[tool.ruff]\n"},
        {
            "environment.yml": ENVIRONMENT.format("pip") + "  - pip:\n      - -e .\n",
            "setup.py": "",
        },
        {
            "environment.yml": ENVIRONMENT.format("pip"),
            "setup.py": "",
            "postBuild": "#!/bin/bash\npip install .\n",
        },
    ],
    ids=["no package", "by the list", "by postBuild"],
)
def test_a_package_that_is_installed_or_is_none(tmp_path: Path, files: dict[str, str]) -> None:
    assert rules(tmp_path, files) == set()


def test_a_setup_py_beside_environment_yml_is_not_installed(tmp_path: Path) -> None:
    files = {"environment.yml": ENVIRONMENT.format("numpy"), "setup.py": ""}
    assert rules(tmp_path, files) == {"package-not-installed"}


def test_a_repository_of_images_is_told_of_subdir(tmp_path: Path) -> None:
    (finding,) = found_in(tmp_path, {"images/r/Dockerfile": BASE, "images/a/notes.md": ""})
    assert finding.rule == "no-environment-file"
    assert finding.remedy.endswith("If `images/r/Dockerfile` is meant, set `SUBDIR: images/r`.")


@pytest.mark.parametrize(
    "name",
    ["requirements-dev.txt", "requirements.in", "requirements2.txt", "start.sh", "Description.md"],
)
def test_names_that_are_names_of_their_own(tmp_path: Path, name: str) -> None:
    assert rules(tmp_path, {"environment.yml": ENVIRONMENT.format("numpy"), name: ""}) == set()


# environment.yml ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "rule"),
    [
        ("numpy", None),
        ("numpy=1.26", None),
        ("numpy=1.26.*", None),
        ("numpy==1.26.4", None),
        ("numpy==1.26", "conda-double-equals"),
        ("nbgitpuller==1.2", None),
        ("numpy>=1.26,<2", None),
        ("numpy >=1.26,<2", None),
        ("numpy 1.26", None),
        ("numpy=1.26=py312h_0", None),
        ("conda-forge::numpy", None),
        ("conda-forge/linux-64::numpy", None),
        ("numpy[version='>=1.26']", None),
        ("jupyter_server~=2.0", None),
        ("numpy =1.26", "conda-blank-in-pin"),
        ("numpy = 1.26", "conda-blank-in-pin"),
        ("numpy=>1.26", "conda-spec-invalid"),
        ("numpy>=", "conda-spec-invalid"),
        ("numpy>=1.26 <2", "conda-spec-invalid"),
        ("-e .", "pip-language-for-conda"),
        ("https://example.org/a.whl", "pip-language-for-conda"),
        ("dask[complete]", "conda-extra"),
        ("m2w64-gcc-libs", "conda-windows-package"),
        ("vc", "conda-windows-package"),
        ("vcrpy", None),
    ],
)
def test_entries_of_conda(tmp_path: Path, entry: str, rule: str | None) -> None:
    found = rules(tmp_path, {"environment.yml": ENVIRONMENT.format(f'"{entry}"')})
    assert found == ({rule} if rule else set())


@pytest.mark.parametrize(
    ("entry", "rule"),
    [
        ("python=3.12", None),
        ("python=3.12.*", None),
        ("python =3.12", "conda-blank-in-pin"),
        ("python=3", None),
        ("python=3.9", "python-end-of-life"),
        ("python=3.15", "python-unsupported"),
        ("python>=3.12", "python-range"),
        ("python<3.13", "python-range"),
        ("python-dateutil", "python-not-named"),
        ("python", None),
    ],
)
def test_versions_of_python(tmp_path: Path, entry: str, rule: str | None) -> None:
    text = ENVIRONMENT.replace("python=3.12", "pandas").format(entry)
    assert rules(tmp_path, {"environment.yml": text}) == ({rule} if rule else set())


def test_a_pip_list_that_is_no_list(tmp_path: Path) -> None:
    text = ENVIRONMENT.format("pip") + "  - pip: nbgitpuller\n"
    assert rules(tmp_path, {"environment.yml": text}) == {"conda-empty-pip"}


# pip ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("numpy", None),
        ("numpy == 1.26", None),
        ("numpy>=1.26,<2  # why", None),
        ("jupyterhub[test]~=5.0", None),
        ("package @ https://example.org/package.whl", None),
        ("git+ssh://git@example.org/package.git@v1", None),
        ("--extra-index-url https://example.org/", None),
        ("-c https://example.org/constraints.txt", None),
        ("${INDEX}/package.whl", None),
        ("wheels/package-1.0-py3-none-any.whl", None),
        ("-e .", "pip-path-missing"),
        ("--editable=./course", "pip-path-missing"),
        ("-e git+https://example.org/package.git#egg=package", None),
        ("-c constraints.txt", "pip-list-missing"),
        ("numpy=1.26", "pip-single-equals"),
        ("numpy 1.26", "pip-spec-invalid"),
        ("pip install numpy", "pip-spec-invalid"),
        ("cv2", "pip-other-name"),
        ("windows-curses", "pip-windows-package"),
    ],
)
def test_lines_for_pip(tmp_path: Path, line: str, rule: str | None) -> None:
    found = rules(tmp_path, {"requirements.txt": f"{line}\n"})
    assert found == ({rule} if rule else set())


# Scripts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ('#!/bin/bash\nexec "$@"\n', None),
        ('#!/bin/bash -l\n\nexec jupyter-repo "${@}"\n', None),
        ('#!/bin/bash\ncmd=("$@")\nexec "${cmd[@]}"\n', None),
        ("#!/bin/bash\nexec $*\n", None),
        ("#!/usr/bin/env python3\nimport os, sys\nos.execvp(sys.argv[1], sys.argv[1:])\n", None),
        ('#!/bin/bash\n"$@"\n', "start-without-exec"),
        ('#!/bin/bash\n# exec "$@"\n"$@"\n', "start-without-exec"),
        ("#!/bin/bash\nexec jupyter lab\n", "start-never-hands-over"),
        ('export A=1\nexec "$@"\n', "start-without-shebang"),
    ],
)
def test_start_hands_over(tmp_path: Path, text: str, rule: str | None) -> None:
    files = {"start": text, "requirements.txt": "numpy\n"}
    assert rules(tmp_path, files, repo_dir="/srv/repo") == ({rule} if rule else set())


@pytest.mark.parametrize(
    ("repo_dir", "for_hub", "found"),
    [
        ("", True, True),
        ("/home/jovyan/course", True, True),
        ("/srv/repo", True, False),
        ("", False, False),
    ],
)
def test_start_lies_under_the_home_of_a_hub(
    tmp_path: Path, repo_dir: str, for_hub: bool, found: bool
) -> None:
    files = {"start": '#!/bin/bash\nexec "$@"\n', "requirements.txt": "numpy\n"}
    said = rules(tmp_path, files, for_hub=for_hub, repo_dir=repo_dir)
    assert said == ({"start-under-home"} if found else set())


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("conda install --yes numpy", None),
        ("mamba install -y -c conda-forge numpy", None),
        ("mamba env update --file more.yml", None),
        ("conda install -c conda-forge numpy", "postbuild-asks"),
        ("# conda install numpy", None),
        ("apt-get update", "postbuild-needs-root"),
        ("echo apt-get", None),
        ("jupyter serverextension enable x", "jupyter-command-gone"),
        ("jupyter server extension enable x", None),
    ],
)
def test_commands_of_postbuild(tmp_path: Path, line: str, rule: str | None) -> None:
    files = {"postBuild": f"#!/bin/bash\n{line}\n", "requirements.txt": "numpy\n"}
    assert rules(tmp_path, files) == ({rule} if rule else set())


def test_old_commands_exist_with_an_old_notebook(tmp_path: Path) -> None:
    text = "#!/bin/bash\njupyter nbextension enable x\n"
    assert rules(tmp_path, {"postBuild": text, "requirements.txt": "notebook==6.5.7\n"}) == set()


# Dockerfile -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ('ENTRYPOINT ["tini", "-g", "--", "start.sh"]', None),
        ("ENTRYPOINT []", None),
        ('ENTRYPOINT ["/bin/bash", "-c", "source /a; exec \\"$@\\"", "--"]', None),
        ('ENTRYPOINT ["/bin/bash", "-lc", "jupyter lab"]', "entrypoint-swallows-command"),
        ('ENTRYPOINT ["bash", "/opt/start"]', None),
        ('ENTRYPOINT ["python3", "-m", "jupyterlab"]', "entrypoint-swallows-command"),
        ('ENTRYPOINT ["python3", "/opt/wrapper.py"]', None),
        ('ENTRYPOINT ["/opt/conda/bin/jupyter-lab"]', "entrypoint-swallows-command"),
        ('ENTRYPOINT ["jupyterhub-singleuser"]', "entrypoint-swallows-command"),
        ('CMD ["jupyter", "lab"]', None),
        ("ENTRYPOINT jupyter lab", "entrypoint-without-brackets"),
        ("USER root\nUSER ${NB_USER}", None),
        ("USER root", "runs-as-root"),
        ("USER 0:0", "runs-as-root"),
        ("USER root\nRUN apt-get update && apt-get install -qq git\nUSER 1000", None),
        ("USER root\nRUN apt-get update && apt-get -y install git\nUSER 1000", None),
        ("USER root\nRUN apt-get update && apt install git\nUSER 1000", "apt-asks"),
        ("USER root\nRUN apt --reinstall install coreutils\nUSER 1000", None),
        ("RUN sudo apt-get update && sudo apt-get install -y git", None),
        ("RUN apt-get update && apt-get install -y git", "apt-as-user"),
        ("COPY --from=quay.io/org/tools:1 /a /b", None),
        ("COPY https://example.org/a /b", None),
        ("ADD https://example.org/a /b", None),
        ("COPY *.txt ${SOURCE} /opt/", None),
        ("COPY <<EOF /opt/a\nFROM nothing\nEOF", None),
        ("COPY Data /opt/", "copy-source-missing"),
        ("COPY data data/a.csv ./data /opt/", None),
        ("COPY data ${HOME}/data", "copy-under-home"),
        ("COPY data /home/${NB_USER}/", "copy-under-home"),
        ("COPY data /homework/", None),
    ],
)
def test_steps_of_a_dockerfile(tmp_path: Path, line: str, rule: str | None) -> None:
    files = {"Dockerfile": f"{BASE}{line}\n", "data/a.csv": "1\n"}
    assert rules(tmp_path, files) == ({rule} if rule else set())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("FROM quay.io/jupyter/base-notebook:latest\n", True),
        ("FROM quay.io/jupyter/base-notebook\n", True),
        ("FROM localhost:5000/base\n", True),
        ("FROM localhost:5000/base:1\n", False),
        (f"FROM quay.io/jupyter/base-notebook@sha256:{'0' * 64}\n", False),
        ("ARG TAG=latest\nFROM quay.io/jupyter/base-notebook:${TAG}\n", True),
        ("ARG TAG\nFROM quay.io/jupyter/base-notebook:${TAG}\n", False),
        (f"{BASE.strip()} AS first\nFROM first\n", False),
        (f"{BASE.strip()} AS First\nFROM first\n", False),
        ("FROM base_image\n", False),
        ("FROM scratch\n", False),
    ],
)
def test_bases_that_change(tmp_path: Path, text: str, found: bool) -> None:
    assert rules(tmp_path, {"Dockerfile": text}) == ({"base-unpinned"} if found else set())


def test_some_images_read_the_files_by_themselves(tmp_path: Path) -> None:
    text = f"{BASE.strip()} AS tools\nFROM pangeo/base-image:2026.06.01\n"
    files = {"Dockerfile": text, "environment.yml": ENVIRONMENT.format("numpy"), "postBuild": ""}
    assert rules(tmp_path, files) == set()


USER = "RUN useradd --uid 1000 jovyan\n"


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"Dockerfile": "FROM ubuntu:24.04\n"}, {"no-singleuser", "no-user-1000"}),
        ({"Dockerfile": f"FROM docker.io/library/ubuntu:24.04\n{USER}"}, {"no-singleuser"}),
        ({"Dockerfile": f"FROM ubuntu:24.04\n{USER}RUN pip install jupyterhub\n"}, set()),
        (
            {
                "Dockerfile": f"FROM rocker/r-ver:4.4\n{USER}COPY scripts /s\nRUN /s/all.sh\n",
                "scripts/all.sh": "pip install jupyterhub\n",
            },
            set(),
        ),
        (
            {
                "Dockerfile": f"FROM python:3.12\n{USER}COPY . /src\n",
                "requirements.txt": "jupyterhub\n",
            },
            {"dockerfile-shadows-environment"},
        ),
        ({"Dockerfile": "FROM rocker/binder:4.4\n"}, set()),
        ({"Dockerfile": "FROM ubuntu:24.04\nONBUILD USER root\n"}, set()),
    ],
)
def test_bases_that_lack_what_a_hub_needs(
    tmp_path: Path, files: dict[str, str], found: set[str]
) -> None:
    assert rules(tmp_path, files) == found
    assert not rules(tmp_path, files, for_hub=False) & {"no-singleuser", "no-user-1000"}


# What is known without a run ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "for_hub", "repo_dir"),
    [
        ({}, True, ""),
        ({"README.md": "https://mybinder.org/v2/gh/org/course"}, False, ""),
        ({".github/workflows/a.yml": "  REPO_DIR: '/srv/repo'\n"}, True, "/srv/repo"),
        ({".github/workflows/a.yml": "  BINDER_CACHE: true\n"}, False, ""),
        ({".github/workflows/a.yml": "uses: org/x/.github/workflows/b.yml@v1\n"}, False, ""),
    ],
)
def test_the_workflows_and_the_readme_tell_of_the_hub(
    tmp_path: Path, files: dict[str, str], for_hub: bool, repo_dir: str
) -> None:
    settings = settings_of(write(tmp_path, files), workspace=tmp_path)
    assert (settings.for_hub, settings.repo_dir) == (for_hub, repo_dir)


def test_the_worst_comes_first(tmp_path: Path) -> None:
    write(tmp_path, {"environment.yml": "dependencies:\n  - python: 3.12\n  - numpy =1\n"})
    found = findings(read_context(tmp_path), Settings(workspace=tmp_path))
    severities = [finding.severity for finding in found]
    assert severities == sorted(severities, key=list(Severity).index)
    assert len(set(severities)) == 3


@pytest.mark.parametrize("name", ["test_a.py", "a_test.py", "a.ipynb", "deep/test_a.py"])
def test_image_tests_are_found(tmp_path: Path, name: str) -> None:
    files = {"requirements.txt": "numpy\n", f"image-tests/{name}": "", "image-tests/b.txt": ""}
    assert rules(tmp_path, files) == set()
