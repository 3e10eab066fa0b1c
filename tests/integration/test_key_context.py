"""What the key takes for the context is what Docker's builder copies."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from integration.conftest import Lab
from r2d_action.context import laid_out, read_context
from r2d_action.git import Git
from r2d_action.key.ignore import kept, rules_of

FILES = (
    "a.md",
    "data/a.md",
    "data/raw/b.md",
    "data/raw/deep/c.md",
    "keep/x",
    "more/data/d",
    "odd [names]/*/e",
    "src/.hidden",
    "src/main.pyc",
    "tést/f",
)
RULES = {
    "none": None,
    "an exception inside": "data\n!data/raw/deep\n",
    "an exception for what is out twice": "data\n!data/raw/deep/c.md\ndata/raw\n",
    "an exception for a folder that is in": "*/raw\n!data\n",
    "everything but": "*\n!**.md\n!/src/\n",
    "all the way": "**/raw\n**/*.pyc\n**/.*\n",
    "classes and signs": "src/*.py[cod]\nodd?\\[*\\]/\\*\n",
    "marks and line ends": "\ufeffdata/raw\r\n#keep\r\n #keep\r\n  t\u00e9st  \r\n",
    "ways up": "../data\n/../keep\nmore/../src\n.\n",
    "a folder of nothing else": "keep/x\nempty/*\n",
}


def write(root: Path) -> None:
    for name in FILES:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (root / "empty").mkdir()
    (root / "link").symlink_to("data")
    (root / "nowhere").symlink_to("/nonexistent")


def copied(root: Path, lab: Lab) -> set[str]:
    """The files of an image that has all of ``root``, and its empty folders with a ``/``."""
    argv = ["docker", "buildx", "build", "-q", "--output", "type=tar,dest=-", "."]
    done = subprocess.run(argv, cwd=root, env=dict(lab.env), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        names = {member.name.rstrip("/"): member.isdir() for member in archive}
    filled = {str(parent) for name in names for parent in Path(name).parents}
    return {f"{name}/" if folder else name for name, folder in names.items() if name not in filled}


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("ignore_file", [".dockerignore", "Dockerfile.dockerignore"])
def test_the_builder_copies_what_counts(
    tmp_path: Path, lab: Lab, rules: str, ignore_file: str
) -> None:
    write(tmp_path)
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    if text := RULES[rules]:
        (tmp_path / ignore_file).write_text(text, newline="")
    context = read_context(tmp_path)
    expected = set(kept(context.files, context.folders, rules_of(context)))
    with laid_out(context, Git(tmp_path, lab.env)) as folder:
        assert copied(folder, lab) == expected
