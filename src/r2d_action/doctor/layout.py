"""Which files repo2docker reads, and which it passes by."""

from __future__ import annotations

import difflib
import posixpath
import re
from collections.abc import Iterator

from r2d_action.context import CONFIG_DIRS, ENVIRONMENT_FILES
from r2d_action.doctor.buildpack import DEFAULT, TOP_ONLY
from r2d_action.doctor.finding import Trouble
from r2d_action.doctor.repository import Repository
from r2d_action.report.diagnose.words import block, code, listed

# What tools other than repo2docker keep their packages in.
FOREIGN_FILES = {
    "conda-lock.yml": "conda-lock",
    "pixi.lock": "pixi",
    "pixi.toml": "pixi",
    "poetry.lock": "Poetry",
    "renv.lock": "renv",
    "uv.lock": "uv",
}
# These also describe a package that is developed here, apart from any image.
PACKAGE_FILES = TOP_ONLY | {"Project.toml", "Manifest.toml", "requirements.txt", "Pipfile",
                            "Pipfile.lock"}  # fmt: skip
# Names that are words of every day: near misses are no misses.
COMMON_NAMES = TOP_ONLY | {"start", "REQUIRE"}
OTHER_NAMES = {
    "postbuild.sh": "postBuild",
    "postbuild.bash": "postBuild",
    "post-build": "postBuild",
    "post_build": "postBuild",
    "apt-packages.txt": "apt.txt",
    "packages.txt": "apt.txt",
}
CLOSE = 0.9
# The package at the top, or one folder up, as a line for pip.
_HERE = re.compile(r"^(?:(?:-e|--editable)[ =]\s*)?(?:file:)?\.")
# How a Dockerfile runs what repo2docker would otherwise run.
SCRIPTS = {
    "start": 'COPY --chmod=755 {} /opt/start\nENTRYPOINT ["/opt/start"]',
    "postBuild": "COPY --chmod=755 {} /tmp/\nRUN /tmp/postBuild",
}


def two_folders(repository: Repository) -> Iterator[Trouble]:
    folders = [name for name in CONFIG_DIRS if name in repository.context.folders]
    if len(folders) == len(CONFIG_DIRS):
        yield Trouble(
            repository.place(".binder"),
            "The repository has both folders `binder` and `.binder`, and repo2docker refuses to "
            "choose.",
            "Move the files that you want to keep into `binder`, and delete `.binder`.",
        )


def dockerfile_shadows(repository: Repository) -> Iterator[Trouble]:
    for path in _beside_the_dockerfile(repository):
        if posixpath.basename(path) not in SCRIPTS and not repository.mentions(path):
            yield Trouble(
                repository.place(path, 1),
                f"{code(path)} is not used: there is a Dockerfile, and repo2docker builds that "
                "alone.",
                f"Delete {code(path)}, or use it in the Dockerfile (`COPY {path} /tmp/`, and a "
                "`RUN` line that installs what it lists), or delete the Dockerfile.",
            )


def scripts_shadowed(repository: Repository) -> Iterator[Trouble]:
    """postBuild and start, which a Dockerfile has to run by itself."""
    steps = list(repository.dockerfile.all("RUN", "COPY", "ADD", "ENTRYPOINT", "CMD"))
    named = {posixpath.basename(word) for step in steps for word in step.words}
    for path in _beside_the_dockerfile(repository):
        name = posixpath.basename(path)
        # `COPY start.sh /opt/start` is another file, and still what is meant.
        if name in SCRIPTS and not any(name in word for word in named):
            yield Trouble(
                repository.place(path, 1),
                f"{code(path)} never runs: there is a Dockerfile, and repo2docker builds that "
                "alone.",
                f"Run it from the Dockerfile, or delete {code(path)}. For example:"
                + block(SCRIPTS[name].format(path)),
            )


def _beside_the_dockerfile(repository: Repository) -> Iterator[str]:
    """Environment files that are of no use to a Dockerfile by themselves."""
    images = [base.image for base in repository.dockerfile.bases()]
    # Images on top of this one read the files by themselves.
    if not repository.has_dockerfile or any("pangeo/base-image" in image for image in images):
        return
    for path in repository.decision.ignores:
        if posixpath.basename(path) not in TOP_ONLY:
            yield path


def ignored_files(repository: Repository) -> Iterator[Trouble]:
    """Environment files beside the one that wins."""
    decision = repository.decision
    if repository.has_dockerfile or not decision.reads:
        return
    winner = decision.reads[0]
    for path in decision.ignores:
        name = posixpath.basename(path)
        # They have rules of their own.
        if name in TOP_ONLY or name in {"install.R", "Manifest.toml"}:
            continue
        if decision.buildpack is DEFAULT or repository.mentions(path):
            continue
        yield Trouble(
            repository.place(path, 1),
            f"{code(path)} is not read: {code(winner)} decides, and repo2docker takes one way "
            f"alone ({decision.buildpack.title}).",
            f"Move what you need from {code(path)} to {code(winner)}, and delete {code(path)}.",
        )


def package_ignored(repository: Repository) -> Iterator[Trouble]:
    environment, ignores = repository.environment, repository.decision.ignores
    path = next((name for name in ("pyproject.toml", "setup.py") if name in ignores), "")
    if not environment.packages or not path or not _is_package(repository, path):
        return
    installs = any("pip install" in text for text in repository.speakers())
    if installs or any(_HERE.search(entry.text) for entry in environment.pip_packages):
        return
    yield Trouble(
        repository.place(path, 1),
        f"The package of this repository is not installed: {code(environment.file.path)} decides, "
        f"and {code(path)} is not read.",
        f"If notebooks import it, add at the end of the list in {code(environment.file.path)}:"
        + block("- pip:\n    - --editable ."),
    )


def _is_package(repository: Repository, path: str) -> bool:
    return path == "setup.py" or "[build-system]" in repository.text(path)


def folder_shadows_top(repository: Repository) -> Iterator[Trouble]:
    """Where the folder has something to read; else see :func:`empty_folder`."""
    decision = repository.decision
    for name in _at_the_top(repository) if decision.reads else ():
        if name in PACKAGE_FILES or name == "Dockerfile":
            continue
        yield Trouble(
            repository.place(name, 1),
            f"{code(name)} at the top is not read: there is a folder {code(decision.folder)}, and "
            "repo2docker looks nowhere else.",
            f"If it belongs to the image, move it into {code(decision.folder)}.",
        )


def empty_folder(repository: Repository) -> Iterator[Trouble]:
    decision = repository.decision
    names = _at_the_top(repository)
    if names and not decision.reads:
        yield Trouble(
            repository.place(names[0], 1),
            f"{listed(names)} at the top {'is' if len(names) == 1 else 'are'} not read: there is "
            f"a folder {code(decision.folder)} with nothing in it for repo2docker, and it looks "
            "nowhere else.",
            f"Move what belongs to the image into {code(decision.folder)}, or rename that folder.",
        )


def _at_the_top(repository: Repository) -> list[str]:
    """Environment files that are passed over since there is a folder for them."""
    if not repository.decision.folder:
        return []
    names = (name for name in ENVIRONMENT_FILES if name in repository.files)
    return [name for name in names if name not in TOP_ONLY and not repository.mentions(name)]


def not_in_a_folder(repository: Repository) -> Iterator[Trouble]:
    """Files that count at the top alone."""
    folder = repository.decision.folder
    for name in sorted(TOP_ONLY) if folder else ():
        path = posixpath.join(folder, name)
        if path in repository.files and not _by_pipfile(repository):
            yield Trouble(
                repository.place(path, 1),
                f"repo2docker does not read {code(name)} in the folder {code(folder)}.",
                f"List the packages in {code(f'{folder}/requirements.txt')} or "
                f"{code(f'{folder}/environment.yml')} instead.",
            )


def _by_pipfile(repository: Repository) -> bool:
    return "path" in repository.text(posixpath.join(repository.decision.folder, "Pipfile"))


def near_misses(repository: Repository) -> Iterator[Trouble]:
    folder = repository.decision.folder
    names = [
        path.removeprefix(f"{folder}/") if folder else path
        for path in repository.context.files
        if posixpath.dirname(path) == folder
    ]
    for name in names if not repository.has_dockerfile else ():
        meant = _meant(name)
        path = posixpath.join(folder, name)
        if meant and meant not in names and not repository.mentions(path):
            yield Trouble(
                repository.place(path, 1),
                f"{code(path)} is not read: the name that repo2docker looks for is {code(meant)}.",
                f"Rename it:{block(f'git mv {path} {posixpath.join(folder, meant)}')}",
            )


def _meant(name: str) -> str:
    if name in ENVIRONMENT_FILES:
        return ""
    same = {known.lower(): known for known in ENVIRONMENT_FILES if known != "DESCRIPTION"}
    lower = name.lower()
    if known := same.get(lower) or OTHER_NAMES.get(lower):
        return known
    candidates = [known for known in ENVIRONMENT_FILES if known not in COMMON_NAMES]
    close = difflib.get_close_matches(name, candidates, n=1, cutoff=CLOSE)
    meant = close[0] if close else ""
    return meant if meant and _is_slip(name, meant) else ""


def _is_slip(name: str, meant: str) -> bool:
    """A letter too few or too many, not a number or an ending of its own."""
    one_longer = abs(len(name) - len(meant)) <= 1
    digits = any(letter.isdigit() for letter in name)
    endings = {posixpath.splitext(name)[1], posixpath.splitext(meant)[1]}
    return one_longer and not digits and endings != {".in", ".txt"}


def no_environment(repository: Repository) -> Iterator[Trouble]:
    decision = repository.decision
    listing = {"requirements.txt", "requirements3.txt", "runtime.txt"}
    read = {posixpath.basename(path) for path in decision.reads}
    if decision.buildpack is not DEFAULT or read & listing or _at_the_top(repository):
        return
    elsewhere = sorted(
        path
        for path in repository.context.files
        if posixpath.basename(path) in {"Dockerfile", "environment.yml", "requirements.txt"}
        and posixpath.dirname(path) != decision.folder
    )
    folders = [posixpath.dirname(path) for path in elsewhere if posixpath.dirname(path)]
    hint = f" If {listed(elsewhere)} is meant, set `SUBDIR: {folders[0]}`." if folders else ""
    place = decision.reads[0] if decision.reads else decision.folder or "."
    yield Trouble(
        repository.place(place, 1 if decision.reads else None),
        "No file lists packages, so repo2docker builds its default Python with these files in it.",
        f"Add an `environment.yml`, a `requirements.txt` or a `Dockerfile`.{hint}",
    )


def foreign_files(repository: Repository) -> Iterator[Trouble]:
    if repository.has_dockerfile:
        return
    for name, tool in FOREIGN_FILES.items():
        path = posixpath.join(repository.decision.folder, name)
        if path in repository.files and not repository.mentions(path):
            yield Trouble(
                repository.place(path, 1),
                f"{code(path)} is {tool}'s, and repo2docker does not read it.",
                "List the packages in `environment.yml` or `requirements.txt` as well.",
            )


def encodings(repository: Repository) -> Iterator[Trouble]:
    """repo2docker opens all but requirements.txt as UTF-8."""
    for path in repository.decision.reads:
        text = repository.text(path)
        broken = "\ufffd" in text or "\x00" in text
        if broken and posixpath.basename(path) not in {"requirements.txt", "requirements3.txt"}:
            marks = [at for mark in "\ufffd\x00" if (at := text.find(mark)) >= 0]
            yield Trouble(
                repository.place(path, text.count("\n", 0, min(marks)) + 1),
                f"{code(path)} has characters that cannot be read: it was saved in another "
                "encoding than UTF-8.",
                "Open it in an editor, choose the encoding UTF-8 and save it again.",
            )
