from __future__ import annotations

import ast
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cattrs
import pytest

from r2d_action.check import inside
from r2d_action.check.container import archive_of, lines_of, objects_in
from r2d_action.check.image_tests import (
    Ending,
    ImageTests,
    TestReport,
    Verdict,
    annotate,
    checkout_files,
    find_image_tests,
    read_report,
    user_for,
)
from r2d_action.errors import Place
from r2d_action.runner import Runner

INSTALLING = {"event": "phase", "name": "installing pytest"}
COLLECTING = {"event": "phase", "name": "collecting the tests"}
RUNNING = {"event": "phase", "name": "running image-tests/test_all.py::test_it"}


RETRYING = (
    "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError("
    "<HTTPSConnection object>: [Errno -2] Name or service not known')': /simple/iniconfig/"
)
NO_NAME = (
    "ERROR: Could not install packages due to an OSError: HTTPSConnectionPool(host='a', port=443): "
    "Max retries exceeded with url: /x.whl (Caused by NameResolutionError)"
)
NO_GIT = "fatal: unable to access 'https://a/b/': Could not resolve host: a"
NO_VERSION = (
    "ERROR: Could not find a version that satisfies the requirement a (from versions: none)"
)
OTHER_VERSIONS = "ERROR: Could not find a version that satisfies a==9 (from versions: 1.0, 2.0)"
NO_PYTHON = 'exec: "python3": executable file not found in $PATH'


def pip_failed(*said: str) -> dict[str, Any]:
    return {"event": "pip failed", "name": "image-tests/requirements.txt", "said": said}


def result_event(outcome: str) -> dict[str, Any]:
    names = {"name": "image-tests/test_all.py::test_it", "file": "test_all.py"}
    return {
        "event": "test",
        "outcome": outcome,
        "line": 3,
        "message": "no",
        "seconds": 1.5,
        **names,
    }


def end(code: int) -> dict[str, Any]:
    return {"event": "end", "code": code}


@pytest.fixture
def tests(tmp_path: Path) -> ImageTests:
    (tmp_path / "image-tests").mkdir()
    (tmp_path / "image-tests" / "test_all.py").touch()
    return ImageTests(tmp_path / "image-tests", "course/image-tests")


def report_of(tests: ImageTests, ending: Ending, *events: Mapping[str, Any]) -> TestReport:
    return read_report(events, ending, tests, timeout=60.0, seconds=2.0)


def test_the_build_root_comes_before_the_checkout(tmp_path: Path) -> None:
    root = tmp_path / "course"
    assert find_image_tests(root, tmp_path) is None
    (tmp_path / "image-tests").mkdir()
    assert find_image_tests(root, tmp_path) == ImageTests(tmp_path / "image-tests", "image-tests")
    (root / "image-tests").mkdir(parents=True)
    found = find_image_tests(root, tmp_path)
    assert found == ImageTests(root / "image-tests", "course/image-tests")


def test_a_file_of_that_name_is_no_folder_of_tests(tmp_path: Path) -> None:
    (tmp_path / "image-tests").touch()
    assert find_image_tests(tmp_path) is None


@pytest.mark.parametrize(
    ("own", "used"),
    [
        ("", "1000"),
        ("root", "1000"),
        ("0", "1000"),
        ("root:users", "1000"),
        ("jovyan", "jovyan"),
        ("1001:100", "1001:100"),
    ],
)
def test_nobody_is_root(own: str, used: str) -> None:
    assert user_for(own) == used


def test_what_tests_left_behind_is_not_copied(tmp_path: Path) -> None:
    for name in ("test_a.py", "deep/data.csv", "__pycache__/a.pyc", "deep/.pytest_cache/x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    assert dict(checkout_files(tmp_path)) == {
        "image-tests/deep/data.csv": b"deep/data.csv",
        "image-tests/test_a.py": b"test_a.py",
    }


def test_links_lead_to_nothing_that_no_image_gets(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    secrets = (".git/config", ".docker/config.json", "../outside")
    for name in ("data.csv", "image-tests/test_a.py", *secrets):
        path = checkout / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    for number, name in enumerate(("data.csv", *secrets)):
        (checkout / f"image-tests/{number}").symlink_to(f"../{name}")
    found = dict(checkout_files(checkout / "image-tests"))
    assert found == {
        "image-tests/0": b"data.csv",
        "image-tests/test_a.py": b"image-tests/test_a.py",
    }
    (tmp_path / "other/image-tests").parent.mkdir()
    (tmp_path / "other/image-tests").symlink_to(checkout)
    assert not dict(checkout_files(tmp_path / "other/image-tests"))


def test_every_user_may_write_beside_the_tests() -> None:
    with tarfile.open(fileobj=io.BytesIO(archive_of({"image-tests/deep/a": b"42"}))) as tar:
        assert {member.name: member.mode for member in tar} == {
            "image-tests": 0o777,
            "image-tests/deep": 0o777,
            "image-tests/deep/a": 0o777,
        }
        content = tar.extractfile("image-tests/deep/a")
        assert content
        assert content.read() == b"42"


def test_lines_are_whole_however_they_come() -> None:
    chunks = [b"one\ntw", "o\r\ndr\u00e9".encode()[:-1], "\u00e9".encode()[-1:], b"i\nlast"]
    assert list(lines_of(chunks)) == ["one", "two", "dr\u00e9i", "last"]


def test_a_line_is_passed_on_before_the_next_one_comes() -> None:
    def chunks() -> Any:
        yield b"one\n"
        pytest.fail("the line was held back")

    assert next(lines_of(chunks())) == "one"


def test_half_a_line_of_a_killed_container_is_left_out() -> None:
    written = json.dumps(RUNNING) + '\n{"event": "te'
    assert list(objects_in(written.encode())) == [RUNNING]


def test_all_passed(tests: ImageTests) -> None:
    report = report_of(tests, Ending(0), COLLECTING, RUNNING, result_event("passed"), end(0))
    assert report.passed
    assert report.tests[0].outcome is Verdict.PASSED
    assert report.tests[0].place == Place("course/image-tests/test_all.py", 3)
    assert report.tests[0].seconds == 1.5


def test_a_test_that_only_the_image_has_is_nowhere_in_the_checkout(tests: ImageTests) -> None:
    inherited = {**result_event("failed"), "file": "test_of_the_base.py"}
    report = report_of(tests, Ending(1), inherited, end(1))
    assert report.tests[0].place is None
    stream = io.StringIO()
    annotate(report, Runner(actions=True, stream=stream))
    assert "test_all.py::test_it: no" in stream.getvalue()
    assert "file=" not in stream.getvalue()


@pytest.mark.parametrize(
    ("ending", "events", "problem"),
    [
        (Ending(1), [result_event("failed"), result_event("passed"), end(1)], "1 of 2 tests"),
        (Ending(2), [COLLECTING, result_event("error"), end(2)], "1 of 1 tests"),
        (Ending(2), [RUNNING, end(2)], "pytest ended with exit code 2"),
        (Ending(5), [COLLECTING, end(5)], "No tests were found"),
        (Ending(4), [COLLECTING, end(4)], "pytest could not begin"),
        (Ending(137, timed_out=True), [RUNNING], "while running image-tests/test_all.py::test_it"),
        (Ending(137, timed_out=True), [], "did not begin within 60 seconds"),
        (Ending(1), [INSTALLING, {"event": "pip failed", "name": "pytest"}], "not install pytest"),
        (Ending(1), [INSTALLING, pip_failed(RETRYING, NO_VERSION)], "did not reach the place"),
        (Ending(1), [INSTALLING, pip_failed(NO_NAME)], "did not reach the place"),
        (Ending(1), [INSTALLING, pip_failed(NO_GIT)], "did not reach the place"),
        (Ending(1), [INSTALLING, pip_failed(NO_VERSION)], "Change image-tests/requirements.txt"),
        (Ending(1), [INSTALLING, pip_failed(RETRYING, OTHER_VERSIONS)], "Change image-tests/req"),
        (Ending(1), [INSTALLING, {"event": "no pip", "name": "pytest"}], "has no pip"),
        (Ending(1), [{"event": "no access", "name": "/root /"}], "/root /"),
        (Ending(127), [], "no python3"),
        (Ending(127, last_line="sh: odd words"), [], "no python3 that its user may run (sh: odd"),
        (Ending(127, last_line=NO_PYTHON), [], "has no python3 that its user may run; install"),
        (Ending(127, last_line='exec: "tini": executable file not found in $PATH'), [], "RUN line"),
        (Ending(127, last_line="unable to find user x: no matching entries in passwd file"), [],
         "`USER x`"),
        (Ending(1, last_line="exec /srv/entry: exec format error"), [], "#!/bin/bash"),
        (Ending(0), [], 'exec "$@"'),
        (Ending(1, last_line="no database"), [], 'exec "$@"'),
        (Ending(137), [COLLECTING, RUNNING], "memory runs out"),
        (Ending(3), [COLLECTING, RUNNING], "exit code 3 while running image-tests/test_all.py"),
    ],
)  # fmt: skip
def test_each_problem_has_its_own_words(
    tests: ImageTests, ending: Ending, events: list[Mapping[str, Any]], problem: str
) -> None:
    report = report_of(tests, ending, *events)
    assert not report.passed
    assert problem in report.problem


def test_the_report_survives_json(tests: ImageTests) -> None:
    report = report_of(tests, Ending(1), result_event("failed"), end(1))
    assert (
        cattrs.structure(json.loads(json.dumps(cattrs.unstructure(report))), TestReport) == report
    )


@pytest.mark.parametrize("script", ["hub.py", "run_tests.py"])
def test_scripts_for_the_inside_can_be_read_by_an_old_python(script: str) -> None:
    source = Path(str(inside.__path__[0]), script).read_text()
    ast.parse(source, feature_version=(3, 6))
