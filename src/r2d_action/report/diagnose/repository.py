"""What repo2docker itself refuses in a repository or its own arguments, before any build."""

from __future__ import annotations

import re

from r2d_action.errors import Place
from r2d_action.report.diagnose.diagnosis import Diagnosis
from r2d_action.report.diagnose.dockerfile import EXAMPLE_FROM
from r2d_action.report.diagnose.sources import SourceFile, Sources
from r2d_action.report.diagnose.stream import Stream
from r2d_action.report.diagnose.words import block, code

LINK = "https://repo2docker.readthedocs.io/en/latest/configuration/"

_YAML_MARK = re.compile(r'in "([^"]*)", line (\d+), column \d+')
_DUPLICATE = re.compile(r'found duplicate key "([^"]*)"')
_PYTHON_VERSION = re.compile(r"Python version (\S+) on \S+ is not supported|^KeyError: '(\d+)'$")
_APT_NAME = re.compile(r"Found invalid package name (.+) in apt\.txt")
_RUNTIME = re.compile(
    r"Invalid runtime\.txt|month must be in|day is out of range|R version \S+ is not supported"
)
_SNAPSHOT = re.compile(r"Microsoft killed MRAN|No snapshot found")
_TOML = re.compile(r"(?:TOMLDecodeError|TomlDecodeError|JSONDecodeError): .*?line (\d+)")
_ARGUMENT = re.compile(r"^jupyter-repo2docker: error: (.+?)\.?$")
_PYPROJECT = re.compile(r"(?:version not supported by|compatible with) pyproject\.toml")

_MISFIT = re.compile(
    r"AttributeError: module '\S+' has no attribute|ImportError: cannot import name"
    r"|ModuleNotFoundError: No module named"
)

# The part of repo2docker that was reading, and the file it reads.
_READERS = (
    ("buildpacks/pipfile/", "Pipfile"),
    ("buildpacks/julia/", "Project.toml"),
    ("buildpacks/python/", "pyproject.toml"),
)


def yaml_error(stream: Stream, sources: Sources) -> Diagnosis | None:
    marks = _YAML_MARK.findall(stream.exception)
    if not marks:
        return None
    # A key without its colon is only noticed further down: the first mark is the key itself.
    path, line = marks[0] if "simple key" in stream.exception else marks[-1]
    place = _place(sources, path, int(line[:9]))
    problem, remedy = _yaml_problem(stream.exception)
    return Diagnosis(
        what=f"{code(path)} cannot be read: {problem}.",
        why="YAML takes the layout of a file literally: every blank and every colon counts.",
        remedy=f"{remedy} A list of packages looks like this:"
        + block("dependencies:\n  - python=3.12\n  - numpy\n  - pip:\n      - nbgitpuller"),
        place=place,
    )


def _yaml_problem(text: str) -> tuple[str, str]:
    if duplicate := _DUPLICATE.search(text):
        key = code(duplicate[1])
        return f"{key} is there twice", f"Put everything under one {key}."
    if r"'\t'" in text:
        return "a line begins with a tab", "Replace the tab by blanks."
    if "simple key" in text:
        return "a colon is missing", "End the name that opens a part with a colon (`:`)."
    if "block end" in text:
        return (
            "a line does not line up with those above it",
            "Give entries of one list the same number of blanks at their start.",
        )
    return "it is not valid YAML", "Compare this line, and the one above it, with the example."


def not_a_mapping(stream: Stream, sources: Sources) -> Diagnosis | None:
    is_list = "should contain a dictionary" in stream.exception
    if not is_list and not _has_no_dependencies(stream):
        return None
    file = sources.find("environment.yml") or sources.find("environment.yaml")
    if file is None:
        return None
    line = 1 if is_list else file.line_naming("dependencies")
    return Diagnosis(
        what=f"{code(file.path)} names no packages where conda looks for them.",
        why="The packages are a list under `dependencies:`, and that is missing or empty.",
        remedy="Write the file like this:"
        + block("channels:\n  - conda-forge\ndependencies:\n  - python=3.12\n  - numpy"),
        place=file.at(line),
    )


def _has_no_dependencies(stream: Stream) -> bool:
    reading = any("buildpacks/conda/" in line for line in stream.trace)
    return reading and stream.exception.startswith("TypeError: 'NoneType' object is not iterable")


def python_version(stream: Stream, sources: Sources) -> Diagnosis | None:
    match = _PYTHON_VERSION.search(stream.exception)
    if not match:
        return None
    version = match[1] or match[2]
    file = sources.find("runtime.txt")
    place = file.at(1) if file else _named(sources, "python", "environment.yml", "environment.yaml")
    example = "python-3.12" if file else "- python=3.12"
    return Diagnosis(
        what=f"repo2docker has no Python {version}.",
        why="It builds on a fixed list of Python versions, and this one is too old, too new or "
        "misspelled.",
        remedy=f"Ask for a version that it has, for example:{block(example)}",
        place=place,
        link=LINK,
    )


def apt_name(stream: Stream, sources: Sources) -> Diagnosis | None:
    match = _APT_NAME.search(stream.exception)
    if not match:
        return None
    file = sources.find("apt.txt")
    return Diagnosis(
        what=f"{code(match[1])} in `apt.txt` is not the name of a package.",
        why="Names of Debian and Ubuntu packages are lower-case letters, digits and `+ - .` alone.",
        remedy="Write one package name on each line, in lower case, without version or options.",
        place=file.at(_line_starting(file, match[1])) if file else None,
    )


def _line_starting(file: SourceFile, text: str) -> int | None:
    lines = enumerate(file.lines, start=1)
    return next((number for number, line in lines if line.strip().startswith(text)), None)


def runtime(stream: Stream, sources: Sources) -> Diagnosis | None:
    file = sources.find("runtime.txt")
    invalid_version = "InvalidVersion" in stream.exception
    if file is None or not (_RUNTIME.search(stream.exception) or invalid_version):
        return None
    return Diagnosis(
        what=f"{code(file.text.strip())} in {code(file.path)} cannot be read.",
        why="The file holds one line: a language, a dash and a version, and for R the date of the "
        "packages.",
        remedy="Write one of these lines:" + block("python-3.12\nr-4.4-2025-03-01"),
        place=file.at(1),
        link=LINK,
    )


def r_snapshot(stream: Stream, sources: Sources) -> Diagnosis | None:
    file = sources.find("runtime.txt")
    if file is None or not _SNAPSHOT.search(stream.exception):
        return None
    return Diagnosis(
        what=f"There are no R packages for the date in {code(file.path)}.",
        why="The server that keeps R packages by date begins in December 2018, and has no day in "
        "the future.",
        remedy="Choose a later date, for example:" + block("r-4.4-2025-03-01"),
        place=file.at(1),
        link=LINK,
    )


def r_snapshot_server(stream: Stream, sources: Sources) -> Diagnosis | None:
    """It is asked for the packages of a day, and does not answer as it should."""
    file = sources.find("runtime.txt")
    if "JSONDecodeError" not in stream.exception or not _was_reading(stream, "buildpacks/r"):
        return None
    return Diagnosis(
        what="The server that keeps R packages by date gave no answer that repo2docker can use.",
        why="It is down for a short while, or has changed since this version of repo2docker.",
        remedy="Run the job again. If it fails the same way again, use a newer repo2docker: remove "
        "FORCE_REPO2DOCKER_VERSION from the action's inputs, or name a newer version there.",
        place=file.at(1) if file else None,
    )


def pyproject_python(stream: Stream, sources: Sources) -> Diagnosis | None:
    if not _PYPROJECT.search(stream.exception):
        return None
    place = _named(sources, "requires-python", "pyproject.toml")
    return Diagnosis(
        what="No Python that repo2docker has satisfies `requires-python` in `pyproject.toml`.",
        why="The version in `runtime.txt`, or the newest one that repo2docker has, lies outside "
        "the range.",
        remedy="Name a version inside the range in `runtime.txt`, for example `python-3.12`, or "
        "widen `requires-python`.",
        place=place,
        link=LINK,
    )


def unreadable(stream: Stream, sources: Sources) -> Diagnosis | None:
    """A TOML or JSON file with an error in its spelling."""
    match = _TOML.search(stream.exception)
    json = "JSONDecodeError" in stream.exception
    if not match or (json and not _was_reading(stream, "buildpacks/pipfile/")):
        return None
    name = next((file for part, file in _READERS if _was_reading(stream, part)), "pyproject.toml")
    if json:
        name = "Pipfile.lock"
    return Diagnosis(
        what=f"{code(name)} cannot be read.",
        why="A quotation mark, a comma or an equals sign is missing on this line or just above.",
        remedy='Write texts in quotation marks, for example `numpy = "*"`.'
        if name == "Pipfile"
        else "Write texts in quotation marks, and compare this line with its neighbours.",
        place=_place(sources, name, int(match[1][:9])),
    )


def _was_reading(stream: Stream, part: str) -> bool:
    return any(part in line for line in stream.trace)


def not_utf8(stream: Stream, sources: Sources) -> Diagnosis | None:
    if not stream.exception.startswith("UnicodeDecodeError"):
        return None
    broken = (path for path, text in sources.files.items() if "\ufffd" in text)
    file = next((found for path in broken if (found := sources.file(path))), None)
    name = code(file.path) if file else "A file"
    return Diagnosis(
        what=f"{name} has characters that cannot be read.",
        why="The file was saved in another encoding than UTF-8.",
        remedy="Open it in an editor, choose the encoding UTF-8 and save it again.",
        place=file.at(file.text.count("\n", 0, file.text.index("\ufffd")) + 1) if file else None,
    )


def misfit(stream: Stream, _sources: Sources) -> Diagnosis | None:
    """An old repo2docker beside newer packages that it was never tried with."""
    if not _MISFIT.match(stream.exception):
        return None
    return Diagnosis(
        what="repo2docker itself stopped, since it does not fit the packages that it works with.",
        why=f"It says: {code(stream.exception.splitlines()[0])}.",
        remedy="Remove FORCE_REPO2DOCKER_VERSION and EXTRA_PIP_INSTALL from the action's inputs, "
        "or name newer versions there.",
    )


def argument(stream: Stream, _sources: Sources) -> Diagnosis | None:
    match = stream.find(_ARGUMENT)
    if not match:
        return None
    return Diagnosis(
        what="repo2docker does not take the arguments that it was given.",
        why=f"It says: {code(match[1])}.",
        remedy="Correct or remove them in the input REPO2DOCKER_EXTRA_ARGS.",
    )


def two_folders(stream: Stream, sources: Sources) -> Diagnosis | None:
    if "a 'binder' and a '.binder'" not in stream.exception:
        return None
    folders = f"{code(sources.path('binder'))} and {code(sources.path('.binder'))}"
    in_hidden = (path for path in sorted(sources.files) if path.startswith(".binder/"))
    hidden = next((sources.file(path) for path in in_hidden), None)
    return Diagnosis(
        what=f"The repository has both folders {folders}.",
        why="repo2docker reads one folder with environment files and cannot know which is meant.",
        remedy="Move the files that you want to keep into `binder`, and delete `.binder`.",
        place=hidden.at() if hidden else None,
        link=LINK,
    )


def legacy_image(stream: Stream, sources: Sources) -> Diagnosis | None:
    if "legacy buildpack has been removed" not in stream.exception:
        return None
    return Diagnosis(
        what="The image `andrewosh/binder-base` is no longer supported.",
        why="repo2docker gave it up in 2020.",
        remedy="Begin with an image that is kept up, for example:" + block(EXAMPLE_FROM),
        place=_named(sources, "andrewosh/binder-base", "Dockerfile"),
        link=LINK,
    )


def _named(sources: Sources, word: str, *names: str) -> Place | None:
    """The line of the first of the files that names ``word``."""
    files = [file for name in names if (file := sources.find(name))]
    for file in files:
        if line := file.line_naming(word):
            return file.at(line)
    return files[0].at() if files else None


def _place(sources: Sources, path: str, line: int) -> Place | None:
    file = sources.file(path) or sources.find(path.rpartition("/")[2])
    return file.at(line) if file else None
