"""The library of a cloud, for a program that was installed without it."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from r2d_action.environments import EXTRAS, Environments

PROVIDE = """\
import os, sys

application, extra, module = sys.argv[1:]
beside = os.path.dirname(application)
sys.path += [application, *(f"{beside}/{name}" for name in os.listdir(beside) if name == PACKAGES)]

from r2d_action.environments import provide_extra

try:
    __import__(module)
    sys.exit("it is there already")
except ImportError:
    pass
before = list(sys.path)
provide_extra(extra, os.environ, print)
added = [one for one in sys.path if one not in before]
print(len(added), __import__(module, fromlist=["x"]).__file__.startswith(added[0]))
"""


def env_of(cache: Path) -> Mapping[str, str]:
    ours = ("RUNNER_TOOL_CACHE", "RUNNER_TEMP", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "XDG_CACHE_HOME": str(cache)}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def application(cache: Path) -> Path:
    """What a plain start installs."""
    return Environments(cache / "r2d-action", env_of(cache), lambda _: None).application()


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_a_plain_start_installs_nothing_of_them(application: Path) -> None:
    for module in itertools.chain(*EXTRAS.values()):
        path = module.replace(".", "/")
        assert not list(application.parent.glob(f"packages-*/{path}*"))


@pytest.mark.parametrize("extra", EXTRAS)
def test_a_cloud_is_installed_once_when_it_is_needed(
    application: Path, cache: Path, extra: str
) -> None:
    [packages] = [one for one in application.parent.glob("packages-*") if (one / "click").is_dir()]
    program = PROVIDE.replace("PACKAGES", repr(packages.name))

    def provide() -> list[str]:
        done = subprocess.run(
            [sys.executable, "-IBS", "-c", program, str(application), extra, EXTRAS[extra][0]],
            env=env_of(cache),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    plain = size(packages)
    *said, result = provide()
    assert [line.split(" in ")[0] for line in said] == [f"installed {', '.join(EXTRAS[extra])}"]
    assert result == "1 True"
    assert provide() == ["1 True"]
    # Nothing is installed twice, and what was there before stays as it was.
    assert size(packages) == plain
    folders = [one for one in application.parent.glob("packages-*") if one.is_dir()]
    assert len([one for one in folders if (one / "requests").is_dir()]) == 1
