# Runs with the Python of any image, from 3.6 on.
# ruff: noqa: UP006, UP035, UP045, T201
"""Installs what the tests need and is missing, then runs them and writes down each result.

Called with the directories of which the first that holds ``image-tests`` is meant. What
happens goes to ``events.jsonl`` beside this script, a JSON object per line as it happens.
"""

import json
import os
import re
import site
import subprocess
import sys
import sysconfig
from collections import deque
from pathlib import Path
from typing import Any, List, Optional, Tuple

SCRIPT = Path(__file__).resolve()
EVENTS = SCRIPT.with_name("events.jsonl")
PACKAGES = SCRIPT.with_name("packages")
TESTS = Path("image-tests")
REQUIREMENTS = TESTS / "requirements.txt"
RUN = "--run"
MESSAGE_LENGTH = 2000
KEPT_LINES = 50
ANSI = re.compile(r"\x1b\[[0-9;]*m")
MARKED = re.compile(r"^E +(.*)", re.MULTILINE)
# Both ways in which pytest and Python name a line: `a.py:3: in f` and `File "a.py", line 3`.
PLACE = re.compile(r'^(?:E +)?(?:File "(.+)", line |([^\s:][^:\n]*):)(\d+)', re.MULTILINE)


def main() -> int:
    if sys.argv[1:] == [RUN]:
        return run()
    directory = next((one for one in sys.argv[1:] if holds_tests(Path(one))), None)
    if directory is None:
        emit(event="no access", name=" ".join(sys.argv[1:]))
        return 1
    os.chdir(directory)
    if not install():
        return 1
    # A new process, because what was installed may start to count only there; unbuffered,
    # because somebody watches.
    code = subprocess.call([sys.executable, "-u", str(SCRIPT), RUN])
    # A signal is told as shells tell it.
    return code if code >= 0 else 128 - code


def holds_tests(directory: Path) -> bool:
    try:
        return (directory / TESTS).is_dir()
    except PermissionError:
        return False


def emit(**event: Any) -> None:
    with EVENTS.open("a") as events:
        events.write(json.dumps(event) + "\n")


def install() -> bool:
    if REQUIREMENTS.is_file() and not pip_install(str(REQUIREMENTS), "-r", str(REQUIREMENTS)):
        return False
    if is_missing("pytest") and not pip_install("pytest", "--quiet", "pytest"):
        return False
    if not has_notebooks() or not is_missing("pytest_notebook"):
        return True
    return pip_install("pytest-notebook", "--quiet", "pytest-notebook")


def is_missing(module: str) -> bool:
    # Asked of a new process, which sees what has just been installed.
    code = "import importlib.util, sys; sys.exit(not importlib.util.find_spec({!r}))"
    return bool(subprocess.call([sys.executable, "-c", code.format(module)]))


def has_notebooks() -> bool:
    return any(TESTS.glob("**/*.ipynb"))


def pip_install(what: str, *arguments: str) -> bool:
    emit(event="phase", name="installing " + what)
    if is_missing("pip"):
        emit(event="no pip", name=what)
        return False
    print("Installing " + what + " for the tests, in this container only", flush=True)
    command = [sys.executable, "-m", "pip", "install", "--no-cache-dir"]
    code, said = passed_on([*command, *place_for_packages(), *arguments])
    if code != 0:
        emit(event="pip failed", name=what, said=said)
    return code == 0


def passed_on(command: List[str]) -> Tuple[int, List[str]]:
    """Its exit code, and the last lines of what it said, all of which is said here as well."""
    said: deque[str] = deque(maxlen=KEPT_LINES)
    # No text mode: what another program says may be in no encoding at all.
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        for line in process.stdout or ():
            sys.stdout.buffer.write(line)
            sys.stdout.flush()
            said.append(line.decode("utf-8", "replace").rstrip())
    return process.returncode, list(said)


def place_for_packages() -> List[str]:
    """The image's own environment as a rule, so that nothing that fits is replaced.

    Where the user may not write there, pip itself turns to the user's packages; where an
    environment has none of those either, to a folder of ours.
    """
    # The container is thrown away: the distribution's packages may be broken.
    # https://peps.python.org/pep-0668/
    os.environ["PIP_BREAK_SYSTEM_PACKAGES"] = "1"
    os.environ["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    if os.access(sysconfig.get_paths()["purelib"], os.W_OK):
        return []
    if site.ENABLE_USER_SITE:
        put_first("PATH", os.path.join(site.getuserbase(), "bin"))  # noqa: PTH118
        return []
    put_first("PATH", str(PACKAGES / "bin"))
    put_first("PYTHONPATH", str(PACKAGES))
    return ["--target", str(PACKAGES)]


def put_first(variable: str, folder: str) -> None:
    others = [one for one in os.environ.get(variable, "").split(os.pathsep) if one != folder]
    os.environ[variable] = os.pathsep.join([folder] + [one for one in others if one])


def run() -> int:
    # The folder of this script is not to be imported from.
    sys.path.pop(0)
    import pytest  # noqa: PLC0415 - may have been installed only now

    emit(event="phase", name="collecting the tests")
    notebooks = ["--nb-test-files"] if has_notebooks() else []
    code = int(pytest.main([*notebooks, str(TESTS)], plugins=[Recorder()]))
    emit(event="end", code=code)
    return code


class Recorder:
    """A pytest plug-in; its hooks have the names and arguments that pytest asks for."""

    def pytest_configure(self, config: Any) -> None:
        # rootpath came with pytest 6.1, rootdir is on its way out.
        self.root = Path(str(getattr(config, "rootpath", None) or config.rootdir))

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        emit(event="phase", name="running " + nodeid)

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when == "call" or report.outcome in ("failed", "skipped"):
            path, line, _ = report.location
            self.record(report, path, line)

    def pytest_collectreport(self, report: Any) -> None:
        if report.outcome == "failed":
            self.record(report, report.nodeid.split("::")[0], None)

    def record(self, report: Any, path: str, line: Optional[int]) -> None:
        file = self.root / path
        failed = report.outcome == "failed"
        at = line_of_failure(report, file) if failed else None
        if at is None and line is not None:
            at = line + 1
        emit(
            event="test",
            name=report.nodeid,
            outcome=outcome_of(report),
            file=os.path.relpath(str(file), str(Path.cwd() / TESTS)),
            line=at,
            message=message_of(report) if failed else "",
            seconds=getattr(report, "duration", 0.0),
        )


def outcome_of(report: Any) -> str:
    if report.outcome == "skipped" and hasattr(report, "wasxfail"):
        return "xfailed"
    if report.outcome == "failed" and getattr(report, "when", "collect") != "call":
        return "error"
    return str(report.outcome)


def message_of(report: Any) -> str:
    """What went wrong, without the code round it."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = ANSI.sub("", str(getattr(crash, "message", None) or report.longrepr))
    return "\n".join(MARKED.findall(text) or [text.strip()])[:MESSAGE_LENGTH]


def line_of_failure(report: Any, file: Path) -> Optional[int]:
    """The innermost line of the traceback that lies in the test's own file."""
    own = [line for path, line in traceback_of(report) if Path(path).resolve() == file.resolve()]
    return own[-1] if own else None


def traceback_of(report: Any) -> List[Tuple[str, int]]:
    """Paths and lines; what could not be imported has its traceback as text only."""
    traceback = getattr(report.longrepr, "reprtraceback", None)
    if traceback is None:
        found = PLACE.findall(ANSI.sub("", str(report.longrepr)))
        return [(quoted or bare, int(line)) for quoted, bare, line in found]
    places = [getattr(entry, "reprfileloc", None) for entry in traceback.reprentries]
    return [(str(place.path), int(place.lineno)) for place in places if place]


if __name__ == "__main__":
    sys.exit(main())
