import fcntl
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from r2d_action.environments import (
    APPLICATION_LOCK,
    REPO2DOCKER_LOCK,
    ensure,
    find_environments,
)
from r2d_action.errors import UserError
from r2d_action.pip import PipFailed, git_logins, pip_env, without_passwords

ROOT = Path(__file__).resolve().parents[2]
LOCKS = (APPLICATION_LOCK, REPO2DOCKER_LOCK, ROOT / "requirements" / "dev.txt")


def silent(_text: str) -> None:
    pass


class Filler:
    """Makes a small environment, and counts how often it had to."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, folder: Path, scratch: Path) -> None:
        self.count += 1
        (folder / "package").mkdir(parents=True)
        (folder / "package" / "module.py").write_text("x = 1\n")
        (scratch / "download").write_text("not part of it")


def full_disk(folder: Path, _scratch: Path) -> None:
    folder.mkdir()
    (folder / "half").write_text("")
    raise OSError("No space left on device")


def test_an_environment_is_made_once(tmp_path: Path) -> None:
    filler = Filler()
    assert ensure(tmp_path / "one", filler)
    assert not ensure(tmp_path / "one", filler)
    assert filler.count == 1
    assert (tmp_path / "one" / "package" / "module.py").read_text() == "x = 1\n"


def test_nothing_but_the_environment_and_its_lock_stays(tmp_path: Path) -> None:
    ensure(tmp_path / "one", Filler())
    assert {path.name for path in tmp_path.iterdir()} == {"one", "one.lock"}


def test_a_failure_leaves_no_environment(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space"):
        ensure(tmp_path / "one", full_disk)
    assert {path.name for path in tmp_path.iterdir()} == {"one.lock"}
    assert ensure(tmp_path / "one", Filler())


def remove_file(folder: Path) -> None:
    (folder / "package" / "module.py").unlink()


def empty_file(folder: Path) -> None:
    (folder / "package" / "module.py").write_text("")


def remove_manifest(folder: Path) -> None:
    (folder / "MANIFEST").unlink()


def empty_manifest(folder: Path) -> None:
    (folder / "MANIFEST").write_text("")


def spoil_manifest(folder: Path) -> None:
    (folder / "MANIFEST").write_text("spoilt\n")


@pytest.mark.parametrize(
    "damage", [remove_file, empty_file, remove_manifest, empty_manifest, spoil_manifest]
)
def test_a_damaged_environment_is_made_again(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    filler = Filler()
    ensure(tmp_path / "one", filler)
    damage(tmp_path / "one")
    assert ensure(tmp_path / "one", filler)
    assert not ensure(tmp_path / "one", filler)
    assert (tmp_path / "one" / "package" / "module.py").read_text() == "x = 1\n"


def test_compiled_modules_are_no_damage(tmp_path: Path) -> None:
    ensure(tmp_path / "one", Filler())
    (tmp_path / "one" / "package" / "__pycache__").mkdir()
    assert not ensure(tmp_path / "one", Filler())


def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "one.part-x1" / "fresh").mkdir(parents=True)
    (tmp_path / "two.part-x1").mkdir()
    ensure(tmp_path / "one", Filler())
    assert {path.name for path in tmp_path.iterdir()} == {"one", "one.lock", "two.part-x1"}


def age(folder: Path, days: int) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "file").touch()
    then = time.time() - days * 24 * 3600
    os.utime(folder, (then, then))
    return folder


def test_what_was_not_used_for_a_month_goes_when_another_one_is_made(tmp_path: Path) -> None:
    old = age(tmp_path / "packages-cpython-312-x86_64-linux-gnu-0123456789ab", 31)
    kept = [
        age(tmp_path / "packages-cpython-312-x86_64-linux-gnu-ba9876543210", 29),
        age(tmp_path / "lab", 400),
        age(tmp_path / "dev-0123456789ab", 400),
    ]
    ensure(tmp_path / "one", Filler())
    assert not old.exists()
    assert all((folder / "file").exists() for folder in kept)
    assert not list(tmp_path.glob("*.part-*"))


def test_what_is_used_stays(tmp_path: Path) -> None:
    used = tmp_path / "packages-cpython-312-x86_64-linux-gnu-0123456789ab"
    ensure(used, Filler())
    age(used, 31)
    ensure(used, Filler())
    ensure(tmp_path / "one", Filler())
    assert used.exists()


def test_what_another_process_is_busy_with_stays(tmp_path: Path) -> None:
    old = age(tmp_path / "r2d-action-pypy310-pp73-x86_64-linux-gnu-0123456789ab", 31)
    with (tmp_path / f"{old.name}.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ensure(tmp_path / "one", Filler())
    assert old.exists()


def test_the_runners_tool_cache_comes_first(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    env = {"RUNNER_TOOL_CACHE": str(tools), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    assert find_environments(env, silent).folder == tools / "r2d-action"


@pytest.mark.parametrize(
    ("env", "folder"),
    [
        ({"RUNNER_TOOL_CACHE": "missing", "XDG_CACHE_HOME": "cache"}, "cache/r2d-action"),
        ({"XDG_CACHE_HOME": "cache", "HOME": "home"}, "cache/r2d-action"),
        ({"HOME": "home", "RUNNER_TEMP": "temp"}, "home/.cache/r2d-action"),
        ({"XDG_CACHE_HOME": "a-file", "HOME": "home"}, "home/.cache/r2d-action"),
        ({"HOME": "a-file", "RUNNER_TEMP": "temp"}, "temp/r2d-action"),
        ({"RUNNER_TEMP": "temp"}, "temp/r2d-action"),
    ],
)
def test_the_first_place_that_can_be_written_to(
    tmp_path: Path, env: dict[str, str], folder: str
) -> None:
    (tmp_path / "a-file").touch()
    env = {name: str(tmp_path / place) for name, place in env.items()}
    assert find_environments(env, silent).folder == tmp_path / folder


def test_no_place_at_all() -> None:
    with pytest.raises(UserError, match="XDG_CACHE_HOME"):
        find_environments({}, silent)


def test_pip_is_told_where_packages_come_from_and_nothing_else(tmp_path: Path) -> None:
    source = {"PIP_INDEX_URL": "index", "PIP_CERT": "cert", "PIP_PROXY": "proxy", "PATH": "/bin"}
    other = {
        "PIP_TARGET": "t",
        "PIP_USER": "1",
        "PIP_CONSTRAINT": "c",
        "PIP_REQUIRE_VIRTUALENV": "1",
        "PYTHONPATH": "p",
        "R2D_DOCKER_PASSWORD": "secret",
    }
    ours = {"PIP_REQUIRE_VIRTUALENV": "0", "TMPDIR": str(tmp_path)}
    assert pip_env({**source, **other}, tmp_path) == {**source, **ours}


def test_git_gets_its_logins_from_variables() -> None:
    words = ["p @ git+https://u%40x:t@h/o/r.git@main#egg=p", "-e", "git+https://t@h/s", "a@1"]
    plain, env = git_logins(words, {"GIT_CONFIG_COUNT": "2"})
    assert plain == ["p @ git+https://h/o/r.git@main#egg=p", "-e", "git+https://h/s", "a@1"]
    assert env == {
        "GIT_CONFIG_COUNT": "4",
        "GIT_CONFIG_KEY_2": "http.https://h/o/r.git.extraHeader",
        "GIT_CONFIG_VALUE_2": "Authorization: Basic dUB4OnQ=",
        "GIT_CONFIG_KEY_3": "http.https://h/s.extraHeader",
        "GIT_CONFIG_VALUE_3": "Authorization: Basic dDo=",
    }
    assert git_logins(["git+ssh://git@h/r", "git+https://h/r@main"], {})[1] == {}


@pytest.mark.parametrize(
    ("words", "rest", "lines"),
    [
        (["a==1", "--pre", "b"], ["a==1", "--pre", "b"], []),
        (["https://t@h/r.whl", "a"], ["a"], ["https://t@h/r.whl"]),
        (["p @ https://u:t@h/r@main ; x"], [], ["p @ https://u:t@h/r@main ; x"]),
        (["-e", "hg+https://t@h/r"], [], ["-e hg+https://t@h/r"]),
        (["--index-url=https://t@h", "a"], ["a"], ["--index-url=https://t@h"]),
        (["--extra-index-url", "https://u:t@h", "a"], ["a"], ["--extra-index-url https://u:t@h"]),
        (["-i", "https://h", "a"], ["-i", "https://h", "a"], []),
        (["a @ https://h/x@1/y"], ["a @ https://h/x@1/y"], []),
        (["-r", "own.txt"], ["-r", "own.txt"], []),
    ],
)
def test_passwords_stay_off_the_command_line(
    tmp_path: Path, words: list[str], rest: list[str], lines: list[str]
) -> None:
    file = tmp_path / "requirements.txt"
    expected = [*rest, "--requirement", str(file)] if lines else rest
    assert without_passwords(words, tmp_path) == expected
    if lines:
        assert file.read_text().splitlines() == lines
        assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("ERROR: first\nERROR: No matching distribution found\n", "ERROR: No matching"),
        ("error: subprocess-exited-with-error\n\n  note: this is not pip's fault\n", "error: sub"),
        ("Killed\n", "Killed"),
        ("", "nothing"),
    ],
)
def test_the_last_word_of_pip(output: str, reason: str) -> None:
    assert PipFailed(output).reason.startswith(reason)
    assert reason in str(PipFailed(output))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_package_of_a_lock_is_pinned_with_its_hashes(lock: Path) -> None:
    entries = lock.read_text().replace("\\\n", " ").splitlines()
    assert entries
    for entry in entries:
        assert re.fullmatch(r"[a-z0-9-]+==[^ ]+( ; [^-]+?)?( +--hash=sha256:[0-9a-f]{64})+", entry)


@pytest.mark.parametrize("lock", [APPLICATION_LOCK, ROOT / "requirements" / "dev.txt"])
def test_the_locks_have_all_that_the_package_depends_on(lock: Path) -> None:
    project = (ROOT / "pyproject.toml").read_text()
    listed = re.search(r"^dependencies = \[(.*?)^\]", project, re.MULTILINE | re.DOTALL)
    assert listed
    names = re.findall(r'"([A-Za-z0-9-]+)', listed[1])
    assert names
    for name in names:
        assert f"\n{name.lower()}==" in f"\n{lock.read_text()}", "run script/lock"
