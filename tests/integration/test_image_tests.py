from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import docker
import pytest

from integration.check_images import Kitchen, kitchen
from integration.conftest import Lab
from r2d_action.check.image_tests import (
    TestReport,
    TestResult,
    Verdict,
    find_image_tests,
    run_image_tests,
)
from r2d_action.errors import EngineError, Place
from r2d_action.runner import Runner

REPO_DIR = "/srv/repo"
PATIENCE = 300.0
BRIEF = 15.0

Run = Callable[..., tuple[TestReport, str]]


@pytest.fixture(scope="module")
def images(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kitchen]:
    folder = tmp_path_factory.mktemp("images") / "check"
    bases = {"COMMUNITY": lab.community_image, "PLAIN": lab.plain_image}
    with kitchen(folder, lab.env, **bases) as opened:
        yield opened


@pytest.fixture
def run(engine: docker.DockerClient, images: Kitchen, tmp_path: Path) -> Run:
    """Run ``files``, named from the top of the checkout, in an image; and what was said."""

    def run_in(
        stage: str, files: Mapping[str, str], timeout: float = PATIENCE
    ) -> tuple[TestReport, str]:
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        tests = find_image_tests(tmp_path)
        assert tests
        image, stream = images.image(stage), io.StringIO()
        report = run_image_tests(
            engine,
            image,
            tests,
            repo_dir=REPO_DIR,
            timeout=timeout,
            runner=Runner(actions=True, stream=stream),
        )
        assert not engine.containers.list(all=True, filters={"ancestor": image})
        return report, stream.getvalue()

    return run_in


def outcomes(report: TestReport) -> dict[str, Verdict]:
    return {result.name.rpartition("::")[2]: result.outcome for result in report.tests}


def only(report: TestReport) -> TestResult:
    (result,) = report.tests
    return result


SURROUNDINGS = """
import os

def test_surroundings():
    assert os.getcwd() == {directory!r}
    assert os.getuid() == 1000
    assert os.environ.get("STARTED_BY") == {started_by!r}
    assert open("image-tests/data/answer.txt").read() == "42"
"""


@pytest.mark.parametrize(
    ("stage", "directory", "started_by"),
    [
        ("repo2docker", "/srv/repo", "start"),
        ("docker-stacks", "/home/jovyan", None),
        ("repository-elsewhere", "/srv/repo", None),
        ("works-elsewhere", "/srv/course", None),
    ],
)
def test_tests_see_what_users_will_see(
    run: Run, stage: str, directory: str, started_by: str | None
) -> None:
    test = SURROUNDINGS.format(directory=directory, started_by=started_by)
    files = {"image-tests/test_all.py": test, "image-tests/data/answer.txt": "42"}
    report, _ = run(stage, files)
    assert report.passed, report
    assert outcomes(report) == {"test_surroundings": Verdict.PASSED}


FAILING = """
import pytest

def helper(value):
    assert value == 1, "not one"

def test_good():
    assert True

def test_bad():
    value = 2
    helper(value)

@pytest.fixture
def broken():
    raise ValueError("no data")

def test_setup(broken):
    pass

@pytest.mark.skip
def test_skipped():
    assert False

@pytest.mark.xfail
def test_known():
    assert False
"""


def test_failures_are_annotated_where_they_are(run: Run) -> None:
    report, said = run("repo2docker", {"image-tests/deep/test_all.py": FAILING})
    assert not report.passed
    assert "2 of 5 tests" in report.problem
    assert outcomes(report) == {
        "test_good": Verdict.PASSED,
        "test_bad": Verdict.FAILED,
        "test_setup": Verdict.ERROR,
        "test_skipped": Verdict.SKIPPED,
        "test_known": Verdict.XFAILED,
    }
    places = [result.place for result in report.tests if result.bad]
    file = "image-tests/deep/test_all.py"
    assert places == [Place(file, 5), Place(file, 16)]
    annotations = re.findall(r"^::error .*file=([^,]+),line=(\d+)::(.*)$", said, re.MULTILINE)
    assert [(name, int(line)) for name, line, _ in annotations] == [(file, 5), (file, 16)]
    assert annotations[0][2].startswith("AssertionError: not one%0Aassert 2 == 1")
    assert annotations[1][2] == "ValueError: no data"


def test_files_that_cannot_be_imported_are_annotated(run: Run) -> None:
    files = {
        "image-tests/test_import.py": "import os\nimport no_such_module\n",
        "image-tests/test_syntax.py": "import os\n\nanswer = (\n",
    }
    report, _ = run("repo2docker", files)
    assert [result.place for result in report.tests] == [
        Place("image-tests/test_import.py", 2),
        Place("image-tests/test_syntax.py", 3),
    ]
    assert "No module named 'no_such_module'" in report.tests[0].message
    assert "2 of 2 tests" in report.problem


def notebook(source: str, output: str) -> str:
    stream: dict[str, Any] = {"output_type": "stream", "name": "stdout", "text": [f"{output}\n"]}
    cell: dict[str, Any] = {"cell_type": "code", "execution_count": 1, "metadata": {}}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book: dict[str, Any] = {"nbformat": 4, "nbformat_minor": 4, "metadata": {"kernelspec": kernel}}
    return json.dumps({**book, "cells": [{**cell, "source": [source], "outputs": [stream]}]})


# The metadata that every kernel fills in by itself are left out, as its documentation says.
IGNORED = "[pytest]\nnb_diff_ignore =\n    /metadata/language_info\n"


def test_notebooks_are_compared_in_sub_folders_too(run: Run) -> None:
    files = {
        "image-tests/pytest.ini": IGNORED,
        "image-tests/deep/good.ipynb": notebook("print(6 * 7)", "42"),
        "image-tests/deep/bad.ipynb": notebook("print(6 * 7)", "54"),
    }
    report, _ = run("docker-stacks", files)
    assert {result.name.partition("::")[0]: result.outcome for result in report.tests} == {
        "deep/good.ipynb": Verdict.PASSED,
        "deep/bad.ipynb": Verdict.FAILED,
    }
    bad = next(result for result in report.tests if result.bad)
    assert bad.place
    assert bad.place.path == "image-tests/deep/bad.ipynb"
    assert "54" in bad.message


def test_requirements_pytest_ini_and_conftest_count(run: Run) -> None:
    files = {
        "image-tests/requirements.txt": "pytest==8.3.5\niniconfig\n",
        "image-tests/pytest.ini": "[pytest]\npython_functions = check_*\n",
        "image-tests/conftest.py": "import pytest\n@pytest.fixture\ndef answer():\n    return 42\n",
        "image-tests/test_all.py": (
            "import pytest\ndef check_all(answer):\n    assert answer == 42\n"
            "    assert pytest.__version__ == '8.3.5'\n"
        ),
    }
    report, said = run("docker-stacks", files)
    assert outcomes(report) == {"check_all": Verdict.PASSED}
    assert "Installing pytest for" not in said


def test_the_images_own_pytest_is_used(run: Run) -> None:
    test = "import pytest\ndef test_it():\n    assert pytest.__version__ == '7.0.1'\n"
    report, said = run("with-old-pytest", {"image-tests/test_all.py": test})
    assert report.passed, report
    assert "Installing" not in said


@pytest.mark.parametrize("stage", ["managed-python", "environment-of-root"])
def test_pytest_comes_beside_an_environment_that_is_not_the_users(run: Run, stage: str) -> None:
    report, said = run(stage, {"image-tests/test_all.py": "def test_it():\n    pass\n"})
    assert report.passed, said


def test_the_image_is_left_as_it_was(
    engine: docker.DockerClient, images: Kitchen, run: Run
) -> None:
    before = engine.images.get(images.image("docker-stacks")).id
    run("docker-stacks", {"image-tests/test_all.py": "def test_it():\n    pass\n"})
    assert engine.images.get(images.image("docker-stacks")).id == before
    command = ["python3", "-c", "import pytest"]
    with pytest.raises(docker.errors.ContainerError, match="No module named"):
        engine.containers.run(images.image("docker-stacks"), command, remove=True)


PASSING = {"image-tests/test_all.py": "def test_it():\n    pass\n"}


@pytest.mark.parametrize(
    ("stage", "files", "problem"),
    [
        ("docker-stacks", {"image-tests/check.py": "def test_it():\n    pass\n"}, "No tests were"),
        ("with-old-pytest", {**PASSING, "image-tests/pytest.ini": "[pytest]\naddopts = --nope\n"},
         "pytest could not begin"),
        ("docker-stacks", {**PASSING, "image-tests/requirements.txt": "pytest==0.0.0\n"},
         "pip could not install image-tests/requirements.txt"),
        ("no-index", PASSING, "did not reach"),
        ("unknown-index", {**PASSING, "image-tests/requirements.txt": "iniconfig\n"},
         "could not install image-tests/requirements.txt for the tests because it did not reach"),
        ("no-python", PASSING, "no python3"),
        ("from-scratch", PASSING, "no python3"),
        ("unknown-user", PASSING, "`USER somebody`"),
        ("entrypoint-missing", PASSING, "install tini"),
        ("entrypoint-closed", PASSING, "chmod a+rx /srv/entry"),
        ("entrypoint-no-program", PASSING, "#!/bin/bash"),
        ("shell-form", PASSING, "is run by a shell that drops"),
        ("plain", PASSING, "has no pip"),
        ("works-in-root", PASSING, "may not read any of the folders"),
        ("entrypoint-ends", PASSING, 'exec "$@"'),
        ("with-old-pytest", {"image-tests/test_all.py":
         "import os\ndef test_it():\n    os._exit(3)\n"}, "exit code 3 while running"),
        ("with-old-pytest", {"image-tests/test_all.py":
         "import os\ndef test_it():\n    os.kill(os.getpid(), 9)\n"},
         "memory"),
    ],
)  # fmt: skip
def test_each_problem_has_its_own_words(
    run: Run, stage: str, files: Mapping[str, str], problem: str
) -> None:
    report, said = run(stage, files)
    assert not report.passed
    assert problem in report.problem, said
    assert "OCI runtime" not in report.problem


def test_time_is_up_for_a_test_that_hangs(run: Run) -> None:
    test = "import time\ndef test_it():\n    time.sleep(600)\n"
    report, _ = run("with-old-pytest", {"image-tests/test_hangs.py": test}, BRIEF)
    assert "stopped while running" in report.problem
    assert "test_hangs.py::test_it" in report.problem


def test_time_is_up_for_an_image_that_never_runs_the_tests(run: Run) -> None:
    report, _ = run("serves-and-waits", PASSING, 2.0)
    assert "did not begin within 2 seconds" in report.problem


def test_what_pytest_says_is_passed_on_while_it_runs(
    engine: docker.DockerClient, images: Kitchen, tmp_path: Path
) -> None:
    """The reader of the log stops everything at a line that comes in the middle."""

    class Impatient(io.StringIO):
        def write(self, text: str) -> int:
            if "halfway" in text:
                raise KeyboardInterrupt
            return super().write(text)

    (tmp_path / "image-tests").mkdir()
    test = (
        "import time\ndef test_it(capsys):\n    with capsys.disabled():\n        print('halfway')\n"
    )
    (tmp_path / "image-tests" / "test_all.py").write_text(test + "    time.sleep(600)\n")
    tests = find_image_tests(tmp_path)
    assert tests
    image = images.image("with-old-pytest")
    with pytest.raises(KeyboardInterrupt):
        run_image_tests(
            engine,
            image,
            tests,
            repo_dir=REPO_DIR,
            timeout=PATIENCE,
            runner=Runner(stream=Impatient()),
        )
    assert not engine.containers.list(all=True, filters={"ancestor": image})


def test_a_missing_image_is_the_engines_error(engine: docker.DockerClient, tmp_path: Path) -> None:
    (tmp_path / "image-tests").mkdir()
    tests = find_image_tests(tmp_path)
    assert tests
    with pytest.raises(EngineError, match="r2d-action-tests/none"):
        run_image_tests(
            engine,
            "r2d-action-tests/none",
            tests,
            repo_dir=REPO_DIR,
            timeout=PATIENCE,
            runner=Runner(stream=io.StringIO()),
        )
