"""Our reusable workflows, as the name of a release stands for them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from r2d_action import HOME, __version__

RELEASE = f"{HOME}@v{__version__}"
_ACTIONS = Path(__file__).with_name("actions")
# act knows no address for "the repository of this workflow, at the commit running".
_OWN = re.compile(r"uses: \$/(\S*)")


def called(workflow: str) -> str:
    """What the job of a caller says behind `uses:`."""
    return f"{HOME}/.github/workflows/{workflow}@v{__version__}"


def release(source: Path, folder: Path) -> Path:
    """A copy of the checkout ``source`` in ``folder``, which act takes for the release.

    Of what is no part of a run, nothing: act copies all of it for each step of ours, twice.
    """
    folder.mkdir()
    for name in ("action.yml", "bin", "src", "actions", ".github"):
        subprocess.run(["cp", "-r", "--parents", name, str(folder)], cwd=source, check=True)
    for workflow in folder.glob(".github/workflows/*.yml"):
        text = _OWN.sub(lambda match: f"uses: {_own(match[1])}", workflow.read_text())
        workflow.write_text(text)
    return folder


def stand_ins(released: Path) -> dict[str, Path]:
    """Actions of GitHub's that the release uses, and that act cannot fetch here."""
    text = (released / ".github/workflows/build-image.yml").read_text()
    used = set(re.findall(r"uses: (actions/(?:up|down)load-artifact@\S+)", text))
    return {name: _ACTIONS / name.partition("@")[0].partition("/")[2] for name in used}


def _own(path: str) -> str:
    return f"{HOME}/{path}@v{__version__}" if path else RELEASE
