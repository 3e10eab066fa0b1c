"""A bare git repository, changed as GitHub changes it: no work tree, all refs or none."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

NO_COMMIT = "0" * 40
SCRATCH = "refs/scratch/new"
# Nothing of this machine's or its user's configuration.
ENV = {
    "PATH": os.environ.get("PATH", os.defpath),
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "TZ": "UTC",
}


class Refused(Exception):
    """A ref is not where the change expects it."""


@dataclass(frozen=True)
class Person:
    name: str
    email: str


@dataclass(frozen=True)
class StoredCommit:
    oid: str
    parents: tuple[str, ...]
    author: str
    committer: str
    message: str


@dataclass(frozen=True)
class BareRepository:
    directory: Path

    @classmethod
    def make(cls, directory: Path, default_branch: str) -> BareRepository:
        subprocess.run(
            ["git", "init", "--quiet", "--bare", f"--initial-branch={default_branch}", directory],
            env=ENV,
            check=True,
        )
        return cls(directory)

    def _git(self, *arguments: str, given: bytes = b"") -> bytes:
        return subprocess.run(
            ["git", *arguments], cwd=self.directory, env=ENV, input=given, check=True,
            capture_output=True,
        ).stdout  # fmt: skip

    def resolve(self, expression: str) -> str:
        """Empty for what there is not."""
        try:
            return self._git("rev-parse", "--verify", "--quiet", expression).decode().strip()
        except subprocess.CalledProcessError:
            return ""

    def update(self, updates: Sequence[tuple[str, str | None, str]]) -> None:
        """Full ref, what it has (None: anything), what it gets. Raises :class:`Refused`."""
        lines = ["start"]
        for ref, before, after in updates:
            expected = f" {before}" if before is not None else ""
            verb = f"delete {ref}" if after == NO_COMMIT else f"update {ref} {after}"
            lines.append(f"{verb}{expected}")
        try:
            self._git("update-ref", "--stdin", given="\n".join([*lines, "commit", ""]).encode())
        except subprocess.CalledProcessError as error:
            raise Refused(error.stderr.decode()) from error

    def commit(
        self,
        parents: Sequence[str],
        files: Mapping[str, bytes],
        message: str,
        author: Person,
        committer: Person,
    ) -> str:
        """A commit that no ref has yet; the first parent's files and these."""
        when = "1767225600 +0000"
        text = message.encode()
        stream = [
            f"reset {SCRATCH}\n\ncommit {SCRATCH}\n"
            f"author {author.name} <{author.email}> {when}\n"
            f"committer {committer.name} <{committer.email}> {when}\n"
            f"data {len(text)}\n".encode(),
            text,
            b"\n",
        ]
        for word, parent in zip(("from", "merge"), parents, strict=False):
            stream.append(f"{word} {parent}\n".encode())
        for path, content in files.items():
            stream += [f"M 100644 inline {path}\ndata {len(content)}\n".encode(), content, b"\n"]
        self._git("fast-import", "--quiet", "--force", given=b"".join(stream))
        return self.resolve(SCRATCH)

    def blobs(self, revision: str) -> dict[str, str]:
        """The id of each file by its path."""
        listed = self._git("ls-tree", "-r", "-z", revision).decode().split("\0")
        rows = (one.split("\t", 1) for one in listed if one)
        return {path: facts.split()[2] for facts, path in rows}

    def file(self, revision: str, path: str) -> bytes:
        return self._git("cat-file", "blob", f"{revision}:{path}")

    def paths(self, before: str, after: str) -> list[str]:
        return self._git("diff", "--name-only", before, after).decode().splitlines()

    def missing_from(self, base: str, head: str) -> list[StoredCommit]:
        """The commits of ``head`` that ``base`` has not, oldest first."""
        listed = self._git(
            "log", "--reverse", "--topo-order", "-z", "--format=%H%x01%P%x01%ae%x01%ce%x01%B",
            f"{base}..{head}",
        ).decode()  # fmt: skip
        fields = (one.split("\x01", 4) for one in listed.split("\0") if one)
        return [StoredCommit(f[0], tuple(f[1].split()), f[2], f[3], f[4]) for f in fields]

    def archive(self, revision: str, folder: str) -> bytes:
        return self._git("archive", "--format=tar.gz", f"--prefix={folder}/", revision)
