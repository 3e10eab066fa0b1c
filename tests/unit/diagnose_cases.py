"""Failed builds, as they were captured, and what is said of them.

``streams/`` holds two files for each: what repo2docker printed, and the files of the
repository that it was about, as lists of lines. Its README.md tells where they come from.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

from r2d_action.report.diagnose import Sources

STREAMS = Path(__file__).parent / "streams"
APPENDIX = "appendix.txt"


class Case(NamedTuple):
    """``place`` is ``file:line``, ``file`` or nothing; the others are parts of the sentences."""

    name: str
    place: str
    what: str
    remedy: str


CASES = (
    Case(
        "apt/conflict",
        "Dockerfile:2",
        "apt cannot install `postfix` and `exim4-daemon-light` together",
        "Leave one of them out",
    ),
    Case(
        "apt/no_candidate",
        "Dockerfile:2",
        "apt knows `python-pip` by name only and cannot install it",
        "python3-pip",
    ),
    Case(
        "apt/no_candidate_in_apt_txt",
        "binder/apt.txt:2",
        "apt knows `python-pip` by name only and cannot install it",
        "python3-pip",
    ),
    Case("apt/no_root", "Dockerfile:2", "apt may not install packages here", "USER root"),
    Case(
        "apt/no_update",
        "Dockerfile:3",
        "apt cannot find `tree`",
        "RUN apt-get update && apt-get install --yes tree",
    ),
    Case(
        "apt/release",
        "Dockerfile:2",
        "apt does not get packages from `http://mirror.example/debian jessie`",
        "newer image",
    ),
    Case(
        "apt/stale_list",
        "Dockerfile:2",
        "apt asks for files that are no longer on the server",
        "RUN apt-get update && apt-get install --yes …",
    ),
    Case(
        "apt/unknown", "Dockerfile:5", "apt cannot find `graphvizz`", "Look up the package's name"
    ),
    Case(
        "apt/unknown_in_apt_txt",
        "apt.txt:3",
        "apt cannot find `graphvizz`",
        "correct it in `apt.txt`, line 3",
    ),
    Case(
        "apt/version",
        "Dockerfile:2",
        "apt has `tree`, but not in version `9.9`",
        "write `tree` alone",
    ),
    Case(
        "apt/windows_list",
        "apt.txt:1",
        "`apt.txt` has the line ends of Windows, which Linux does not understand",
        "apt.txt text eol=lf",
    ),
    Case(
        "base_image/format_error",
        "Dockerfile:3",
        "The image, or a program in it, is made for another kind of processor",
        "linux/amd64",
    ),
    Case(
        "base_image/not_found",
        "Dockerfile:1",
        "There is no image `registry.example:5000/team/base:trixie`",
        "tags",
    ),
    Case(
        "base_image/unknown_stage",
        "Dockerfile:2",
        "`--from=builder` names no part of this Dockerfile",
        "FROM some/image:tag AS builder",
    ),
    Case(
        "base_image/without_wget",
        "",
        "The image to start from lacks programs that repo2docker needs",
        "--Repo2Docker.base_image",
    ),
    Case(
        "checkout/lfs",
        "prepare.py:4",
        "The checkout has only a placeholder of `data/census.json`",
        "lfs: true",
    ),
    Case(
        "checkout/submodule",
        "requirements.txt:2",
        "`lib/tool` is a git submodule, and its files are not in the checkout",
        "submodules: true",
    ),
    Case(
        "compiling/bad_version",
        "Dockerfile:3",
        "The Python package of this repository could not be built",
        "`pip install .` on your own machine",
    ),
    Case(
        "compiling/compiler",
        "Dockerfile:2",
        "`psutil` has to be compiled, and the image lacks `build-essential` and",
        "apt-get install --yes build-essential python3-dev",
    ),
    Case(
        "compiling/gcc",
        "requirements.txt:2",
        "`pygraphviz` has to be compiled, and the image lacks `build-essential`",
        "build-essential",
    ),
    Case(
        "compiling/own_compiler",
        "requirements.txt:2",
        "of this repository has to be compiled, and the image lacks `build-essential`",
        "build-essential",
    ),
    Case(
        "compiling/own_setup",
        "setup.py:3",
        "The Python package of this repository could not be built",
        "Correct `setup.py`, line 3",
    ),
    Case(
        "compiling/pg_config",
        "requirements.txt:2",
        "`psycopg2` has to be compiled, and the image lacks `build-essential`",
        "libpq-dev",
    ),
    Case(
        "compiling/sklearn",
        "binder/requirements.txt:2",
        "`sklearn` could not be built from its source",
        "scikit-learn",
    ),
    Case(
        "conda/pip_part",
        "environment.yml:9",
        "pip cannot find `no-such-package-at-all==2.0`",
        "`environment.yml`, line 9",
    ),
    Case(
        "conda/pip_part_conflict",
        "environment.yml:5",
        "pip cannot install `requests==2.32.0` and `urllib3==1.20` together",
        "Loosen or remove the version",
    ),
    Case(
        "dockerfile/appendix",
        "appendix.txt:4",
        "apt cannot find `graphvizz`",
        "RUN apt-get update && apt-get install --yes graphvizz",
    ),
    Case(
        "dockerfile/bad_name",
        "Dockerfile:1",
        "`Jupyter/Base:1` in the `FROM` line is not the name of an image",
        "registry/name:tag",
    ),
    Case(
        "dockerfile/blank",
        "Dockerfile:1",
        "The Dockerfile has no instructions",
        "FROM quay.io/jupyter/base-notebook:latest",
    ),
    Case(
        "dockerfile/copy_from",
        "Dockerfile:5",
        "There is no `/opt/built` in `builder`",
        "Correct the path",
    ),
    Case(
        "dockerfile/copy_ignored",
        "Dockerfile:3",
        "`requirements.txt` is needed and does not take part in the build",
        "!requirements.txt",
    ),
    Case(
        "dockerfile/copy_ignored_folder",
        "Dockerfile:3",
        "`data/census.csv` is needed and does not take part in the build",
        "!data/census.csv",
    ),
    Case(
        "dockerfile/copy_missing",
        "Dockerfile:2",
        "There is no `requirement.txt` in the repository",
        "Did you mean `requirements.txt`?",
    ),
    Case(
        "dockerfile/copy_outside",
        "Dockerfile:2",
        "`shared` lies outside of the folder that is built",
        "Move the file into the folder",
    ),
    Case(
        "dockerfile/earlier_stage",
        "Dockerfile:4",
        "The command `make` is not in the image",
        "--yes make",
    ),
    Case(
        "dockerfile/empty_from",
        "Dockerfile:1",
        "The `FROM` line names no image: `${BASE}` has no value",
        "ARG BASE=quay.io/jupyter/base-notebook:latest",
    ),
    Case(
        "dockerfile/from_arguments",
        "Dockerfile:2",
        "A line of the Dockerfile is not complete: FROM requires either one or",
        "Complete the line",
    ),
    Case(
        "dockerfile/generated_appendix",
        "appendix.txt:3",
        "The step `RUN echo hi && false` failed with exit code 1",
        "Change `appendix.txt`, line 3",
    ),
    Case(
        "dockerfile/heredoc_open",
        "Dockerfile:2",
        "The end of a block that begins with `<<` is missing",
        "End the block",
    ),
    Case(
        "dockerfile/ignored_environment_file",
        ".dockerignore:1",
        "`requirements.txt` is needed and does not take part in the build",
        "!requirements.txt",
    ),
    Case(
        "dockerfile/quote",
        "Dockerfile:2",
        "A quotation mark is opened and never closed (`double-quote`)",
        "Close it",
    ),
    Case(
        "dockerfile/run_false",
        "Dockerfile:4",
        "The step `RUN false` failed with exit code 1",
        "Change `Dockerfile`, line 4",
    ),
    Case(
        "dockerfile/unknown_flag", "Dockerfile:2", "`--own` is no option of a Dockerfile", "--chown"
    ),
    Case(
        "dockerfile/unknown_instruction",
        "Dockerfile:3",
        "`RUNN` is no instruction of a Dockerfile",
        "RUN",
    ),
    Case(
        "dockerfile/user_exists",
        "Dockerfile:3",
        "The image has a user with the number 1000 already",
        "USER 1000",
    ),
    Case(
        "dockerfile/user_missing",
        "Dockerfile:2",
        "The image has no user `jovyan`",
        "RUN useradd --create-home --uid 1000 jovyan",
    ),
    Case(
        "former_builder/apt_txt",
        "binder/apt.txt:4",
        "apt cannot find `graphvizz`",
        "`binder/apt.txt`, line 4",
    ),
    Case(
        "former_builder/copy_ignored",
        "Dockerfile:3",
        "`data/census.csv` is needed and does not take part in the build",
        "!data/census.csv",
    ),
    Case(
        "former_builder/copy_missing",
        "binder/Dockerfile:3",
        "There is no `requirement.txt` in the repository",
        "Did you mean `requirements.txt`?",
    ),
    Case(
        "former_builder/killed",
        "Dockerfile:4",
        "The step `RUN sh -c 'kill -9 $$'` was stopped",
        "larger runner",
    ),
    Case(
        "former_builder/no_tag",
        "Dockerfile:2",
        "There is no image `registry.example:5000/team/plain:2031`",
        "tags",
    ),
    Case(
        "former_builder/no_user",
        "Dockerfile:2",
        "The image has no user `rstudio`",
        "RUN useradd --create-home --uid 1000 rstudio",
    ),
    Case(
        "former_builder/no_value",
        "Dockerfile:2",
        "The `FROM` line names no image: `${BASE}` has no value",
        "FROM ${BASE}",
    ),
    Case(
        "former_builder/postbuild",
        "binder/postBuild:5",
        "`binder/postBuild` ended with exit code 1",
        "Correct `binder/postBuild`, line 5",
    ),
    Case(
        "former_builder/run",
        "Dockerfile:5",
        "The command `fetch-the-data` is not in the image",
        "`Dockerfile`, line 5",
    ),
    Case(
        "former_builder/unknown_instruction",
        "Dockerfile:3",
        "`RUNN` is no instruction of a Dockerfile",
        "RUN",
    ),
    Case(
        "from_public_logs/apt_asks",
        "Dockerfile:2",
        "apt asks whether it should go on, and nobody can answer in a build",
        "apt-get install --yes",
    ),
    Case(
        "from_public_logs/certificate",
        "Dockerfile:2",
        "The certificate of a server could not be checked",
        "ca-certificates",
    ),
    Case(
        "from_public_logs/conda_channel",
        "environment.yml:2",
        "There is no conda channel `onda-forge`",
        "- conda-forge",
    ),
    Case(
        "from_public_logs/conda_classic_conflict",
        "Dockerfile:2",
        "conda cannot install `cutadapt=5.0` and `python=3.13` together",
        "Loosen",
    ),
    Case(
        "from_public_logs/conda_classic_missing",
        "environment.yml:6",
        "conda cannot find `numpi`",
        "- numpi",
    ),
    Case(
        "from_public_logs/conda_conflict",
        "environment.yml:5",
        "conda cannot install `cutadapt=5.0` and `python=3.13` together",
        "begin with `environment.yml`, line 5",
    ),
    Case(
        "from_public_logs/conda_disk",
        "environment.yml",
        "The disk of the machine that builds is full",
        "FREE_DISK_SPACE: true",
    ),
    Case(
        "from_public_logs/conda_exported",
        "environment.yml:6",
        "conda cannot find `tk==8.6.12`, `xz==5.2.6` and `zlib==1.2.13`",
        "conda env export --from-history",
    ),
    Case(
        "from_public_logs/conda_killed",
        "environment.yml",
        "The step that takes in `environment.yml` was stopped, most likely for",
        "larger runner",
    ),
    Case(
        "from_public_logs/conda_mamba1_conflict",
        "environment.yml:6",
        "conda cannot install `tensorflow` and `python` together",
        "Loosen",
    ),
    Case(
        "from_public_logs/conda_missing",
        "environment.yml:7",
        "conda cannot find `numpi`",
        "- numpi",
    ),
    Case(
        "from_public_logs/conda_missing_several",
        "environment.yml:5",
        "conda cannot find `pysimplegui==5.0.4` and `tables_`",
        "- tables_",
    ),
    Case(
        "from_public_logs/conda_needed_by",
        "environment.yml:6",
        "conda cannot install `oldtool`: no channel has the `openssl` that it needs",
        "newer version",
    ),
    Case(
        "from_public_logs/conda_network",
        "",
        "The build could not reach `conda.example`",
        "Run the job again",
    ),
    Case(
        "from_public_logs/conda_nothing_provides",
        "environment.yml:6",
        "conda cannot find `quarto_cli`",
        "- quarto_cli",
    ),
    Case(
        "from_public_logs/conda_other_name",
        "environment.yml:5",
        "conda cannot find `torch`",
        "is `pytorch`",
    ),
    Case(
        "from_public_logs/conda_pin",
        "environment.yml:6",
        "conda cannot install `python=3.13` and `snakemake-minimal<8` together",
        "begin with `environment.yml`, line 6",
    ),
    Case(
        "from_public_logs/conda_spec",
        "environment.yml:6",
        "conda does not understand `polars[version='>=',build=1.22.0]`",
        "Correct `environment.yml`, line 6",
    ),
    Case(
        "from_public_logs/conda_unsolved",
        "environment.yml",
        "conda finds no set of packages that satisfies the environment file",
        "Remove versions",
    ),
    Case(
        "from_public_logs/conda_version",
        "binder/environment.yml:6",
        "conda cannot find `xarray=2031.1`",
        "write `xarray` without a version",
    ),
    Case(
        "from_public_logs/conda_version_mamba1",
        "environment.yml:6",
        "conda cannot find `pandas=9.1`",
        "write `pandas` without a version",
    ),
    Case(
        "from_public_logs/conda_version_text",
        "environment.yml:6",
        "conda does not understand `>1`",
        "Correct `environment.yml`, line 6",
    ),
    Case(
        "from_public_logs/conda_virtual",
        "environment.yml:5",
        "conda cannot install `rqbit` beside what is there already",
        "Loosen",
    ),
    Case(
        "from_public_logs/denied",
        "Dockerfile:2",
        "The registry does not hand out `team/secret:1`",
        "registry: docker.io",
    ),
    Case(
        "from_public_logs/denied_quay",
        "Dockerfile:1",
        "The registry does not hand out `quay.io/team/secret:1`",
        "registry: quay.io",
    ),
    Case(
        "from_public_logs/disk_export",
        "Dockerfile",
        "The disk of the machine that builds is full",
        "FREE_DISK_SPACE: true",
    ),
    Case(
        "from_public_logs/exec_format",
        "Dockerfile:2",
        "The image, or a program in it, is made for another kind of processor",
        "linux/amd64",
    ),
    Case(
        "from_public_logs/git_private",
        "environment.yml:7",
        "The build is not let in to `git+https://code.example/team/mytool@main`",
        "If the repository is private",
    ),
    Case(
        "from_public_logs/git_revision",
        "Dockerfile:2",
        "The git repository has no branch, tag or commit `v9`",
        "after the `@`",
    ),
    Case(
        "from_public_logs/lab_build",
        "binder/postBuild:4",
        "JupyterLab could not be built anew",
        "install the extension as a Python package",
    ),
    Case(
        "from_public_logs/manifest_unknown",
        "binder/Dockerfile:1",
        "There is no image `quay.io/jupyter/base-notebook:2031`",
        "tags",
    ),
    Case(
        "from_public_logs/memory_compiler",
        "Dockerfile:2",
        "The step `RUN pip install --no-binary :all: scipy` was stopped, most",
        "larger runner",
    ),
    Case(
        "from_public_logs/network_later_success",
        "Dockerfile:2",
        "pip cannot find `nosuchthing`",
        "correct `Dockerfile`, line 2",
    ),
    Case(
        "from_public_logs/pip_different_python",
        "Dockerfile:3",
        "`tool` does not work with the Python of this image",
        "start from an image that has it",
    ),
    Case(
        "from_public_logs/pip_header",
        "requirements.txt:2",
        "`pygraphviz` has to be compiled, and the image lacks `libgraphviz-dev`",
        "--yes libgraphviz-dev",
    ),
    Case(
        "from_public_logs/pip_header_new",
        "Dockerfile:2",
        "`gdal` has to be compiled, and the image lacks `libgdal-dev` for it",
        "--yes libgdal-dev",
    ),
    Case(
        "from_public_logs/pip_invalid_new",
        "requirements.txt:1",
        "pip does not understand `numpy=2.0`",
        "numpy==2.0",
    ),
    Case(
        "from_public_logs/platform",
        "Dockerfile:1",
        "`team/mac:1` is made for another kind of processor than this machine's",
        "linux/amd64",
    ),
    Case(
        "from_public_logs/podman",
        "Dockerfile:3",
        "pip cannot find `numpi`",
        "correct `Dockerfile`, line 3",
    ),
    Case(
        "from_public_logs/postbuild_bad_interpreter",
        "binder/postBuild:1",
        "`binder/postBuild` has the line ends of Windows, which Linux does not",
        "postBuild text eol=lf",
    ),
    Case(
        "from_public_logs/postbuild_lab_build",
        ".binder/postBuild",
        "`.binder/postBuild` ended with exit code 1",
        "set -ex",
    ),
    Case(
        "from_public_logs/r_deb_hint",
        "Dockerfile:2",
        "`curl` has to be compiled, and the image lacks `libcurl4-openssl-dev`",
        "--yes libcurl4-openssl-dev",
    ),
    Case(
        "from_public_logs/r_dependency",
        "install.R:2",
        "`sf` has to be compiled, and the image lacks `libgdal-dev` for it",
        "--yes libgdal-dev",
    ),
    Case(
        "from_public_logs/r_dependency_only",
        "Dockerfile:2",
        "R cannot install `tmap`, because `units` and `sf` did not install",
        "Install `units` and `sf`",
    ),
    Case(
        "from_public_logs/r_description",
        "DESCRIPTION:5",
        "R cannot find `nosuchpkg`",
        "Remotes:",
    ),
    Case(
        "from_public_logs/r_github",
        "Dockerfile:2",
        "R cannot install a package from its repository",
        "owner/repository@branch",
    ),
    Case(
        "from_public_logs/r_itself",
        "runtime.txt:1",
        "R 4.3 could not be installed",
        "r-4.4-2025-03-01",
    ),
    Case(
        "from_public_logs/r_snapshot_answer",
        "runtime.txt:1",
        "The server that keeps R packages by date gave no answer",
        "newer repo2docker",
    ),
    Case("from_public_logs/r_status", "Dockerfile:2", "R could not install `xml2`", "`deb:`"),
    Case(
        "from_public_logs/rate_limit",
        "Dockerfile:1",
        "The registry of `python:3.12` takes no more pulls from this machine for",
        "DOCKER_HUB_TOKEN",
    ),
    Case(
        "from_public_logs/rate_limit_generated",
        "",
        "The registry of `docker.io/library/buildpack-deps:24.04` takes no more",
        "DOCKER_HUB_TOKEN",
    ),
    Case(
        "from_public_logs/server_error",
        "Dockerfile:1",
        "The build could not reach `quay.io`",
        "Run the job again",
    ),
    Case(
        "from_public_logs/wheel_timeout",
        "",
        "The build could not reach `packages.example`",
        "Run the job again",
    ),
    Case(
        "git_access/git_in_requirements",
        "requirements.txt:2",
        "A dependency comes from a git repository, and the image has no `git`",
        "apt.txt",
    ),
    Case(
        "git_access/git_missing",
        "Dockerfile:3",
        "A dependency comes from a git repository, and the image has no `git`",
        "--yes git",
    ),
    Case("network/apt", "", "The build could not reach `mirror.example`", "Run the job again"),
    Case(
        "network/base_environment",
        "",
        "repo2docker's base environment could not be downloaded",
        "Run the job again",
    ),
    Case(
        "network/curl",
        "Dockerfile:3",
        "The build could not reach `data.example`",
        "how `data.example` is spelled",
    ),
    Case(
        "network/git",
        "Dockerfile:3",
        "The build could not reach `git.example`",
        "Run the job again",
    ),
    Case(
        "network/no_host",
        "Dockerfile:1",
        "The build could not reach `registry.invalid`",
        "Run the job again",
    ),
    Case(
        "network/pip", "", "The build could not reach a server that it needs", "Run the job again"
    ),
    Case(
        "network/refused",
        "Dockerfile:1",
        "The build could not reach `127.0.0.1`",
        "Run the job again",
    ),
    Case(
        "network/wget",
        "Dockerfile:3",
        "The build could not reach `data.example`",
        "Run the job again",
    ),
    Case(
        "pip/conflict",
        "binder/requirements.txt:3",
        "pip cannot install `urllib3==1.20` and `requests==2.32.0` together",
        "Loosen or remove the version",
    ),
    Case(
        "pip/conflict_generated",
        "requirements.txt:3",
        "pip cannot install `urllib3==1.20` and `requests==2.32.0` together",
        "Loosen or remove the version",
    ),
    Case(
        "pip/conflict_in_run",
        "Dockerfile:3",
        "pip cannot install `idna` and `idna==99` together",
        "Loosen or remove the version",
    ),
    Case(
        "pip/externally_managed",
        "Dockerfile:3",
        "pip may not install into the Python of the operating system",
        "RUN python3 -m venv /opt/env && /opt/env/bin/pip install …",
    ),
    Case(
        "pip/hash",
        "requirements.txt:1",
        "The file that pip fetched for `idna` is not the one that was expected",
        "pip-compile --generate-hashes requirements.in",
    ),
    Case(
        "pip/hash_missing",
        "requirements.txt:2",
        "`requests` has no hash or no exact version",
        "pip-compile --generate-hashes requirements.in",
    ),
    Case(
        "pip/index_refused",
        "requirements.txt:1",
        "The package index at `localhost:8000` does not let the build in",
        "Check the address",
    ),
    Case(
        "pip/invalid", "requirements.txt:2", "pip does not understand `urllib3=2.0`", "urllib3==2.0"
    ),
    Case(
        "pip/local",
        "requirements.txt:1",
        "There is no Python package in `./mypackage`",
        "pyproject.toml",
    ),
    Case(
        "pip/missing_file", "requirements.txt:2", "pip cannot open `extra.txt`", "commit the file"
    ),
    Case(
        "pip/no_match",
        "requirements.txt:3",
        "pip cannot find `no-such-package-at-all`",
        "correct `requirements.txt`, line 3",
    ),
    Case(
        "pip/no_match_copied",
        "requirements.txt:3",
        "pip cannot find `no-such-package-at-all`",
        "correct `requirements.txt`, line 3",
    ),
    Case(
        "pip/no_version",
        "binder/requirements.txt:1",
        "pip cannot find `idna==99`",
        "write `idna` alone",
    ),
    Case(
        "pip/own_package",
        "pyproject.toml:4",
        "pip cannot find `no-such-package-at-all`",
        "correct `pyproject.toml`, line 4",
    ),
    Case(
        "pip/python",
        "requirements.txt:2",
        "`scipy==1.7.3` does not work with the Python of this image",
        "`python-VERSION` in `runtime.txt`",
    ),
    Case(
        "r_packages/function",
        "install.R:3",
        "R has no function `install.package`",
        "install.packages",
    ),
    Case(
        "r_packages/library",
        "install.R:2",
        "R cannot find `ggplot2`",
        'remotes::install_github("owner/ggplot2")',
    ),
    Case(
        "r_packages/not_installed",
        "install.R:2",
        "The R package `remotes` is used before it is installed",
        'install.packages("remotes")',
    ),
    Case(
        "r_packages/syntax",
        "install.R:2",
        "R cannot read the script: unexpected symbol",
        "every `(` needs its `)`",
    ),
    Case(
        "r_packages/unavailable",
        "install.R:3",
        "R cannot find `ggplot3`",
        'remotes::install_github("owner/ggplot3")',
    ),
    Case(
        "repository/apt_invalid",
        "apt.txt:2",
        "`@graphviz` in `apt.txt` is not the name of a package",
        "in lower case",
    ),
    Case(
        "repository/apt_invalid2",
        "binder/apt.txt:3",
        "`Graphviz` in `apt.txt` is not the name of a package",
        "in lower case",
    ),
    Case(
        "repository/arguments",
        "",
        "repo2docker does not take the arguments",
        "REPO2DOCKER_EXTRA_ARGS",
    ),
    Case(
        "repository/both_folders",
        ".binder/requirements.txt",
        "The repository has both folders `binder` and `.binder`",
        "delete `.binder`",
    ),
    Case("repository/julia", "Project.toml:2", "`Project.toml` cannot be read", "quotation marks"),
    Case(
        "repository/legacy",
        "Dockerfile:1",
        "The image `andrewosh/binder-base` is no longer supported",
        "FROM quay.io/jupyter/base-notebook:latest",
    ),
    Case(
        "repository/misfit",
        "",
        "repo2docker itself stopped, since it does not fit the packages",
        "FORCE_REPO2DOCKER_VERSION",
    ),
    Case(
        "repository/not_utf8",
        "Dockerfile:2",
        "`Dockerfile` has characters that cannot be read",
        "UTF-8",
    ),
    Case(
        "repository/pipfile_lock",
        "Pipfile.lock:2",
        "`Pipfile.lock` cannot be read",
        "quotation marks",
    ),
    Case("repository/pipfile_syntax", "Pipfile:2", "`Pipfile` cannot be read", 'numpy = "*"'),
    Case("repository/py_four", "environment.yml:4", "repo2docker has no Python 4", "- python=3.12"),
    Case(
        "repository/py_old", "environment.yml:4", "repo2docker has no Python 3.1", "- python=3.12"
    ),
    Case(
        "repository/pyproject_python",
        "pyproject.toml:3",
        "No Python that repo2docker has satisfies `requires-python` in",
        "runtime.txt",
    ),
    Case(
        "repository/pyproject_python2",
        "pyproject.toml:3",
        "No Python that repo2docker has satisfies `requires-python` in",
        "runtime.txt",
    ),
    Case(
        "repository/pyproject_syntax",
        "pyproject.toml:2",
        "`pyproject.toml` cannot be read",
        "quotation marks",
    ),
    Case(
        "repository/runtime_date",
        "runtime.txt:1",
        "`r-4.4-2024-1-01` in `runtime.txt` cannot be read",
        "r-4.4-2025-03-01",
    ),
    Case(
        "repository/runtime_date2",
        "runtime.txt:1",
        "`r-4.4-2024-13-01` in `runtime.txt` cannot be read",
        "r-4.4-2025-03-01",
    ),
    Case(
        "repository/runtime_invalid",
        "runtime.txt:1",
        "`python3.11` in `runtime.txt` cannot be read",
        "python-3.12",
    ),
    Case("repository/runtime_py", "runtime.txt:1", "repo2docker has no Python 3.2", "python-3.12"),
    Case(
        "repository/runtime_pyword",
        "runtime.txt:1",
        "`python-three` in `runtime.txt` cannot be read",
        "python-3.12",
    ),
    Case(
        "repository/runtime_r",
        "",
        "The build could not reach `packages.example`",
        "Run the job again",
    ),
    Case(
        "repository/runtime_rold",
        "runtime.txt:1",
        "There are no R packages for the date in `runtime.txt`",
        "r-4.4-2025-03-01",
    ),
    Case(
        "repository/yaml_colon",
        "environment.yml:4",
        "`environment.yml` cannot be read: a colon is missing",
        "colon",
    ),
    Case(
        "repository/yaml_dupkey",
        "environment.yml:4",
        "`environment.yml` cannot be read: `dependencies` is there twice",
        "under one `dependencies`",
    ),
    Case(
        "repository/yaml_list",
        "environment.yml:1",
        "`environment.yml` names no packages where conda looks for them",
        "channels:",
    ),
    Case(
        "repository/yaml_nodeps",
        "environment.yml:2",
        "`environment.yml` names no packages where conda looks for them",
        "channels:",
    ),
    Case(
        "repository/yaml_syntax",
        "environment.yml:7",
        "`environment.yml` cannot be read: a line does not line up with those",
        "same number of blanks",
    ),
    Case(
        "repository/yaml_tab",
        "environment.yml:5",
        "`environment.yml` cannot be read: a line begins with a tab",
        "Replace the tab",
    ),
    Case(
        "resources/disk_pip",
        "Dockerfile:2",
        "The disk of the machine that builds is full",
        "FREE_DISK_SPACE: true",
    ),
    Case(
        "resources/disk_tmpfs",
        "Dockerfile:2",
        "The disk of the machine that builds is full",
        "FREE_DISK_SPACE: true",
    ),
    Case(
        "resources/killed",
        "Dockerfile:2",
        "The step `RUN echo training && bash -c 'kill -9 $$' && echo done` was",
        "larger runner",
    ),
    Case(
        "scripts/binary",
        "postBuild:1",
        "`postBuild` is not a script that Linux can run",
        "#!/bin/bash",
    ),
    Case(
        "scripts/crlf",
        "postBuild:1",
        "`postBuild` has the line ends of Windows, which Linux does not",
        "postBuild text eol=lf",
    ),
    Case(
        "scripts/crlf_env",
        "postBuild:1",
        "`postBuild` has the line ends of Windows, which Linux does not",
        "postBuild text eol=lf",
    ),
    Case(
        "scripts/denied_beside_a_named_file",
        "Dockerfile:3",
        "lacks a permission",
        "USER root",
    ),
    Case(
        "scripts/exit",
        "postBuild:4",
        "There is no `data/*.csv` when this step runs",
        "Correct the path in `postBuild`, line 4",
    ),
    Case(
        "scripts/heredoc",
        "Dockerfile:5",
        "There is no `/does/not/exist` when this step runs",
        "`COPY` the file",
    ),
    Case(
        "scripts/heredoc_python",
        "Dockerfile:8",
        "The step `RUN python3 <<PYTHON` failed with exit code 1",
        "KeyError: 'missing'",
    ),
    Case(
        "scripts/http_404",
        "Dockerfile:3",
        "`nothing` is not at the address it is downloaded from",
        "in a browser",
    ),
    Case(
        "scripts/ignored",
        ".dockerignore:2",
        "`postBuild` is needed and does not take part in the build",
        "!postBuild",
    ),
    Case(
        "scripts/no_interpreter",
        "postBuild:1",
        "The command `Rscript` is not in the image",
        "environment file",
    ),
    Case(
        "scripts/no_module",
        "Dockerfile:2",
        "Python has no package `sklearn` when this step runs",
        "earlier step",
    ),
    Case(
        "scripts/not_found",
        "binder/postBuild:4",
        "The command `jupyter` is not in the image",
        "Check its name in `binder/postBuild`, line 4",
    ),
    Case(
        "scripts/pip_in_postbuild",
        "postBuild:3",
        "pip cannot find `no-such-package-at-all`",
        "correct `postBuild`, line 3",
    ),
    Case(
        "scripts/pip_permission",
        "Dockerfile:5",
        "The step may not write to `/opt/locked/urllib3`",
        "USER root",
    ),
    Case(
        "scripts/python",
        "postBuild:5",
        "There is no `/does/not/exist` when this step runs",
        "Correct the path in `postBuild`, line 5",
    ),
    Case(
        "scripts/run_exit",
        "Dockerfile:5",
        "There is no `/does/not/exist` when this step runs",
        "`COPY` the file",
    ),
    Case(
        "scripts/run_not_found",
        "Dockerfile:2",
        "The command `jupyter` is not in the image",
        "earlier step",
    ),
    Case(
        "scripts/run_permission",
        "Dockerfile:2",
        "The step may not write to `/srv/data`",
        "USER root",
    ),
    Case(
        "scripts/run_traced",
        "Dockerfile:4",
        "&& echo three` failed with exit code 1",
        "Change `Dockerfile`, line 4",
    ),
    Case(
        "scripts/script_crlf",
        "setup.sh:1",
        "`setup.sh` has the line ends of Windows, which Linux does not understand",
        "setup.sh text eol=lf",
    ),
    Case(
        "scripts/script_denied",
        "Dockerfile:3",
        "`/opt/setup.sh` is not marked as a program",
        "COPY --chmod=755 setup.sh /opt/setup.sh",
    ),
    Case(
        "scripts/script_line",
        "setup.sh:3",
        "The command `fetch-data` is not in the image",
        "Check its name in `setup.sh`, line 3",
    ),
    Case(
        "scripts/start_ignored",
        ".dockerignore:1",
        "`start` is needed and does not take part in the build",
        "!start",
    ),
    Case(
        "scripts/sudo",
        "Dockerfile:2",
        "There is no `/opt/nothing` when this step runs",
        "Correct the path in `Dockerfile`, line 2",
    ),
    Case("scripts/syntax", "postBuild", "`postBuild` ended with exit code 2", "set -ex"),
    Case(
        "scripts/traced",
        "postBuild:6",
        "There is no `data/census.csv` when this step runs",
        "commit it",
    ),
    Case(
        "scripts/traced_exit",
        "binder/postBuild:5",
        "`binder/postBuild` ended with exit code 1",
        "Correct `binder/postBuild`, line 5",
    ),
)


@cache
def captured(name: str) -> tuple[str, ...]:
    return tuple((STREAMS / f"{name}.txt").read_bytes().decode().split("\n"))


@cache
def repository(name: str, prefix: str = "") -> Sources:
    listed = json.loads((STREAMS / f"{name}.json").read_text())
    texts = {path: "\n".join(lines) for path, lines in listed.items()}
    appendix = f"{prefix}/{APPENDIX}".strip("/") if APPENDIX in texts else ""
    return Sources.gather(frozenset(texts), lambda path: texts.get(path, ""), prefix, appendix)
