"""bin/r2d-action for real: it installs with pip, from whatever index this machine uses."""

from __future__ import annotations

import ast
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import venv
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from r2d_action import __version__
from r2d_action.environments import repo2docker_command
from r2d_action.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
IGNORED = shutil.ignore_patterns("__pycache__")
VARIABLES_OF_THE_RUNNER = {"RUNNER_TOOL_CACHE", "RUNNER_TEMP", "GITHUB_ACTIONS"}
TIMEOUT_SECONDS = 300


@dataclass(frozen=True)
class Action:
    """A checkout of the action, and the cache that its environments live in."""

    checkout: Path
    cache: Path
    python: Path = Path(sys.executable)

    def argv(self, *arguments: str) -> list[str]:
        return [str(self.python), "-I", str(self.checkout / "bin" / "r2d-action"), *arguments]

    def env(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        own = {
            name: value
            for name, value in os.environ.items()
            if name not in VARIABLES_OF_THE_RUNNER and not name.startswith("R2D_")
        }
        return {**own, "XDG_CACHE_HOME": str(self.cache), **(more or {})}

    def start(
        self, *arguments: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.argv(*arguments),
            env=self.env(env),
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
        )

    def begin(self, *arguments: str, env: Mapping[str, str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.argv(*arguments),
            env=self.env(env),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def environments(self, kind: str = "") -> list[Path]:
        found = self.cache.glob(f"r2d-action/{kind}*/MANIFEST")
        return sorted(manifest.parent for manifest in found)

    def leftovers(self) -> list[Path]:
        return list(self.cache.glob("r2d-action/*.part-*"))


def copy_checkout(folder: Path) -> Path:
    for name in ("bin", "src"):
        shutil.copytree(ROOT / name, folder / name, ignore=IGNORED)
    return folder


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Action:
    """Has started before. Tests must not spoil its environments."""
    action = Action(
        copy_checkout(tmp_path_factory.mktemp("checkout")), tmp_path_factory.mktemp("cache")
    )
    assert action.start("build", "--help").returncode == 0
    return action


@pytest.fixture
def cold(warm: Action, tmp_path: Path) -> Action:
    """Has never started."""
    return Action(warm.checkout, tmp_path / "cache")


def version(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-1]


def test_a_first_start_installs_says_so_and_runs(cold: Action) -> None:
    done = cold.start("build", "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Usage: r2d-action build")
    said = sorted(re.sub(r"[\d.]+ s$", "N s", line) for line in done.stderr.splitlines())
    assert said == [
        "r2d-action: installed r2d-action's packages in N s",
        "r2d-action: installed repo2docker in N s",
    ]
    assert not cold.leftovers()


def test_a_later_start_says_nothing(warm: Action) -> None:
    done = warm.start("build", "--help")
    assert (done.returncode, done.stderr) == (0, "")


def test_repo2docker_runs_from_the_environment_that_the_start_has_made(warm: Action) -> None:
    said: list[str] = []
    place = Path("/nowhere")
    command = repo2docker_command(
        "", [], env=warm.env(), temporary=place, cwd=place, say=said.append
    )
    assert said == []
    done = subprocess.run([*command, "--version"], capture_output=True, text=True)
    locked = (ROOT / "requirements" / "repo2docker.in").read_text()
    assert f"jupyter-repo2docker=={version(done)}\n" in locked


def test_only_what_builds_gets_repo2docker(cold: Action) -> None:
    assert cold.start("--version").returncode == 0
    assert cold.environments("packages")
    assert not cold.environments("jupyter-repo2docker")


def test_another_repo2docker_needs_not_ours(cold: Action) -> None:
    cold.start("build", "--help", env={"R2D_FORCE_REPO2DOCKER_VERSION": "2024.07.0"})
    assert cold.environments("packages")
    assert not cold.environments("jupyter-repo2docker")


def test_nothing_is_left_in_the_checkout(warm: Action, tmp_path: Path) -> None:
    fresh = Action(copy_checkout(tmp_path / "checkout"), warm.cache)
    before = set(fresh.checkout.rglob("*"))
    assert fresh.start("build", "--help", cwd=fresh.checkout).returncode == 0
    assert set(fresh.checkout.rglob("*")) == before


def test_two_commits_share_packages_and_run_their_own_source(warm: Action, tmp_path: Path) -> None:
    other = Action(copy_checkout(tmp_path / "other"), warm.cache)
    source = other.checkout / "src" / "r2d_action" / "__init__.py"
    source.write_text(source.read_text().replace(__version__, "99.0"))
    packages = warm.environments("packages")
    assert version(other.start("--version")) == "99.0"
    assert version(warm.start("--version")) == __version__
    assert warm.environments("packages") == packages


def test_the_users_modules_shadow_none_of_ours(warm: Action, tmp_path: Path) -> None:
    for name in ("yaml", "click", "json", "requests", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit('the user''s {name} was loaded')")
    (tmp_path / "r2d_action").mkdir()
    (tmp_path / "r2d_action" / "__init__.py").write_text("raise SystemExit('the wrong package')")
    hostile = {
        "PYTHONPATH": str(tmp_path),
        "PYTHONHOME": "/nowhere",
        "PYTHONSTARTUP": str(tmp_path / "yaml.py"),
    }
    assert version(warm.start("--version", env=hostile, cwd=tmp_path)) == __version__


def test_the_first_line_of_the_launcher_keeps_the_users_modules_out(
    warm: Action, tmp_path: Path
) -> None:
    (tmp_path / "pathlib.py").write_text("raise SystemExit('the wrong pathlib')")
    done = subprocess.run(
        [str(warm.checkout / "bin" / "r2d-action"), "--version"],
        env={**warm.env(), "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert version(done) == __version__


# To a Python that is told so, it is an old one.
AN_OLD_PYTHON = """
import runpy, sys
sys.version_info = (3, 8, 18, "final", 0)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def started_by_an_old_python(
    action: Action, *tools: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    script = str(action.checkout / "bin" / "r2d-action")
    return subprocess.run(
        [str(action.python), "-I", "-c", AN_OLD_PYTHON, script, "--version"],
        env={**action.env(env), "PATH": os.pathsep.join(map(str, tools))},
        capture_output=True,
        text=True,
    )


def test_an_old_python_hands_over_to_a_newer_one(warm: Action, tmp_path: Path) -> None:
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    for folder in (broken, whole):
        folder.mkdir()
    # As version managers have it for what is not installed.
    (broken / "python3.14").write_text("#!/bin/sh\nexit 127\n")
    (broken / "python3.14").chmod(0o755)
    # Nothing but this test says that 3.13 is that.
    (whole / "python3.13").symlink_to(Path(sys.base_prefix, "bin", "python3"))
    assert version(started_by_an_old_python(warm, broken, whole)) == __version__


@pytest.mark.parametrize(("actions", "start"), [("", "error: "), ("true", "::error title=")])
def test_an_old_python_alone_is_one_clear_sentence(
    warm: Action, tmp_path: Path, actions: str, start: str
) -> None:
    alone = Action(copy_checkout(tmp_path / "checkout"), warm.cache)
    launcher = alone.checkout / "bin" / "r2d-action"
    launcher.write_text(launcher.read_text().replace("/usr/bin/python3", "/nonexistent/python3"))
    done = started_by_an_old_python(alone, env={"GITHUB_ACTIONS": actions})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(start)
    assert "needs Python 3.10 or newer" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_old_python_can_read_the_launcher() -> None:
    ast.parse((ROOT / "bin" / "r2d-action").read_text(), feature_version=(3, 6))


def test_settings_of_pip_for_other_environments_do_no_harm(cold: Action, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    settings = ["user = true", f"prefix = {elsewhere}", f"root = {elsewhere}", "no-binary = :all:"]
    configuration = tmp_path / "pip.conf"
    configuration.write_text("\n".join(["[install]", *settings, "[global]", "require-venv = 1"]))
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("click==1.0\n")
    hostile = {
        "PIP_CONFIG_FILE": str(configuration),
        "PIP_TARGET": str(elsewhere),
        "PIP_CONSTRAINT": str(constraints),
        "PIP_REQUIRE_VIRTUALENV": "1",
    }
    # The interpreter under a venv, to which require-virtualenv applies.
    base = Path(sys.base_prefix, "bin", "python3")
    started = Action(cold.checkout, cold.cache, base)
    assert version(started.start("--version", env=hostile)) == __version__
    assert not elsewhere.exists()


@pytest.fixture
def bare(cold: Action, tmp_path: Path) -> Action:
    """Started by a Python of its own, which has no pip."""
    venv.create(tmp_path / "bare", with_pip=False)
    return Action(cold.checkout, cold.cache, tmp_path / "bare" / "bin" / "python")


def test_a_python_without_pip_uses_the_one_that_it_brings_along(bare: Action) -> None:
    assert version(bare.start("--version")) == __version__


def test_packages_of_the_interpreter_shadow_none_of_ours(bare: Action, warm: Action) -> None:
    [packages] = bare.python.parents[1].glob("lib/python3*/site-packages")
    (packages / "click.py").write_text("raise SystemExit('the wrong click')")
    started = Action(warm.checkout, warm.cache, bare.python)
    assert version(started.start("--version")) == __version__


def test_starts_at_the_same_time_install_once(cold: Action) -> None:
    running = [cold.begin("--version", env={}) for _ in range(4)]
    ended = [process.communicate(timeout=TIMEOUT_SECONDS) for process in running]
    assert [process.returncode for process in running] == [0] * 4
    assert sum("installed" in stderr for _, stderr in ended) == 1
    assert not cold.leftovers()


def test_a_start_after_a_killed_one_is_good(cold: Action) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent_index:
        url = f"http://127.0.0.1:{silent_index.getsockname()[1]}/"
        settings = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": url}
        with cold.begin("--version", env=settings) as process:
            connection, _ = silent_index.accept()
            with connection:
                # pip is in the middle of it, and nothing can clean up after a SIGKILL.
                os.killpg(process.pid, signal.SIGKILL)
    assert cold.leftovers()
    assert not cold.environments()
    assert version(cold.start("--version")) == __version__
    assert not cold.leftovers()


def test_a_damaged_environment_is_made_again(cold: Action) -> None:
    cold.start("--version")
    [packages] = cold.environments("packages")
    (packages / "click" / "core.py").unlink()
    done = cold.start("--version")
    assert version(done) == __version__
    assert "installed r2d-action's packages" in done.stderr


@pytest.mark.parametrize(("actions", "start"), [("", "error: "), ("true", "::error title=")])
def test_no_index_is_one_clear_sentence(cold: Action, actions: str, start: str) -> None:
    nowhere = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": "http://127.0.0.1:9/",
        "PIP_RETRIES": "0",
        "GITHUB_ACTIONS": actions,
    }
    done = cold.start("build", "--help", env=nowhere)
    assert done.returncode == 1
    assert done.stderr.startswith(start)
    assert "could not be installed" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def wheel(folder: Path) -> Path:
    """A small package of the user's, as a file."""
    name, metadata = "user_plugin", "Metadata-Version: 2.1\nName: user-plugin\nVersion: 1.0\n"
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{name}.py", "ANSWER = 42\n")
        file.writestr(f"{name}-1.0.dist-info/METADATA", metadata)
        file.writestr(f"{name}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        file.writestr(f"{name}-1.0.dist-info/RECORD", "")
    return path


def test_extra_packages_go_beside_repo2docker_at_a_path_that_stays(
    warm: Action, tmp_path: Path
) -> None:
    plugin = wheel(tmp_path)

    def chosen() -> tuple[str, ...]:
        return repo2docker_command(
            "",
            [f"./{plugin.name}"],
            env=warm.env(),
            temporary=tmp_path / "temporary",
            cwd=tmp_path,
            say=lambda _: None,
        )

    command = chosen()
    assert list((tmp_path / "temporary").glob("packages-*/user_plugin.py"))
    assert subprocess.run([*command, "--version"], capture_output=True).returncode == 0
    shutil.rmtree(tmp_path / "temporary")
    assert chosen() == command


@pytest.mark.parametrize("release", ["2022.10.0", "2023.06.0"])
def test_an_older_repo2docker_gets_what_it_does_not_ask_for(
    warm: Action, tmp_path: Path, release: str
) -> None:
    """Those find out in which encoding the file is, with a package that has changed since."""
    (tmp_path / "requirements.txt").write_text("numpy\n")
    command = repo2docker_command(
        f"jupyter-repo2docker=={release}",
        [],
        env=warm.env(),
        temporary=tmp_path / "temporary",
        cwd=tmp_path,
        say=lambda _: None,
    )
    done = subprocess.run([*command, "--version"], capture_output=True, text=True)
    assert version(done) == release
    done = subprocess.run([*command, "--no-build", str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("requirement", "extra", "names"),
    [
        ("jupyter-repo2docker==1990.1", [], "FORCE_REPO2DOCKER_VERSION: "),
        ("", ["./no-such-package"], "EXTRA_PIP_INSTALL: "),
        ("not a requirement", ["x"], "FORCE_REPO2DOCKER_VERSION and EXTRA_PIP_INSTALL: "),
    ],
)
def test_what_pip_refuses_names_the_input(
    warm: Action, tmp_path: Path, requirement: str, extra: list[str], names: str
) -> None:
    with pytest.raises(InputError) as caught:
        repo2docker_command(
            requirement,
            extra,
            env=warm.env({"PIP_RETRIES": "0"}),
            temporary=tmp_path,
            cwd=tmp_path,
            say=lambda _: None,
        )
    assert str(caught.value).startswith(names)
    assert "pip says: ERROR: " in str(caught.value)
