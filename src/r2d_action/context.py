"""Which files go into the build, and which must not: decided here and nowhere else.

The files are laid out in a folder of ours, so that the checkout is never touched
and nothing that we leave out can reach the engine. What ``.dockerignore`` leaves
out, the builder leaves out by itself: the file is part of what it gets.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from fnmatch import translate
from pathlib import Path
from posixpath import dirname
from tempfile import TemporaryDirectory

from r2d_action.errors import InputError
from r2d_action.git import Git

CONFIG_DIRS = ("binder", ".binder")

# What repo2docker's buildpacks look for, in its configuration folder.
# https://repo2docker.readthedocs.io/en/latest/configuration/
ENVIRONMENT_FILES = (
    "Dockerfile",
    "environment.yml",
    "environment.yaml",
    "requirements.txt",
    "Pipfile",
    "Pipfile.lock",
    "setup.py",
    "pyproject.toml",
    "Project.toml",
    "JuliaProject.toml",
    "REQUIRE",
    "install.R",
    "DESCRIPTION",
    "runtime.txt",
    "default.nix",
    "apt.txt",
    "postBuild",
    "start",
)

# Patterns match a path relative to the build's top, at any depth.
_CREDENTIALS = (
    # Made by a job with `DOCKER_CONFIG: $HOME/.docker`: nobody expands the variable there.
    ("$HOME/.docker", "the login of docker"),
    (".docker/config.json", "the login of docker"),
    (".dockercfg", "the login of docker"),
    (".dockerconfigjson", "the login of docker"),
    ("gha-creds-*.json", "the login that google-github-actions/auth leaves behind"),
    ("application_default_credentials.json", "a login to Google Cloud"),
    (".netrc", "passwords"),
    ("_netrc", "passwords"),
    (".git-credentials", "passwords of git"),
    # The helper `store --file=.git/credentials`, which many scripts set up: KEEP_GIT copies it.
    (".git/credentials", "passwords of git"),
    (".pypirc", "passwords of a package index"),
    (".aws/credentials", "access keys of Amazon"),
    (".azure/*", "a login to Azure"),
    (".kube/config", "a login to a cluster"),
    (".ssh/id_*", "a private key"),
)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A path that stays out of the build, and what it holds."""

    path: str
    holds: str

    @property
    def advice(self) -> str:
        if "$HOME" in self.path.split("/"):
            return (
                "The job's `env` sets a variable to a path with `$HOME`, which GitHub does not "
                "expand; remove DOCKER_CONFIG there."
            )
        return (
            "Let the step that makes it write to a folder outside the checkout, such as "
            "`$RUNNER_TEMP`."
        )


@dataclass(frozen=True, slots=True)
class Context:
    """The files of a build: ``root`` is absolute, ``files`` and ``folders`` are relative
    to it, sorted, with ``/`` between their parts."""

    root: Path
    files: tuple[str, ...]
    folders: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    keeps_git: bool = False

    @property
    def is_empty(self) -> bool:
        return not self.files

    @property
    def config_dir(self) -> str:
        """Where repo2docker reads its configuration: ``binder``, ``.binder`` or the top."""
        present = (name for name in CONFIG_DIRS if name in self.folders or self._leads_on(name))
        return next(present, "")

    def config_file(self, name: str) -> str | None:
        folder = self.config_dir
        path = f"{folder}/{name}" if folder else name
        # In a folder that is a link, no file is one of ours.
        known = self.has(path) or self.has(folder)
        file = self.root / path
        return path if known and file.exists() and not file.is_dir() else None

    def has(self, path: str) -> bool:
        # Asked for often, and a repository may have 100 000 files.
        index = bisect_left(self.files, path)
        return self.files[index : index + 1] == (path,)

    def _leads_on(self, name: str) -> bool:
        """Whether a link of this name leads to a folder: repo2docker follows it."""
        return self.has(name) and (self.root / name).is_dir()

    @property
    def dockerfile(self) -> str | None:
        return self.config_file("Dockerfile")

    @property
    def environment_files(self) -> tuple[str, ...]:
        found = (self.config_file(name) for name in ENVIRONMENT_FILES)
        return tuple(path for path in found if path)


def below(paths: Sequence[str], folder: str) -> Iterator[str]:
    """Those of the sorted ``paths`` that are in ``folder``, at any depth."""
    start = f"{folder}/"
    for index in range(bisect_left(paths, start), len(paths)):
        if not paths[index].startswith(start):
            return
        yield paths[index]


def build_root(workspace: Path, subdir: str) -> Path:
    """The folder that is built. Raises :class:`InputError` for one outside ``workspace``."""
    root = resolved(workspace / subdir)
    if Path(subdir).is_absolute() or not root.is_relative_to(workspace.resolve()):
        raise InputError(
            f"SUBDIR: {subdir!r} leads out of the repository; name a folder inside it, for "
            "example `SUBDIR: images/r`."
        )
    if not _is_folder(root):
        raise InputError(
            f"SUBDIR: there is no folder {subdir!r} in the checkout; name one that exists, for "
            "example `SUBDIR: images/r`, and check that an earlier step checked it out."
        )
    return root


def resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except RuntimeError:  # a link to itself
        return path


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that no file can have
        return False


def checkout_of(folder: Path) -> Path:
    """The checkout that ``folder`` lies in, or ``folder`` itself."""
    folder = resolved(folder)
    return next((one for one in (folder, *folder.parents) if (one / ".git").exists()), folder)


def read_appendix(workspace: Path, name: str) -> str:
    """The text of APPENDIX_FILE, empty without one. Raises :class:`InputError`."""
    if not name:
        return ""
    path = resolved(workspace / name)
    if not path.is_relative_to(workspace.resolve()):
        raise InputError(
            f"APPENDIX_FILE: {name!r} leads out of the repository; name a file inside it, for "
            "example `APPENDIX_FILE: appendix`."
        )
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise InputError(
            f"APPENDIX_FILE: there is no readable file {name!r} in the checkout; name one that "
            "exists, for example `APPENDIX_FILE: appendix`."
        ) from None


def read_context(
    root: Path,
    *,
    keep_git: bool = False,
    private: Mapping[Path, str] | None = None,
    without: Iterable[str] = (),
) -> Context:
    """Walk ``root``. ``private`` names absolute paths that this run knows to hold a
    credential, and what; ``without`` further paths that stay out in silence."""
    inside = {
        path.relative_to(root).as_posix(): holds
        for path, holds in (private or {}).items()
        if path.is_relative_to(root)
    }
    _require_inside(root, without)
    walk = _Walk(root, keep_git, inside, frozenset(without), [], [], [])
    walk.enter("")
    folders = (folder for folder in walk.folders if not _is_husk(folder, walk))
    return Context(
        root,
        tuple(sorted(walk.files)),
        tuple(sorted(folders)),
        tuple(sorted(walk.left_out, key=lambda one: one.path)),
        keep_git,
    )


def _require_inside(root: Path, without: Iterable[str]) -> None:
    for name in set(CONFIG_DIRS).difference(without):
        folder = root / name
        if folder.is_dir() and not folder.resolve().is_relative_to(root.resolve()):
            raise InputError(
                f"{folder} is a link that leads out of the folder that is built; put the files "
                "themselves there, or let SUBDIR name a folder that holds both."
            )


@dataclass(frozen=True, slots=True)
class _Walk:
    root: Path
    keep_git: bool
    private: Mapping[str, str]
    without: frozenset[str]
    files: list[str]
    folders: list[str]
    left_out: list[LeftOut]

    def enter(self, folder: str) -> None:
        prefix = f"{folder}/" if folder else ""
        with self._entries(folder) as found:
            entries = list(found)
        # Asked once for a folder: a repository may have 100 000 files, and most are innocent.
        take = self._weigh if self._is_suspect(folder, entries) else self._take
        for entry in entries:
            take(prefix + entry.name, entry)

    def _is_suspect(self, folder: str, entries: Iterable[os.DirEntry[str]]) -> bool:
        names = [entry.name for entry in entries]
        named = any(dirname(path) == folder for path in (*self.private, *self.without))
        return named or ".git" in names or _may_have_credential(folder, names)

    def _entries(self, folder: str) -> AbstractContextManager[Iterator[os.DirEntry[str]]]:
        try:
            return os.scandir(self.root / folder)
        except PermissionError:
            raise unreadable(self.root / folder) from None

    def _weigh(self, path: str, entry: os.DirEntry[str]) -> None:
        if path in self.without or (entry.name == ".git" and not self.keep_git):
            return
        if holds := credential_in(path) or self.private.get(path, ""):
            self.left_out.append(LeftOut(self._credential_file(path), holds))
        else:
            self._take(path, entry)

    def _take(self, path: str, entry: os.DirEntry[str]) -> None:
        if entry.is_file(follow_symlinks=False) or entry.is_symlink():
            self.files.append(path)
        elif entry.is_dir(follow_symlinks=False):
            self.folders.append(path)
            self.enter(path)

    def _credential_file(self, path: str) -> str:
        inside = f"{path}/config.json"
        return inside if (self.root / inside).is_file() else path


def _is_husk(folder: str, walk: _Walk) -> bool:
    """Whether all that a folder had was left out."""
    inside = f"{folder}/"
    had = any(one.path.startswith(inside) for one in walk.left_out)
    return had and not any(file.startswith(inside) for file in walk.files)


def credential_in(path: str) -> str:
    """What kind of credential a file of this name holds; empty for an innocent name."""
    # One expression for all: this is asked of every file of a repository.
    if not _ANY_CREDENTIAL.search(path):
        return ""
    return next(holds for pattern, holds in _CREDENTIALS if _at_the_end(pattern).search(path))


def _may_have_credential(folder: str, names: Iterable[str]) -> bool:
    """A quick look at all that is in a folder: False is certain."""
    start = f"\0/{folder}/" if folder else "\0/"
    return bool(_SOME_CREDENTIAL.search(start.join(("", *names))))


def _at_the_end(*patterns: str) -> re.Pattern[str]:
    ends = "|".join(translate(pattern) for pattern in patterns)
    return re.compile(rf"(?:^|/)(?:{ends})")


_ANY_CREDENTIAL = _at_the_end(*(pattern for pattern, _ in _CREDENTIALS))
_SOME_CREDENTIAL = re.compile(
    rf"/(?:{'|'.join(translate(f'{pattern}*') for pattern, _ in _CREDENTIALS)})"
)


@contextmanager
def laid_out(context: Context, git: Git, *, appendix: str = "") -> Iterator[Path]:
    """A folder with the context's files, gone afterwards.

    ``appendix`` is added to a Dockerfile of the user's; repo2docker adds it by
    itself to the ones that it writes.
    """
    with TemporaryDirectory(prefix="r2d-context-", ignore_cleanup_errors=True) as name:
        target = Path(name)
        for folder in context.folders:
            (target / folder).mkdir()
        for file in context.files:
            _place(context.root / file, target / file, keep_mode=context.keeps_git)
        _bring_in(context, target)
        for folder in reversed(context.folders):
            shutil.copystat(context.root / folder, target / folder)
            (target / folder).chmod(0o755)
        if context.keeps_git:
            _forget_git_credentials(target, git)
        if appendix and context.dockerfile:
            _append(target / context.dockerfile, appendix, target)
        yield target


def _place(source: Path, target: Path, *, keep_mode: bool) -> None:
    if source.is_symlink():
        target.symlink_to(source.readlink())
        return
    mode = stat.S_IMODE(source.stat().st_mode)
    wanted = mode if keep_mode else _usual(mode)
    if mode != wanted or not _linked(source, target):
        _copy(source, target)
        target.chmod(wanted)


def _usual(mode: int) -> int:
    """Of a file's permissions, git keeps and the key counts whether its owner may execute it. The
    rest is the umask of whoever made the checkout, and must not decide what an image's users can
    read."""
    return 0o755 if mode & stat.S_IXUSR else 0o644


def _linked(source: Path, target: Path) -> bool:
    """A link costs nothing, however large the file; a build reads and never writes here."""
    try:
        os.link(source, target)
    except OSError:  # another file system
        return False
    return True


def _copy(source: Path, target: Path) -> None:
    try:
        shutil.copy2(source, target)
    except PermissionError:
        raise unreadable(source) from None


def unreadable(path: Path) -> InputError:
    return InputError(
        f"{path} cannot be read by the user of this job; an earlier step made it as another "
        'user. Remove it, or run `sudo chown -R "$USER" .` in a step before this one.'
    )


def _bring_in(context: Context, target: Path) -> None:
    """The builder follows no link out of the folder of an environment file, and repo2docker
    takes one out of the context for a file that is not there."""
    for path in context.environment_files:
        source = context.root / path
        content = source.resolve()
        leads_out = not content.is_relative_to(source.parent.resolve())
        at_home = content.is_relative_to(checkout_of(context.root))
        if leads_out and at_home and content.is_file():
            (target / path).unlink()
            _place(content, target / path, keep_mode=context.keeps_git)


def _append(dockerfile: Path, appendix: str, target: Path) -> None:
    if not dockerfile.parent.resolve().is_relative_to(target.resolve()):
        raise InputError(
            f"APPENDIX_FILE: the folder {dockerfile.parent.name} is a link by an absolute path, so "
            "that nothing can be added to the Dockerfile in it; make the link a relative one."
        )
    text = dockerfile.read_bytes()
    mode = stat.S_IMODE(dockerfile.stat().st_mode)
    dockerfile.unlink()  # a link to the user's own file until now
    dockerfile.write_bytes(b"%s\n%s\n" % (text.rstrip(), appendix.rstrip().encode()))
    dockerfile.chmod(mode)


# A checkout keeps the job's token here, as a header, a helper or a part of an address.
_GIT_SECRETS = re.compile(r"(http\..*extraheader|credential\..*|includeif\..*)", re.IGNORECASE)
_ADDRESS_WITH_PASSWORD = re.compile(rb"(?<=://)[^/@\s]+@")


def _forget_git_credentials(target: Path, git: Git) -> None:
    for config in filter(_is_of_git, target.glob("**/.git/**/config*")):
        text = _ADDRESS_WITH_PASSWORD.sub(b"", config.read_bytes())
        config.unlink()
        config.write_bytes(text)
        for name in git.run("config", "--file", str(config), "--name-only", "--list").lines:
            if _GIT_SECRETS.fullmatch(name):
                git.attempt("config", "--file", str(config), "--unset-all", name)


def _is_of_git(config: Path) -> bool:
    """And no branch that is called like it."""
    folder = config.parent
    is_git_dir = (folder / "objects").is_dir() or (folder / "commondir").is_file()
    return config.name in {"config", "config.worktree"} and config.is_file() and is_git_dir
