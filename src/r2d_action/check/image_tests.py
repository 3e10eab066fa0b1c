"""The repository's own tests of its image, run where their user will work.

The tests go into a throw-away container, so they need not be in the image; what they
need and the image lacks (pytest, ``requirements.txt``) is installed there as well, and
never reaches what gets pushed.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from threading import Event, Timer
from typing import Any

import docker
from docker.errors import APIError
from docker.models.containers import Container

from r2d_action.check.container import (
    TOOLS,
    archive_of,
    config_of,
    lines_of,
    objects_in,
    put,
    put_tool,
    read_file,
    start,
    throw_away,
)
from r2d_action.check.diagnosis import KILLED
from r2d_action.check.entrypoint import (
    CANNOT_RUN,
    EXEC_LINE,
    Advice,
    advice_on,
    command_lost,
    read_refusal,
)
from r2d_action.check.notebooks import SUFFIX, cell_failure
from r2d_action.context import credential_in
from r2d_action.errors import Place
from r2d_action.runner import Runner

FOLDER = "image-tests"
NOT_TESTS = frozenset({"__pycache__", ".pytest_cache", ".ipynb_checkpoints"})
HUB_UID = "1000"
# https://docs.pytest.org/en/stable/reference/exit-codes.html
ALL_PASSED, USAGE_ERROR, NO_TESTS = 0, 4, 5
NOT_RUN_ON = (
    "the image's start script or entrypoint did not run the command that it was given; a start "
    f"script has to end with the line {EXEC_LINE}."
)
PYTHON = "python3"
# Of pip, of urllib3 in it, and of git.
NO_CONNECTION = re.compile(
    r"connection broken by|Max retries exceeded|Failed to establish a new connection"
    r"|Failed to connect|Could not connect|name resolution|resolve host|timed out"
    r"|Network is unreachable",
    re.IGNORECASE,
)
# What pip says only when it knows which versions there are.
KNOWN_VERSIONS = re.compile(r"from versions: (?!none)|ResolutionImpossible")
INSTALL_PROBLEMS = {
    "no pip": (
        "{} cannot be installed for the tests because the image's Python has no pip; install "
        "it in the image: for example the package `pip` in environment.yml, or `uv venv --seed`."
    ),
    "pip failed": (
        "pip could not install {} for the tests; its own message is above. Change "
        "image-tests/requirements.txt, or install the package in the image."
    ),
    "no network": (
        "pip could not install {} for the tests because it did not reach the place that packages "
        "come from; its own message is above. Run the job again; if that does not help, see that "
        "containers on this machine have a network, and that the addresses which pip is given "
        "(pip.conf, PIP_INDEX_URL, image-tests/requirements.txt) are right."
    ),
    "no access": (
        "The image's user may not read any of the folders {}, where the tests belong; let the "
        "Dockerfile give the folder of its WORKDIR to that user."
    ),
}


@dataclass(frozen=True, slots=True)
class ImageTests:
    """``path`` is the folder's name as seen from the top of the checkout."""

    directory: Path
    path: str


class Verdict(Enum):
    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"
    XFAILED = "xfailed"


@dataclass(frozen=True, slots=True)
class TestResult:
    """``place`` is missing for a test that only the image has."""

    __test__ = False

    name: str
    outcome: Verdict
    place: Place | None
    message: str
    seconds: float

    @property
    def bad(self) -> bool:
        return self.outcome in (Verdict.FAILED, Verdict.ERROR)


@dataclass(frozen=True, slots=True)
class TestReport:
    """``problem`` says in a sentence why the tests as a whole did not pass, or nothing."""

    __test__ = False

    tests: tuple[TestResult, ...]
    problem: str
    seconds: float

    @property
    def passed(self) -> bool:
        return not self.problem


@dataclass(frozen=True, slots=True)
class Ending:
    """How the container ended. ``last_line`` may be the engine's, when it never began."""

    exit_code: int
    timed_out: bool = False
    last_line: str = ""


def find_image_tests(*folders: Path) -> ImageTests | None:
    """The first of ``folders`` with an ``image-tests`` folder; the last is the checkout's top."""
    for folder in folders:
        directory = folder / FOLDER
        if directory.is_dir():
            return ImageTests(directory, directory.relative_to(folders[-1]).as_posix())
    return None


def run_image_tests(
    client: docker.DockerClient,
    image: str,
    tests: ImageTests,
    *,
    repo_dir: str,
    timeout: float,
    runner: Runner,
) -> TestReport:
    """Run ``tests`` in ``image`` within ``timeout`` seconds; failing tests are annotated.

    They run in ``repo_dir`` as with repo2docker-action, or where the image starts if it
    has no such folder. Raises :class:`EngineError`.
    """
    began = time.monotonic()
    config = config_of(client, image)
    if advice := command_lost(config.get("Entrypoint") or ()):
        return TestReport((), could_not_begin(advice), 0.0)
    directories = (repo_dir, config.get("WorkingDir") or "/", "/")
    command = [PYTHON, f"{TOOLS}/run_tests.py", *directories]
    user = user_for(config.get("User") or "")
    with throw_away(client, image, command=command, user=user) as container:
        put_tool(container, "run_tests.py")
        archive = archive_of(dict(checkout_files(tests.directory)))
        next(directory for directory in directories if put(container, directory, archive))
        ending = run_to_the_end(container, timeout, runner)
        events = tuple(objects_in(read_file(container, f"{TOOLS}/events.jsonl")))
    report = read_report(events, ending, tests, timeout, time.monotonic() - began)
    annotate(report, runner)
    return report


def user_for(image_user: str) -> str:
    """The image's own user; that of hubs, who let nobody be root, where it names none."""
    return HUB_UID if image_user.partition(":")[0] in ("", "0", "root") else image_user


def checkout_files(directory: Path) -> Iterator[tuple[str, bytes]]:
    """What is laid over the image's own ``image-tests``, if it has that folder.

    The checkout's version counts; files that only the image has stay, as they would with
    repo2docker-action: postBuild may have made them. Links lead to files beside the folder at
    most: the tests of a pull request are not to read what else the job has.
    """
    top = directory.parent.resolve()
    for path in sorted(directory.rglob("*")):
        inside = path.relative_to(directory)
        if path.is_file() and NOT_TESTS.isdisjoint(inside.parts) and _is_below(top, path.resolve()):
            yield f"{FOLDER}/{inside.as_posix()}", path.read_bytes()


def _is_below(top: Path, real: Path) -> bool:
    if not real.is_relative_to(top):
        return False
    inside = real.relative_to(top)
    return ".git" not in inside.parts and not credential_in(inside.as_posix())


def run_to_the_end(container: Container, timeout: float, runner: Runner) -> Ending:
    if refusal := start(container):
        return Ending(exit_code=127, last_line=refusal)
    last_line = ""
    with killed_after(timeout, container) as timed_out:
        with output_of(container) as output:
            for last_line in lines_of(output):
                runner.say(last_line)
        exit_code = int(container.wait()["StatusCode"])
    return Ending(exit_code, timed_out.is_set(), last_line)


@contextmanager
def output_of(container: Container) -> Iterator[Iterator[bytes]]:
    """What the container says, as it says it."""
    output = container.logs(stream=True, follow=True)
    try:
        yield output
    except BaseException:
        # Its connection is closed when it is read to its end, and in no other way.
        with suppress(APIError):
            container.kill()
        deque(output, maxlen=0)
        raise


@contextmanager
def killed_after(seconds: float, container: Container) -> Iterator[Event]:
    """The event is set when time was up and the container had to be killed."""
    timed_out = Event()

    def kill() -> None:
        # It may have ended by itself in this very moment.
        with suppress(APIError):
            container.kill()
            timed_out.set()

    timer = Timer(seconds, kill)
    timer.daemon = True
    timer.start()
    try:
        yield timed_out
    finally:
        timer.cancel()
        # What it has to say of a kill comes after the kill.
        timer.join()


def read_report(
    events: Sequence[Mapping[str, Any]],
    ending: Ending,
    tests: ImageTests,
    timeout: float,
    seconds: float,
) -> TestReport:
    results = tuple(read_result(event, tests) for event in events if event["event"] == "test")
    return TestReport(results, problem_of(events, results, ending, timeout), seconds)


def read_result(event: Mapping[str, Any], tests: ImageTests) -> TestResult:
    path, line, message = tests.directory / event["file"], event["line"], event["message"]
    known = path.is_file()
    if known and path.suffix == SUFFIX:
        notebook = path.read_text(encoding="utf-8", errors="replace")
        if failure := cell_failure(notebook, message):
            line, message = failure.line, failure.message
    place = Place(f"{tests.path}/{event['file']}", line) if known else None
    return TestResult(event["name"], Verdict(event["outcome"]), place, message, event["seconds"])


def problem_of(
    events: Sequence[Mapping[str, Any]],
    results: Sequence[TestResult],
    ending: Ending,
    timeout: float,
) -> str:
    """Why the tests as a whole did not pass, for their author; empty when they did."""
    last: Mapping[str, Any] = events[-1] if events else {"event": "nothing"}
    doing = next((event["name"] for event in reversed(events) if event["event"] == "phase"), "")
    if ending.timed_out and doing:
        return (
            f"The tests in {FOLDER}/ were not done after {timeout:.0f} seconds and were stopped "
            f"while {doing}; make them shorter or set a longer CHECK_TIMEOUT."
        )
    if last["event"] == "end":
        return problem_of_pytest(last["code"], results)
    if last["event"] in INSTALL_PROBLEMS:
        return INSTALL_PROBLEMS[cause_of(last)].format(last["name"])
    if ending.timed_out:
        return (
            f"The tests did not begin within {timeout:.0f} seconds: {NOT_RUN_ON} Set a longer "
            "CHECK_TIMEOUT if it only needs more time."
        )
    if not events:
        return problem_of_start(ending)
    return problem_of_sudden_end(ending, doing)


def cause_of(problem: Mapping[str, Any]) -> str:
    """``problem`` is an event, with what pip said in the end."""
    said = "\n".join(problem.get("said", ()))
    unreachable = NO_CONNECTION.search(said) and not KNOWN_VERSIONS.search(said)
    return "no network" if unreachable else str(problem["event"])


def problem_of_pytest(code: int, results: Sequence[TestResult]) -> str:
    bad = sum(result.bad for result in results)
    if code == ALL_PASSED:
        return ""
    if code == NO_TESTS:
        return (
            f"No tests were found in {FOLDER}/: pytest looks for files named test_*.py or "
            "*_test.py, with functions whose names begin with test_, and for notebooks; rename "
            "yours, or remove the folder."
        )
    if code == USAGE_ERROR:
        return (
            f"pytest could not begin in {FOLDER}/; its own message above says why, often an "
            "option in pytest.ini whose plug-in is missing in image-tests/requirements.txt."
        )
    if bad:
        return f"{bad} of {len(results)} tests in {FOLDER}/ failed; mend the tests or the image."
    return f"pytest ended with exit code {code} in {FOLDER}/; its own message above says why."


def problem_of_start(ending: Ending) -> str:
    refusal = read_refusal(ending.last_line)
    if refusal and refusal.name != PYTHON:
        return could_not_begin(advice_on(refusal))
    if ending.exit_code in CANNOT_RUN:
        seen = "" if refusal else f" ({ending.last_line or f'exit code {ending.exit_code}'})"
        return (
            f"The tests could not begin because the image has no {PYTHON} that its user may run"
            f"{seen}; install Python in the image, and see that its folder is on the PATH."
        )
    return (
        f"The tests did not begin, and the container ended with exit code {ending.exit_code}: "
        f"{NOT_RUN_ON}"
    )


def could_not_begin(advice: Advice) -> str:
    return f"The tests could not begin. {advice.explanation} {advice.remedy}"


def problem_of_sudden_end(ending: Ending, doing: str) -> str:
    memory = ending.exit_code == KILLED
    seen = ", which is what happens when memory runs out" if memory else ""
    remedy = "let the tests use less data, or take a larger runner" if memory else "see why above"
    return f"The container ended with exit code {ending.exit_code} while {doing}{seen}; {remedy}."


def annotate(report: TestReport, runner: Runner) -> None:
    for result in report.tests:
        if result.bad:
            text = result.message if result.place else f"{result.name}: {result.message}"
            runner.error(text, title=f"{result.name} failed in the image", place=result.place)
