from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from r2d_action.context import (
    LeftOut,
    build_root,
    credential_in,
    laid_out,
    read_appendix,
    read_context,
)
from r2d_action.errors import InputError
from r2d_action.git import Git

NOBODY = 65534


def tree(root: Path, *files: str) -> Path:
    for name in files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"content of {name}")
    return root


@pytest.mark.parametrize(
    "path",
    [
        "$HOME/.docker",
        ".docker/config.json",
        "deep/er/.docker/config.json",
        "gha-creds-0123abcd.json",
        ".netrc",
        "sub/.netrc",
        ".git-credentials",
        ".git/credentials",
        "module/.git/credentials",
        ".aws/credentials",
        ".ssh/id_ed25519",
    ],
)
def test_credentials_are_known_by_their_names(path: str) -> None:
    assert credential_in(path)


@pytest.mark.parametrize(
    "path", ["config.json", "docker/config.json", "netrc.md", "notebooks/credentials", ".docker"]
)
def test_innocent_names_are_left_alone(path: str) -> None:
    assert not credential_in(path)


def test_a_kept_repository_keeps_no_passwords(tmp_path: Path) -> None:
    tree(tmp_path, "a.py", ".git/HEAD", ".git/credentials")
    context = read_context(tmp_path, keep_git=True)
    assert context.files == (".git/HEAD", "a.py")
    assert context.left_out == (LeftOut(".git/credentials", "passwords of git"),)


def test_credentials_stay_out_and_are_named(tmp_path: Path) -> None:
    tree(tmp_path, "a.py", "$HOME/.docker/config.json", "$HOME/.docker/buildx/current", ".netrc")
    tree(tmp_path, "~/.docker/config.json")
    context = read_context(tmp_path)
    assert context.files == ("a.py",)
    assert context.folders == ()
    assert context.left_out == (
        LeftOut("$HOME/.docker/config.json", "the login of docker"),
        LeftOut(".netrc", "passwords"),
        LeftOut("~/.docker/config.json", "the login of docker"),
    )


def test_paths_that_the_run_knows_to_be_private_stay_out(tmp_path: Path) -> None:
    tree(tmp_path, "a.py", "creds/config.json", "key.json")
    context = read_context(
        tmp_path, private={tmp_path / "creds": "a login", tmp_path / "key.json": "a key"}
    )
    assert context.files == ("a.py",)
    assert [one.path for one in context.left_out] == ["creds/config.json", "key.json"]


def test_git_stays_out_at_every_depth_unless_it_is_kept(tmp_path: Path) -> None:
    tree(tmp_path, "a.py", ".git/HEAD", "module/.git", "module/b.py")
    assert read_context(tmp_path).files == ("a.py", "module/b.py")
    assert ".git/HEAD" in read_context(tmp_path, keep_git=True).files


def test_the_configuration_folder_and_its_files(tmp_path: Path) -> None:
    tree(tmp_path, "environment.yml", "binder/Dockerfile", "binder/apt.txt")
    context = read_context(tmp_path)
    assert context.config_dir == "binder"
    assert context.dockerfile == "binder/Dockerfile"
    assert context.environment_files == ("binder/Dockerfile", "binder/apt.txt")
    without = read_context(tmp_path, without=("binder",))
    assert without.environment_files == ("environment.yml",)


def lay_out(tmp_path: Path, appendix: str = "") -> dict[str, str]:
    with laid_out(read_context(tmp_path), Git(tmp_path, {}), appendix=appendix) as folder:
        files = {
            path.relative_to(folder).as_posix(): path.read_text()
            for path in folder.rglob("*")
            if path.is_file()
        }
        kept = folder
    assert not kept.exists()
    return files


def test_the_layout_has_the_files_and_is_gone_afterwards(tmp_path: Path) -> None:
    tree(tmp_path, "a.py", "deep/b.py", ".netrc")
    assert lay_out(tmp_path) == {"a.py": "content of a.py", "deep/b.py": "content of deep/b.py"}


def test_links_modes_and_empty_folders_survive(tmp_path: Path) -> None:
    tree(tmp_path, "run.sh")
    (tmp_path / "run.sh").chmod(0o755)
    (tmp_path / "link").symlink_to("run.sh")
    (tmp_path / "outside").symlink_to("/etc")
    (tmp_path / "empty").mkdir()
    with laid_out(read_context(tmp_path), Git(tmp_path, {})) as folder:
        assert os.access(folder / "run.sh", os.X_OK)
        assert (folder / "link").readlink() == Path("run.sh")
        assert (folder / "outside").readlink() == Path("/etc")
        assert (folder / "empty").is_dir()


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_permissions_are_those_that_git_keeps(tmp_path: Path, mask: int) -> None:
    tree(tmp_path, "folder/data.txt", "folder/run.sh")
    (tmp_path / "folder/data.txt").chmod(0o666 & ~mask)
    (tmp_path / "folder/run.sh").chmod(0o777 & ~mask)
    (tmp_path / "folder").chmod(0o777 & ~mask)
    with laid_out(read_context(tmp_path), Git(tmp_path, {})) as folder:
        modes = [path.stat().st_mode & 0o7777 for path in sorted(folder.rglob("*"))]
    assert modes == [0o755, 0o644, 0o755]
    # The checkout stays as it is.
    assert (tmp_path / "folder/data.txt").stat().st_mode & 0o777 == 0o666 & ~mask


def test_a_repository_that_is_kept_has_its_own_permissions(tmp_path: Path) -> None:
    tree(tmp_path, ".git/objects/pack")
    (tmp_path / ".git/objects/pack").chmod(0o444)
    with laid_out(read_context(tmp_path, keep_git=True), Git(tmp_path, {})) as folder:
        assert (folder / ".git/objects/pack").stat().st_mode & 0o777 == 0o444


def test_an_appendix_goes_to_the_layout_and_never_to_the_checkout(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM base\n\n")
    assert lay_out(tmp_path, "RUN x")["Dockerfile"] == "FROM base\nRUN x\n"
    assert (tmp_path / "Dockerfile").read_text() == "FROM base\n\n"


def test_an_appendix_without_a_dockerfile_changes_nothing(tmp_path: Path) -> None:
    tree(tmp_path, "environment.yml")
    assert list(lay_out(tmp_path, "RUN x")) == ["environment.yml"]


@pytest.mark.parametrize("subdir", ["..", "../other", "/etc", "a/../.."])
def test_a_subdir_outside_the_checkout_is_refused(tmp_path: Path, subdir: str) -> None:
    (tmp_path / "repo").mkdir()
    with pytest.raises(InputError, match=r"SUBDIR: .* leads out"):
        build_root(tmp_path / "repo", subdir)


def test_a_subdir_that_is_a_way_out_is_refused(tmp_path: Path) -> None:
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / "door").symlink_to("/etc")
    with pytest.raises(InputError, match="leads out"):
        build_root(tmp_path / "repo", "door")


@pytest.mark.parametrize("subdir", ["images", "loop", "a" * 300])
def test_a_missing_subdir_is_refused(tmp_path: Path, subdir: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(InputError, match=f"there is no folder '{subdir}'"):
        build_root(tmp_path, subdir)


def test_the_appendix_is_read_from_the_checkout_alone(tmp_path: Path) -> None:
    repo = tree(tmp_path / "repo", "appendix")
    tree(tmp_path, "secret")
    (repo / "loop").symlink_to("loop")
    assert read_appendix(repo, "appendix") == "content of appendix"
    assert read_appendix(repo, "") == ""
    for name, word in (
        ("../secret", "leads out"),
        ("missing", "no readable file"),
        (".", "no read"),
        ("loop", "no read"),
        ("a" * 300, "no read"),
    ):
        with pytest.raises(InputError, match=word):
            read_appendix(repo, name)


def test_a_configuration_folder_that_is_a_link_is_followed(tmp_path: Path) -> None:
    tree(tmp_path, "docker/apt.txt", "environment.yml")
    (tmp_path / "docker" / "Dockerfile").write_text("FROM base")
    (tmp_path / "binder").symlink_to("docker")
    context = read_context(tmp_path)
    assert context.config_dir == "binder"
    assert context.environment_files == ("binder/Dockerfile", "binder/apt.txt")
    assert lay_out(tmp_path, "RUN x")["docker/Dockerfile"] == "FROM base\nRUN x\n"
    assert (tmp_path / "docker" / "Dockerfile").read_text() == "FROM base"


def test_a_configuration_folder_outside_is_refused(tmp_path: Path) -> None:
    tree(tmp_path, "shared/Dockerfile", "image/a.py")
    (tmp_path / "image" / ".binder").symlink_to("../shared")
    with pytest.raises(InputError, match=r"\.binder is a link that leads out"):
        read_context(tmp_path / "image")


@pytest.mark.parametrize("target", ["missing", "Dockerfile", "."])
def test_a_link_to_no_file_is_no_environment_file(tmp_path: Path, target: str) -> None:
    (tmp_path / "Dockerfile").symlink_to(target)
    assert read_context(tmp_path).environment_files == ()


def test_an_environment_file_elsewhere_in_the_repository_is_brought_in(tmp_path: Path) -> None:
    tree(tmp_path, ".git/HEAD", "shared/environment.yml", "image/a.py", "image/in/Dockerfile")
    (tmp_path / "image" / "environment.yml").symlink_to("../shared/environment.yml")
    (tmp_path / "image" / "Dockerfile").symlink_to("in/Dockerfile")
    (tmp_path / "shared" / "environment.yml").chmod(0o600)
    with laid_out(read_context(tmp_path / "image"), Git(tmp_path, {})) as folder:
        assert (folder / "environment.yml").read_text() == "content of shared/environment.yml"
        assert not (folder / "environment.yml").is_symlink()
        assert (folder / "environment.yml").stat().st_mode & 0o777 == 0o644
        assert (folder / "Dockerfile").readlink() == Path("in/Dockerfile")


def test_nothing_is_brought_in_from_outside_of_the_repository(tmp_path: Path) -> None:
    tree(tmp_path, "secret", "repo/.git/HEAD")
    (tmp_path / "repo" / "apt.txt").symlink_to("../secret")
    with laid_out(read_context(tmp_path / "repo"), Git(tmp_path, {})) as folder:
        assert (folder / "apt.txt").is_symlink()


@contextmanager
def without_rights_of_root() -> Iterator[None]:
    """Root reads everything."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


def test_a_folder_of_another_user_is_named() -> None:
    with without_rights_of_root(), TemporaryDirectory() as name:
        root = Path(name)
        tree(root, "database/a")
        (root / "database").chmod(0)
        with pytest.raises(InputError, match="database cannot be read"):
            read_context(root)
        (root / "database").chmod(0o755)


def test_an_appendix_never_goes_through_an_absolute_link(tmp_path: Path) -> None:
    tree(tmp_path, "docker/Dockerfile")
    (tmp_path / "binder").symlink_to(tmp_path / "docker")
    with pytest.raises(InputError, match="relative"):
        lay_out(tmp_path, "RUN x")
    assert (tmp_path / "docker" / "Dockerfile").read_text() == "content of docker/Dockerfile"


def test_an_appendix_leaves_the_rest_byte_for_byte(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_bytes(b"# caf\xe9\r\nFROM base\r\n")
    with laid_out(read_context(tmp_path), Git(tmp_path, {}), appendix="RUN x") as folder:
        assert (folder / "Dockerfile").read_bytes() == b"# caf\xe9\r\nFROM base\nRUN x\n"
