"""Fill a folder with packages, with whichever pip this machine has."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from urllib.parse import unquote

from r2d_action.errors import UserError
from r2d_action.git_settings import login_settings

# Of pip's settings, those that say where packages come from. The others (PIP_TARGET,
# PIP_USER, PIP_CONSTRAINT, ...) are meant for the user's own environments.
SETTINGS = frozenset(
    f"PIP_{name}"
    for name in (
        "CACHE_DIR", "CERT", "CLIENT_CERT", "CONFIG_FILE", "DEFAULT_TIMEOUT", "EXTRA_INDEX_URL",
        "FIND_LINKS", "INDEX_URL", "KEYRING_PROVIDER", "NO_CACHE_DIR", "NO_INDEX", "PROXY",
        "RESUME_RETRIES", "RETRIES", "TIMEOUT", "TRUSTED_HOST", "USE_DEPRECATED", "USE_FEATURE",
    )
)  # fmt: skip
INSTALL = (
    "install", "--quiet", "--no-input", "--disable-pip-version-check", "--progress-bar=off",
    # Python compiles the few modules that it imports; pip would compile them all.
    "--no-compile",
    # Undo what a pip.conf may say and --target cannot be combined with.
    "--no-user", "--prefix=", "--root=/",
)  # fmt: skip
# Options whose last value counts, and the variable that pip reads as it reads that option.
# https://pip.pypa.io/en/stable/topics/configuration/#environment-variables
_VARIABLES = {
    "-i": "PIP_INDEX_URL",
    "--index-url": "PIP_INDEX_URL",
    "--pypi-url": "PIP_INDEX_URL",
    "--proxy": "PIP_PROXY",
}
# Options that a file of requirements takes as well; there they add to those from elsewhere.
_OF_A_FILE = frozenset(
    (
        "-c", "--constraint", "-e", "--editable", "--extra-index-url", "-f", "--find-links",
        "-i", "--index-url", "-r", "--requirement",
    )
)  # fmt: skip
_WITH_VALUE = _OF_A_FILE | frozenset(_VARIABLES)
_GIT_WITH_LOGIN = re.compile(r"git\+(https?://)([^/@\s]+)@([^\s#;]+)")
_WITH_PASSWORD = re.compile(r"://[^/@\s]+@")
LOCKED = ("--require-hashes", "--no-deps", "--only-binary=:all:")


class PipFailed(UserError):
    """pip refused; ``reason`` is its own last word on it."""

    title = "Packages could not be installed"

    def __init__(self, output: str) -> None:
        lines = [line.strip() for line in output.splitlines() if line.strip()]
        errors = [line for line in lines if line.lower().startswith("error: ")]
        self.reason = (errors or lines or ["nothing"])[-1]
        super().__init__(
            "The packages that r2d-action needs could not be installed; see that the package "
            f"index of pip can be reached from here. pip says: {self.reason}"
        )


def install(
    arguments: Sequence[str], folder: Path, *, scratch: Path, env: Mapping[str, str], cwd: Path
) -> None:
    """Fill ``folder``, which does not exist yet. Raises :class:`PipFailed`.

    Passwords in ``arguments`` reach no command line, which everybody on the machine can read.
    """
    words, settings = as_settings(arguments)
    words, logins = git_logins(words, env)
    words = without_passwords(words, scratch)
    argv = [*_find_pip(scratch), *INSTALL, "--target", str(folder), *words]
    done = _run(argv, env={**pip_env(env, scratch), **settings, **logins}, cwd=cwd)
    if done.returncode != 0:
        raise PipFailed(done.stdout)


def git_logins(words: Sequence[str], env: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """``words`` without the logins of git's addresses, and variables that give them to git, which
    would show an address on its own command lines."""
    logins: dict[str, str] = {}

    def take(match: re.Match[str]) -> str:
        scheme, login, place = match.groups()
        name, _, password = login.partition(":")
        logins[scheme + place.partition("@")[0]] = f"{unquote(name)}:{unquote(password)}"
        return f"git+{scheme}{place}"

    plain = [_GIT_WITH_LOGIN.sub(take, word) for word in words]
    return plain, login_settings(logins, env)


def as_settings(words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """``words`` without a proxy, and without an index that has a password; and variables that
    tell pip of them."""
    rest: list[str] = []
    settings: dict[str, str] = {}
    for option, value, written in _options(words):
        variable = _VARIABLES.get(option)
        # A proxy may be written without the scheme by which an address is known.
        if variable and (option == "--proxy" or _WITH_PASSWORD.search(value)):
            settings[variable] = value
        else:
            rest.extend(written)
    return rest, settings


def without_passwords(words: Sequence[str], scratch: Path) -> list[str]:
    """``words``, of which those with a password in an address go into a file in ``scratch``."""
    rest: list[str] = []
    lines: list[str] = []
    for option, value, written in _options(words):
        fits = option in _OF_A_FILE or not value.startswith("-")
        if fits and _WITH_PASSWORD.search(value):
            lines.append(" ".join(written))
        else:
            rest.extend(written)
    if not lines:
        return rest
    file = scratch / "requirements.txt"
    file.touch(mode=0o600)
    file.write_text("\n".join(lines), encoding="utf-8")
    return [*rest, "--requirement", str(file)]


def _options(words: Sequence[str]) -> Iterator[tuple[str, str, list[str]]]:
    """Each option of ours with its value, and each other word without an option; and how it was
    written."""
    following = iter(words)
    for word in following:
        # The value of a short option may be written to it.
        is_long = word.startswith("--")
        option, _, value = word.partition("=") if is_long else (word[:2], "", word[2:])
        if option not in _WITH_VALUE:
            yield "", word, [word]
        elif option != word:
            yield option, value, [word]
        else:
            written = [word, *islice(following, 1)]
            yield option, "".join(written[1:]), written


def pip_env(env: Mapping[str, str], scratch: Path) -> dict[str, str]:
    """Without our inputs too: what pip builds from source is somebody else's program."""
    ours = ("PYTHON", "PIP_", "R2D_")
    kept = {
        name: value for name, value in env.items() if name in SETTINGS or not name.startswith(ours)
    }
    # On the same disk as the folder, into which pip moves what it unpacked there.
    return {**kept, "PIP_REQUIRE_VIRTUALENV": "0", "TMPDIR": str(scratch)}


def _find_pip(scratch: Path) -> list[str]:
    """How to call a pip that works for this interpreter.

    Raises :class:`UserError` when there is none and none can be had.
    """
    if _run([sys.executable, "-I", "-c", "import pip"]).returncode == 0:
        return [sys.executable, "-I", "-m", "pip"]
    wheel = next(_bundled_wheels(), None) or _debian_wheel(scratch)
    if wheel is None:
        raise UserError(
            f"{sys.executable} has no pip, which r2d-action needs to install its packages; "
            "install it (on Debian and Ubuntu: `apt-get install python3-pip`), or let a step "
            "with actions/setup-python go before this one."
        )
    # A wheel is a zip file, and Python runs a folder of a zip file as a program.
    return [sys.executable, "-I", f"{wheel}/pip"]


def _bundled_wheels() -> Iterator[Path]:
    """The copies of pip that come with Python, or that a distribution keeps in their stead."""
    bundled = importlib.util.find_spec("ensurepip")
    if bundled is not None and bundled.origin is not None:
        yield from (Path(bundled.origin).parent / "_bundled").glob("pip-*.whl")
    folder = sysconfig.get_config_var("WHEEL_PKG_DIR") or "/usr/share/python-wheels"
    yield from Path(folder).glob("pip-*.whl")


def _debian_wheel(scratch: Path) -> Path | None:
    """pip from the distribution's own package, unpacked here: nothing is installed, no root."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        return None
    apt = ["apt-get", "--quiet=2", *_apt_options(scratch)]
    for argv in ([*apt, "update"], [*apt, "download", "python3-pip-whl"]):
        if _run(argv, cwd=scratch).returncode != 0:
            return None
    for package in scratch.glob("python3-pip-whl_*.deb"):
        _run(["dpkg-deb", "--extract", str(package), str(scratch / "deb")])
    return next(scratch.glob("deb/usr/share/python-wheels/pip-*.whl"), None)


def _apt_options(scratch: Path) -> list[str]:
    """Folders that anybody may write to: the machine's own lists are root's, and often empty."""
    lists, cache = scratch / "lists", scratch / "archives"
    for folder in (lists, cache):
        (folder / "partial").mkdir(parents=True)
    return ["-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={cache}"]


def _run(
    argv: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(argv),
        env=None if env is None else dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
