"""What we ask of git, as one small class over its command line."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from r2d_action.git_settings import login_settings, user_and_token
from r2d_action.process import CommandFailed, Completed, capture

TIMEOUT_SECONDS = 300.0
BRANCHES = "refs/heads/"
# It refuses, is not there at all, or takes too long.
NO_ANSWER = (CommandFailed, FileNotFoundError, subprocess.TimeoutExpired)


@dataclass(frozen=True, slots=True)
class Git:
    """Git in one work tree. ``env`` is the whole environment that git gets, ``timeout`` the
    seconds that it may take."""

    directory: Path
    env: Mapping[str, str]
    timeout: float = TIMEOUT_SECONDS

    def run(self, *arguments: str) -> Completed:
        """Raises :class:`CommandFailed`, and ``FileNotFoundError`` without git."""
        return self.attempt(*arguments).require_success()

    def attempt(self, *arguments: str) -> Completed:
        """Like :meth:`run`, but a failure is an answer."""
        # The checkout may belong to another user (a container job, sudo): trusted for
        # this command alone, the user's own configuration stays as it is.
        argv = ["git", "-c", f"safe.directory={self.directory}", *arguments]
        env = {**self.env, "GIT_TERMINAL_PROMPT": "0"}
        return capture(argv, env=env, cwd=self.directory, timeout=self.timeout)

    def line(self, *arguments: str) -> str:
        """The first line of the answer, empty when there is none or git fails."""
        try:
            answer = self.run(*arguments)
        except NO_ANSWER:
            return ""
        return next(iter(answer.lines), "")

    def logged_in(self, server: str, token: str) -> Git:
        """The same, but let in by GitHub's ``token`` at ``server`` alone."""
        logins = {f"{server.rstrip('/')}/": user_and_token(token)}
        return replace(self, env={**self.env, **login_settings(logins, self.env)})

    @property
    def head(self) -> str:
        """The commit that is checked out: 40 hexadecimal digits, or nothing."""
        return self.line("rev-parse", "--verify", "--quiet", "HEAD^{commit}")

    @property
    def branch(self) -> str:
        """The branch that is checked out, or nothing."""
        # In full, since the short form of a branch that a tag is called after is another one.
        reference = self.line("symbolic-ref", "--quiet", "HEAD")
        return reference.removeprefix(BRANCHES) if reference.startswith(BRANCHES) else ""

    @property
    def parents(self) -> tuple[str, ...]:
        """The commits that the one that is checked out comes after. Its own text names them, also
        in a shallow clone, which has none of them."""
        try:
            header = self.run("cat-file", "commit", "HEAD").text.partition("\n\n")[0]
        except NO_ANSWER:
            return ()
        lines = (line.partition(" ") for line in header.splitlines())
        return tuple(commit for word, _, commit in lines if word == "parent")
