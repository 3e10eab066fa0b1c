"""What git knows of a checkout saves reading it, and never changes the key."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from r2d_action.context import laid_out, read_context
from r2d_action.git import Git
from r2d_action.key.files import Known, ask_git, digest_of, known_to_git

LONG_AGO = 1_700_000_000


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
    for path in (tmp_path, *tmp_path.rglob("*")):
        # Git reads a file again that is as new as its index.
        os.utime(path, (LONG_AGO, LONG_AGO), follow_symlinks=False)
    git.run("init", "-q")
    git.run("add", "-A")
    git.run("-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "x")
    return git


def known(root: Path, git: Git) -> Known:
    return known_to_git(read_context(root), ask_git(Git(root, git.env)))


def digest(root: Path, git: Git) -> str:
    context = read_context(root)
    return digest_of(context, context.files, known(root, git))


def require_agreement(root: Path, git: Git) -> None:
    context = read_context(root)
    assert digest(root, git) == digest_of(context, context.files, Known({}))


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
    before = digest(tmp_path, git)
    os.link(tmp_path / "a.txt", tmp_path.parent / "elsewhere")
    assert digest(tmp_path, git) == before


def test_a_file_that_is_changed_in_place_and_looks_old_is_read(tmp_path: Path, git: Git) -> None:
    file = tmp_path / "a.txt"
    times = file.stat()
    # Git counts the time of an inode in whole seconds.
    while int(file.stat().st_ctime) == int(times.st_ctime):
        file.write_text(file.read_text().upper())
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert "a.txt" not in known(tmp_path, git).entries
    require_agreement(tmp_path, git)


def test_digests_of_another_kind_are_not_mixed_with_ours(tmp_path: Path, git: Git) -> None:
    ours = digest(tmp_path, git)
    shutil.rmtree(tmp_path / ".git")
    git.run("init", "-q", "--object-format=sha256")
    git.run("add", "-A")
    assert digest(tmp_path, git) == ours


def test_a_subdirectory_has_paths_of_its_own(tmp_path: Path, git: Git) -> None:
    assert set(known(tmp_path / "b", git).entries) == {"c.txt"}
    require_agreement(tmp_path / "b", git)
    (tmp_path / "b" / "c.txt").write_text("changed\n")
    require_agreement(tmp_path / "b", git)


@pytest.mark.parametrize("attributes", ["* text=auto\n", "*.txt eol=crlf\n", "*.txt filter=lfs\n"])
@pytest.mark.parametrize("file", [".gitattributes", "b/.gitattributes", ".git/info/attributes"])
def test_where_git_converts_files_it_is_not_asked(
    tmp_path: Path, git: Git, file: str, attributes: str
) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(attributes)
    assert not known(tmp_path, git).entries
    assert not known(tmp_path / "b", git).entries


def check_in(git: Git) -> None:
    git.run("add", "-A")
    git.run("-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "x")


@pytest.mark.parametrize("root", [".", "b"])
@pytest.mark.parametrize("file", [".gitattributes", "b/.gitattributes"])
def test_attributes_that_were_not_checked_out_convert_too(
    tmp_path: Path, git: Git, file: str, root: str
) -> None:
    (tmp_path / file).write_text("*.txt eol=crlf\n")
    check_in(git)
    (tmp_path / "b" / "c.txt").unlink()
    git.run("sparse-checkout", "set", "--no-cone", "/*", f"!/{file}")
    git.run("checkout", "-q", "--", "b/c.txt")
    assert (tmp_path / "b" / "c.txt").read_bytes() == b"b/c.txt\r\n"
    require_agreement(tmp_path / root, git)


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_text("")])
def test_attributes_that_were_changed_after_the_checkout_convert_too(
    tmp_path: Path, git: Git, change: Callable[[Path], object]
) -> None:
    (tmp_path / ".gitattributes").write_text("*.txt eol=crlf\n")
    check_in(git)
    (tmp_path / "a.txt").unlink()
    git.run("checkout", "-q", "--", "a.txt")
    os.utime(tmp_path / "a.txt", (LONG_AGO, LONG_AGO))
    git.run("update-index", "--refresh")
    change(tmp_path / ".gitattributes")
    require_agreement(tmp_path, git)


def test_what_the_checkout_of_a_job_sets_converts_nothing(tmp_path: Path, git: Git) -> None:
    git.run("sparse-checkout", "disable")
    assert git.line("config", "core.sparseCheckout") == "false"
    assert "a.txt" in known(tmp_path, git).entries


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


def replaced(path: Path) -> None:
    """By another file of the same size and time."""
    status = path.stat()
    other = path.with_name("other")
    other.write_bytes(path.read_bytes()[::-1])
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)


@pytest.mark.parametrize(
    ("setting", "file", "change"),
    [
        ("core.fileMode=false", "a.txt", lambda path: path.chmod(0o755)),
        ("core.symlinks=false", "link", lambda path: path.unlink() or path.write_text("a.txt")),
        ("core.checkStat=minimal", "a.txt", replaced),
    ],
)
def test_a_setting_that_hides_a_change_hides_nothing(
    tmp_path: Path, git: Git, setting: str, file: str, change: Callable[[Path], object]
) -> None:
    git.run("config", *setting.split("="))
    change(tmp_path / file)
    assert file not in known(tmp_path, git).entries
    require_agreement(tmp_path, git)


def test_a_link_that_git_has_written_as_a_file_is_read(tmp_path: Path, git: Git) -> None:
    git.run("config", "core.symlinks", "false")
    (tmp_path / "link").unlink()
    git.run("checkout", "-q", "--", "link")
    assert not (tmp_path / "link").is_symlink()
    require_agreement(tmp_path, git)


def test_a_watcher_that_sees_no_change_is_not_asked(tmp_path: Path, git: Git) -> None:
    watcher = tmp_path / ".git" / "watcher"
    watcher.write_text("#!/bin/sh\nprintf 'token\\0'\n")
    watcher.chmod(0o755)
    git.run("config", "core.fsmonitor", str(watcher))
    git.run("update-index", "--fsmonitor")
    git.run("status")
    (tmp_path / "a.txt").write_text("changed\n")
    assert not git.run("diff-files", "--name-only").lines
    require_agreement(tmp_path, git)


@pytest.mark.parametrize("place", ["elsewhere", "../beside"])
def test_variables_that_lead_git_elsewhere_lead_nobody_astray(
    tmp_path: Path, git: Git, place: str
) -> None:
    elsewhere = (tmp_path / place).resolve()
    git.run("worktree", "add", "-q", "--detach", str(elsewhere))
    (elsewhere / "a.txt").write_text("another\n")
    astray = {"GIT_DIR": str(tmp_path / ".git"), "GIT_WORK_TREE": str(tmp_path)}
    require_agreement(elsewhere, Git(elsewhere, {**git.env, **astray}))
    assert "b/c.txt" in known(elsewhere, git).entries


@pytest.mark.parametrize("variable", ["HOME", "XDG_CONFIG_HOME"])
def test_attributes_of_the_user_convert_too(tmp_path: Path, git: Git, variable: str) -> None:
    home = tmp_path.parent / f"home-{variable}"
    folder = home / ".config" / "git" if variable == "HOME" else home / "git"
    folder.mkdir(parents=True)
    (folder / "attributes").write_text("*.txt filter=clean\n")
    assert not known(tmp_path, Git(tmp_path, {**git.env, variable: str(home)})).entries


def test_a_repository_inside_is_read_file_by_file(tmp_path: Path, git: Git) -> None:
    inner = tmp_path / "module"
    inner.mkdir()
    (inner / "d.txt").write_text("1")
    other = Git(inner, git.env)
    other.run("init", "-q")
    other.run("add", "-A")
    other.run("-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "x")
    git.run("-c", "advice.addEmbeddedRepo=false", "add", "module")
    before = digest(tmp_path, git)
    (inner / "d.txt").write_text("2")
    assert digest(tmp_path, git) != before
    require_agreement(tmp_path, git)


def test_a_file_that_is_announced_and_one_in_conflict_are_read(tmp_path: Path, git: Git) -> None:
    (tmp_path / "new.txt").write_text("content")
    git.run("add", "-N", "new.txt")
    require_agreement(tmp_path, git)
    blob = git.line("hash-object", "-w", "b/c.txt")
    entries = "".join(f"100644 {blob} {stage}\ta.txt\n" for stage in (1, 2, 3))
    subprocess.run(
        ["git", "update-index", "--index-info"],
        cwd=tmp_path,
        env=git.env,
        input=f"0 {'0' * 40}\ta.txt\n{entries}",
        text=True,
        check=True,
    )
    assert not {"a.txt", "new.txt"} & set(known(tmp_path, git).entries)
    require_agreement(tmp_path, git)


def test_a_kept_repository_keeps_its_branches_and_no_token(tmp_path: Path, git: Git) -> None:
    git.run("config", "http.https://github.com/.extraheader", "AUTHORIZATION: basic c2VjcmV0")
    git.run("config", "remote.origin.url", "https://user:secret@example.org/r.git")
    git.run("branch", "config")
    (tmp_path / ".git" / "refs" / "remotes" / "origin" / "config").mkdir(parents=True)
    (tmp_path / ".git" / "refs" / "remotes" / "origin" / "HEAD").write_text("ref: x\n")
    git.run("update-ref", "refs/remotes/origin/config/new", "HEAD")
    with laid_out(read_context(tmp_path, keep_git=True), git) as folder:
        assert Git(folder, git.env).line("rev-parse", "config") == git.head
        settings = Git(folder, git.env).run("config", "--local", "--list").text
    assert "secret" not in settings
    assert "c2VjcmV0" not in settings
    assert "https://example.org/r.git" in settings
    assert "secret" in git.line("config", "remote.origin.url")
