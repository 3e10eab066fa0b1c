"""What git knows of a checkout saves reading it, and never changes the key."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from r2d_action.context import read_context
from r2d_action.git import Git
from r2d_action.key.files import Known, digest_of, known_to_git


@pytest.fixture
def git(tmp_path: Path) -> Git:
    home = {"HOME": str(tmp_path.parent), "GIT_CONFIG_NOSYSTEM": "1"}
    git = Git(tmp_path, {**os.environ, **home})
    for name in ("a.txt", "b/c.txt", "ü ber\n.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{name}\n")
    (tmp_path / "run.sh").write_text("#!/bin/sh\n")
    (tmp_path / "run.sh").chmod(0o755)
    (tmp_path / "link").symlink_to("a.txt")
    git.run("init", "-q")
    git.run("add", "-A")
    git.run("-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "x")
    return git


def known(root: Path, git: Git) -> Known:
    return known_to_git(read_context(root), git)


def require_agreement(root: Path, git: Git) -> None:
    context = read_context(root)
    with_git = digest_of(context, context.files, known_to_git(context, git))
    assert with_git == digest_of(context, context.files, Known({}))


def test_git_vouches_for_a_clean_checkout(tmp_path: Path, git: Git) -> None:
    assert {"a.txt", "b/c.txt", "run.sh", "link"} <= set(known(tmp_path, git).entries)
    require_agreement(tmp_path, git)


def test_a_changed_file_is_read(tmp_path: Path, git: Git) -> None:
    (tmp_path / "a.txt").write_text("changed\n")
    (tmp_path / "run.sh").chmod(0o644)
    assert not {"a.txt", "run.sh"} & set(known(tmp_path, git).entries)
    require_agreement(tmp_path, git)


def test_a_staged_file_is_what_it_is_in_the_checkout(tmp_path: Path, git: Git) -> None:
    (tmp_path / "a.txt").write_text("staged\n")
    git.run("add", "a.txt")
    require_agreement(tmp_path, git)
    (tmp_path / "a.txt").write_text("and changed\n")
    require_agreement(tmp_path, git)


def test_a_file_that_git_shall_not_look_at_is_read(tmp_path: Path, git: Git) -> None:
    git.run("update-index", "--assume-unchanged", "a.txt")
    (tmp_path / "a.txt").write_text("changed\n")
    require_agreement(tmp_path, git)


def test_a_link_to_the_file_elsewhere_changes_nothing(tmp_path: Path, git: Git) -> None:
    os.link(tmp_path / "a.txt", tmp_path.parent / "elsewhere")
    assert "a.txt" in known(tmp_path, git).entries


def test_a_subdirectory_has_paths_of_its_own(tmp_path: Path, git: Git) -> None:
    assert set(known(tmp_path / "b", git).entries) == {"c.txt"}
    require_agreement(tmp_path / "b", git)


@pytest.mark.parametrize("attributes", ["* text=auto\n", "*.txt eol=crlf\n", "*.txt filter=lfs\n"])
def test_where_git_converts_files_it_is_not_asked(
    tmp_path: Path, git: Git, attributes: str
) -> None:
    (tmp_path / ".gitattributes").write_text(attributes)
    assert not known(tmp_path, git).entries
    assert not known(tmp_path / "b", git).entries


def test_a_setting_that_converts_counts_too(tmp_path: Path, git: Git) -> None:
    git.run("config", "core.autocrlf", "true")
    assert not known(tmp_path, git).entries


def test_attributes_that_convert_nothing_do_not_matter(tmp_path: Path, git: Git) -> None:
    (tmp_path / ".gitattributes").write_text("*.ipynb linguist-documentation diff=jupyter\n")
    assert "a.txt" in known(tmp_path, git).entries


def test_outside_of_a_repository_everything_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    env = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}
    assert known(tmp_path, Git(tmp_path, env)) == Known({})
