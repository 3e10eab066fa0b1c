"""What a checkout may look like for its image to go by BinderHub's name: real git."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from r2d_action.binder.whole_checkout import require_whole_checkout
from r2d_action.context import read_context
from r2d_action.errors import InputError
from r2d_action.git import Git

FILES = ("environment.yml", "ü ber/a.txt", "ü ber/b.txt")


def new_repository(folder: Path) -> Git:
    home = {
        "HOME": str(folder.parent),
        "GIT_CONFIG_NOSYSTEM": "1",
        # Submodules of these tests come from a folder beside them.
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "protocol.file.allow",
        "GIT_CONFIG_VALUE_0": "always",
    }
    git = Git(folder, {**os.environ, **home})
    for name in FILES:
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_text(f"{name}\n")
    git.run("init", "-q")
    commit(git)
    return git


def commit(git: Git) -> None:
    git.run("add", "-A")
    git.run("-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "x")


@pytest.fixture
def git(tmp_path: Path) -> Git:
    return new_repository(tmp_path / "checkout")


def note(git: Git) -> str:
    return require_whole_checkout(git, read_context(git.directory).files)


def refusal(git: Git) -> str:
    with pytest.raises(InputError, match=r"^BINDERHUB_IMAGE_PREFIX: ") as refused:
        note(git)
    return str(refused.value)


def test_clean_checkout(git: Git) -> None:
    (git.directory / FILES[0]).touch()
    assert note(git) == ""


@pytest.mark.parametrize("staged", [True, False])
def test_changed_file(git: Git, *, staged: bool) -> None:
    (git.directory / FILES[1]).write_text("changed\n")
    if staged:
        git.run("add", "-A")
    assert f"an earlier step changed {FILES[1]}, and" in refusal(git)


def test_file_that_was_removed(git: Git) -> None:
    (git.directory / FILES[0]).unlink()
    assert FILES[0] in refusal(git)


def test_sparse_checkout(git: Git) -> None:
    git.run("sparse-checkout", "set", "nothing")
    assert f"leaves out {FILES[1]}, {FILES[2]}, and" in refusal(git)


def test_files_that_an_earlier_step_made(git: Git) -> None:
    (git.directory / ".gitignore").write_text("data\n")
    commit(git)
    (git.directory / "data").mkdir()
    (git.directory / "data/1.csv").touch()
    assert "holds data/1.csv, which" in note(git)
    for number in range(2, 5):
        (git.directory / f"data/{number}.csv").touch()
    assert "holds data/1.csv and 3 other files, which" in note(git)


def test_submodules(git: Git) -> None:
    other = new_repository(git.directory.parent / "other")
    git.run("submodule", "--quiet", "add", str(other.directory), "lib")
    commit(git)
    (git.directory / "lib/made").touch()
    assert "holds lib/made, which" in note(git)
    (git.directory / "lib/made").unlink()
    assert note(git) == ""
    git.run("submodule", "--quiet", "deinit", "lib")
    assert "submodules are not checked out (lib)" in refusal(git)
