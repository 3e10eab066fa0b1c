"""environment.yml: what YAML, repo2docker and conda make of it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

import yaml

from r2d_action.doctor.environment_yml import Entry, Environment
from r2d_action.doctor.finding import Trouble
from r2d_action.doctor.repository import Repository
from r2d_action.report.diagnose.conda import CONDA_NAMES
from r2d_action.report.diagnose.sources import SourceFile
from r2d_action.report.diagnose.words import block, code

EXAMPLE = block("channels:\n  - conda-forge\ndependencies:\n  - python=3.12\n  - numpy")
KEYS = ("name", "prefix", "channels", "dependencies", "variables", "platforms", "category")
CLOSE_KEY = 0.75
# So many packages with the build of one machine were written by `conda env export`.
EXPORTED = 5
_PIP_LANGUAGE = re.compile(r"^-{1,2}\w|^(?:git\+|https?:|file:)|;|^\./|^\.$")
_EXTRA = re.compile(r"^[\w.-]+(?P<extra>\[[\w,\s-]+\])")
_WRONG_OPERATOR = re.compile(r"=[<>!]|[<>!=~]=*\s*$|><|<>|\d\s+[<>=!]")
_BLANK_IN_PIN = re.compile(r"^[\w.-]+\s*(?:[<>=!~]=?)\s+\d|^[\w.-]+\s+=\s*\d")
_BUILD = re.compile(r"^[\w.-]+==?[\w.!+]+=[\w.]+$")
# Their versions have three numbers: two are a range to `=`, and one version to `==`.
_THREE_NUMBERS = (
    "python|numpy|pandas|scipy|matplotlib|scikit-learn|xarray|jupyterlab|notebook|jupyterhub"
)
_DOUBLE = re.compile(rf"^(?P<name>{_THREE_NUMBERS})\s*==\s*(?P<version>\d+(?:\.\d+)?)$")


def yaml_errors(repository: Repository) -> Iterator[Trouble]:
    file = _file(repository)
    error = _error_in(file) if file else None
    if file is None or error is None:
        return
    problem, remedy = _problem(error, file)
    yield Trouble(
        file.at(_line_of(error, file)),
        f"{code(file.path)} is not valid YAML: {problem}.",
        f"{remedy} A list of packages looks like this:{EXAMPLE}",
    )


def _error_in(file: SourceFile) -> yaml.YAMLError | None:
    try:
        yaml.compose(file.text, yaml.SafeLoader)
    except yaml.YAMLError as error:
        return error
    return None


def _line_of(error: yaml.YAMLError, file: SourceFile) -> int:
    if not isinstance(error, yaml.MarkedYAMLError):
        return 1
    if line := _key_without_colon(error, file):
        return line
    mark = error.problem_mark or error.context_mark
    return mark.line + 1 if mark else 1


def _key_without_colon(error: yaml.MarkedYAMLError, file: SourceFile) -> int | None:
    """It is only noticed further down, at the next colon or where the text ends."""
    if not re.search("simple key|expected ':'|mapping values", str(error.problem)):
        return None
    mark = error.problem_mark or error.context_mark
    above = list(enumerate(file.lines[: mark.line + 1 if mark else 0], start=1))
    return next((n for n, line in reversed(above) if re.fullmatch(r"\w+\s*", line)), None)


def _file(repository: Repository) -> SourceFile | None:
    return repository.config("environment.yml") or repository.config("environment.yaml")


def _problem(error: yaml.YAMLError, file: SourceFile) -> tuple[str, str]:
    if not isinstance(error, yaml.MarkedYAMLError):
        return "it has characters that no text has", "Save it as plain text, in UTF-8."
    said = f"{error.context} {error.problem}"
    if r"'\t'" in said:
        return "a line begins with a tab", "Replace the tab by blanks."
    if _key_without_colon(error, file):
        return "a colon is missing", "End the name that opens a part with a colon (`:`)."
    if "block end" in said or "mapping values" in said:
        return (
            "a line does not line up with those above it",
            "Give entries of one list the same number of blanks at their start.",
        )
    return str(error.problem), "Compare this line, and the one above it, with the example."


def duplicate_keys(repository: Repository) -> Iterator[Trouble]:
    """PyYAML lets the last one win; repo2docker's reader refuses the file."""
    environment = repository.environment
    seen: set[str] = set()
    for key in environment.keys:
        if key.name in seen:
            yield Trouble(
                key.place,
                f"{code(key.name + ':')} is there twice in {code(environment.file.path)}.",
                f"Put everything under one {code(key.name + ':')}.",
            )
        seen.add(key.name)


def no_packages(repository: Repository) -> Iterator[Trouble]:
    environment, file = repository.environment, _file(repository)
    key = environment.key("dependencies")
    if file is None or _error_in(file) or environment.packages or environment.mappings:
        return
    if key or not _near_key(environment, "dependencies"):
        yield Trouble(
            key.place if key else file.at(1),
            f"{code(file.path)} names no packages where conda looks for them.",
            f"List them under `dependencies:`, like this:{EXAMPLE}",
        )


def unknown_keys(repository: Repository) -> Iterator[Trouble]:
    for key in repository.environment.keys:
        near = difflib.get_close_matches(key.name, KEYS, n=1, cutoff=CLOSE_KEY)
        if near and key.name not in KEYS:
            yield Trouble(
                key.place,
                f"conda does not know {code(key.name + ':')} and passes over all below it.",
                f"Write {code(near[0] + ':')} instead.",
            )


def _near_key(environment: Environment, wanted: str) -> str | None:
    names = [key.name for key in environment.keys]
    return next(iter(difflib.get_close_matches(wanted, names, n=1, cutoff=CLOSE_KEY)), None)


def mappings(repository: Repository) -> Iterator[Trouble]:
    for key in repository.environment.mappings:
        if key.name == "pip":
            continue
        value = key.value.value if isinstance(key.value, yaml.ScalarNode) else "…"
        yield Trouble(
            key.place,
            f"{code(f'{key.name}: {value}')} is not how a version is written here, and YAML may "
            "read it as a number (`3.10` becomes 3.1).",
            f"Join both by an equals sign:{block(f'- {key.name}={value}')}",
        )


def empty_entries(repository: Repository) -> Iterator[Trouble]:
    for entry in repository.environment.packages:
        if not entry.text:
            yield Trouble(
                entry.place,
                "This line of the list of packages is empty, and conda refuses that.",
                "Write a package after the dash, or delete the line.",
            )


def pip_language(repository: Repository) -> Iterator[Trouble]:
    for entry in repository.environment.packages:
        if _PIP_LANGUAGE.search(entry.text):
            yield Trouble(
                entry.place,
                f"{code(entry.text)} is written for pip, and conda does not understand it.",
                "Move it below `- pip:`, at the end of the list:"
                + block(f"- pip\n- pip:\n    - {entry.text}"),
            )


def extras(repository: Repository) -> Iterator[Trouble]:
    for entry in repository.environment.packages:
        match = _EXTRA.match(entry.text)
        if match:
            yield Trouble(
                entry.place,
                f"conda knows no extras: {code(match['extra'])} brings nothing, and some of its "
                "tools refuse it.",
                f"Write {code(entry.name)} alone, and list what else you need; or move the line "
                "below `- pip:`.",
            )


def wrong_specs(repository: Repository) -> Iterator[Trouble]:
    for entry in repository.environment.packages:
        text = entry.text
        if not _PIP_LANGUAGE.search(text) and _WRONG_OPERATOR.search(text):
            yield Trouble(
                entry.place,
                f"conda does not understand {code(text)}.",
                "Join name and version by `=`, `>=` or `<`, and two conditions by a comma:"
                + block("- numpy\n- pandas=2.2\n- scipy>=1.11,<2"),
            )


def blanks_in_pins(repository: Repository) -> Iterator[Trouble]:
    for entry in repository.environment.packages:
        text = entry.text
        if _BLANK_IN_PIN.search(text) and not _WRONG_OPERATOR.search(text):
            together = re.sub(r"\s*([<>=!~]=?)\s*", r"\1", text)
            yield Trouble(
                entry.place,
                f"{code(text)} has a blank beside its version, which conda's tools read in "
                "different ways.",
                f"Write it without blanks:{block(f'- {together}')}",
            )


def double_equals(repository: Repository) -> Iterator[Trouble]:
    for entry in repository.environment.packages:
        match = _DOUBLE.match(entry.text)
        if match:
            loose = f"{match['name']}={match['version']}"
            yield Trouble(
                entry.place,
                f"With two equals signs, {code(entry.text)} is "
                f"{match['version']} to the digit, without any of its corrections.",
                f"If any {match['version']} will do, write one:{block(f'- {loose}')}",
            )


def builds(repository: Repository) -> Iterator[Trouble]:
    packages = repository.environment.packages
    found = [entry for entry in packages if _BUILD.match(entry.text)]
    if len(found) >= EXPORTED:
        yield Trouble(
            found[0].place,
            f"{len(found)} packages, such as {code(found[0].text)}, ask for a build made for one "
            "kind of machine; such a list seldom installs elsewhere, or in a year.",
            "Write the list of what you asked for yourself:"
            + block("conda env export --from-history"),
        )


def duplicates(repository: Repository) -> Iterator[Trouble]:
    environment = repository.environment
    for entries in (environment.packages, environment.pip_packages):
        for first, again in _twice(entries):
            yield Trouble(
                again.place,
                f"{code(again.name)} is in this list already, on line {first.place.line}.",
                "Keep one of the two lines.",
            )


def _twice(entries: tuple[Entry, ...]) -> Iterator[tuple[Entry, Entry]]:
    known: dict[str, Entry] = {}
    for entry in entries:
        name = entry.name.replace("_", "-")
        if name and not _PIP_LANGUAGE.search(entry.text) and name in known:
            yield known[name], entry
        known.setdefault(name, entry)


def other_names(repository: Repository) -> Iterator[Trouble]:
    for entry in repository.environment.packages:
        known = CONDA_NAMES.get(entry.name)
        if known:
            yield Trouble(
                entry.place,
                f"conda does not know {code(entry.name)}.",
                f"conda's name for it is {code(known)}.",
            )


def windows_packages(repository: Repository) -> Iterator[Trouble]:
    for entry in repository.environment.packages:
        if is_for_windows(entry.name):
            yield Trouble(
                entry.place,
                f"{code(entry.name)} exists for Windows alone, and images are Linux.",
                "Delete the line. `conda env export --from-history` lists what you asked for "
                "yourself.",
            )


WINDOWS = re.compile(
    r"(?:pywin32(?:-ctypes)?|pywinpty|pypiwin32|wincertstore|win-inet-pton|vc|vc14_runtime"
    r"|vs20\d\d_\w+|m2w64-.*|msys2-conda-epoch|winpty|menuinst|windows-curses)"
)


def is_for_windows(name: str) -> bool:
    return bool(WINDOWS.fullmatch(name))


def no_channel(repository: Repository) -> Iterator[Trouble]:
    environment = repository.environment
    if not environment.key("channels") and environment.packages:
        yield Trouble(
            environment.file.at(1),
            "No channel is named, so repo2docker's own choice decides where packages come from, "
            "and another tool may choose differently.",
            "Name the channel:" + block("channels:\n  - conda-forge"),
        )


def default_channel(repository: Repository) -> Iterator[Trouble]:
    for entry in repository.environment.channels:
        if entry.text in {"defaults", "anaconda"}:
            yield Trouble(
                entry.place,
                f"The channel {code(entry.text)} is Anaconda's own: larger organisations pay for "
                "it, and its packages do not always go with those of conda-forge.",
                "Delete the line if `conda-forge` has all that you need; mostly it does.",
            )


def no_pip(repository: Repository) -> Iterator[Trouble]:
    environment = repository.environment
    lists = [key for key in environment.mappings if key.name == "pip"]
    if lists and all(entry.name != "pip" for entry in environment.packages):
        yield Trouble(
            lists[0].place,
            "There is a list for pip, and `pip` itself is not among the packages.",
            f"Add a line above:{block('- pip')}",
        )


def empty_pip(repository: Repository) -> Iterator[Trouble]:
    for key in repository.environment.mappings:
        filled = isinstance(key.value, yaml.SequenceNode) and key.value.value
        if key.name == "pip" and not filled:
            yield Trouble(
                key.place,
                "Nothing is listed below `pip:`; its packages are not indented as they must be, "
                "or are missing.",
                "Indent them below it, or delete the line:" + block("- pip:\n    - nbgitpuller"),
            )


def prefix(repository: Repository) -> Iterator[Trouble]:
    if key := repository.environment.key("prefix"):
        yield Trouble(
            key.place,
            "`prefix:` is a folder of the machine where this list was made, and does nothing here.",
            "Delete the line.",
        )
