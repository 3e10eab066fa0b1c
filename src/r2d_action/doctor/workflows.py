"""The workflow files of the repository, and its tests of the image."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from r2d_action.check.image_tests import FOLDER
from r2d_action.doctor.finding import Trouble
from r2d_action.doctor.repository import Repository
from r2d_action.errors import Place
from r2d_action.report.diagnose.sources import read_small
from r2d_action.report.diagnose.words import block, code
from r2d_action.workflow_files import unknown_inputs_in

_UNEXPANDED = re.compile(r"^\s*DOCKER_CONFIG:\s*['\"]?(?P<path>(?:\$\{?HOME\}?|~)\S*)")
_OUR_ACTION = re.compile(r"uses:\s*['\"]?[\w.-]+/(?:repo2docker|r2d)-action\b")
_TEST = re.compile(r"(?:test_.*|.*_test)\.py|.*\.ipynb")


def unknown_inputs(repository: Repository) -> Iterator[Trouble]:
    workspace = repository.settings.workspace
    # `uses: ./` is this action in its own repository alone.
    ours = {path for path, text in workflow_texts(workspace) if _OUR_ACTION.search(text)}
    for one in unknown_inputs_in(workspace) if ours else ():
        if one.place.path not in ours:
            continue
        said, _, meant = one.advice.partition(" Did you mean ")
        remedy = f"Write {code(meant.rstrip('?'))} instead." if meant else "Delete the line."
        yield Trouble(one.place, said, remedy)


def unexpanded_home(repository: Repository) -> Iterator[Trouble]:
    for path, text in workflow_texts(repository.settings.workspace):
        for number, line in enumerate(text.split("\n"), start=1):
            if match := _UNEXPANDED.match(line):
                yield Trouble(
                    Place(path, number),
                    f"GitHub does not expand {code(match['path'])}: the login of docker ends up "
                    "in a folder of that name inside the checkout.",
                    "Delete the line.",
                )


def workflow_texts(workspace: Path) -> Iterator[tuple[str, str]]:
    for file in sorted((workspace / ".github" / "workflows").glob("*.y*ml")):
        yield file.relative_to(workspace).as_posix(), read_small(file)


def empty_tests(repository: Repository) -> Iterator[Trouble]:
    inside = [path for path in repository.context.files if path.startswith(f"{FOLDER}/")]
    names = [path.rpartition("/")[2] for path in inside]
    if inside and not any(_TEST.fullmatch(name) for name in names):
        yield Trouble(
            repository.place(FOLDER),
            f"The folder {code(FOLDER)} has no tests that are found: their names begin with "
            "`test_` and end in `.py`, or they are notebooks.",
            "Rename the tests, or add one:"
            + block("# image-tests/test_packages.py\ndef test_numpy():\n    import numpy"),
        )
