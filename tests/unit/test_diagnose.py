"""What is said of failed builds, in whatever form their output comes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integration.catalogue.cases import PARTS, page
from r2d_action.errors import Place
from r2d_action.report.diagnose import Sources, diagnose
from unit.diagnose_cases import CASES, STREAMS, Case, captured, repository

ERRORS = Path(__file__).parents[2] / "docs" / "errors.md"


def written(place: Place | None) -> str:
    if place is None:
        return ""
    return place.path if place.line is None else f"{place.path}:{place.line}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_says_what_failed_where_and_what_to_change(case: Case) -> None:
    diagnosis = diagnose(captured(case.name), repository(case.name))
    assert written(diagnosis.place) == case.place
    assert case.what in diagnosis.what
    assert case.remedy in diagnosis.remedy


def test_the_documentation_shows_the_catalogue() -> None:
    """What is between the two headings is written by the catalogue."""
    shown = ERRORS.read_text(encoding="utf-8").partition(f"### {next(iter(PARTS.values()))}")
    assert f"{shown[1]}{shown[2]}".partition("\n\n## ")[0].splitlines() == page().splitlines()


def test_every_captured_stream_is_tested() -> None:
    names = {case.name for case in CASES}
    for ending in (".txt", ".json"):
        found = {path.relative_to(STREAMS) for path in STREAMS.rglob(f"*{ending}")}
        assert {path.with_suffix("").as_posix() for path in found} == names


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_is_fit_to_be_read(case: Case) -> None:
    diagnosis = diagnose(captured(case.name), repository(case.name))
    for sentence in (diagnosis.what, diagnosis.why):
        assert sentence.endswith(".")
        assert "\n" not in sentence
    assert diagnosis.remedy == diagnosis.remedy.strip()


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("apt/unknown", "images/r/Dockerfile:5"),
        ("pip/conflict", "images/r/binder/requirements.txt:3"),
        ("dockerfile/appendix", "images/r/appendix.txt:4"),
        ("repository/yaml_tab", "images/r/environment.yml:5"),
    ],
)
def test_places_are_seen_from_the_checkout(name: str, place: str) -> None:
    diagnosis = diagnose(captured(name), repository(name, "images/r"))
    assert written(diagnosis.place) == place


def test_an_appendix_may_lie_outside_of_the_folder_that_is_built(tmp_path: Path) -> None:
    (tmp_path / "images" / "r").mkdir(parents=True)
    (tmp_path / "images" / "r" / "Dockerfile").write_text("FROM image\n\n\n")
    (tmp_path / "appendix").write_text("RUN ./step\nUSER root\nRUN ./step\n")
    stream = [
        "#5 [3/3] RUN ./step",
        '#5 ERROR: process "/bin/sh -c ./step" did not complete successfully: exit code: 1',
        "Dockerfile:4",
        "--------------------",
        "   4 | >>> RUN ./step",
        "--------------------",
    ]
    sources = Sources.read(tmp_path / "images" / "r", "images/r", "appendix")
    assert diagnose(stream, sources).place == Place("appendix", 3)


def test_reads_what_a_failure_can_lead_back_to(tmp_path: Path) -> None:
    files = {
        ".binder/Dockerfile": "FROM image\nRUN bash scripts/setup.sh\n",
        ".binder/apt.txt": "tree\r\n",
        "scripts/setup.sh": "true\n",
        "data/census.csv": "1,2\n",
        ".git/HEAD": "ref\n",
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(text.encode())
    (tmp_path / "environment.yml").symlink_to(tmp_path / "nowhere")
    sources = Sources.read(tmp_path, "images/r")
    assert sources.folder == ".binder"
    assert sources.listing == files.keys() - {".git/HEAD"} | {"environment.yml"}
    assert sources.files == {
        path: files[path] for path in (".binder/Dockerfile", ".binder/apt.txt", "scripts/setup.sh")
    }


@pytest.mark.parametrize(
    ("rules", "line"),
    [
        (["*.md", "*.txt"], 2),
        (["/requirements.txt/"], 1),
        (["**/requirements.txt"], 1),
        (["# *.txt", "require?ents.txt"], 2),
        (["*", "!data"], 1),
        (["*", "!requirements.txt"], None),
        (["data/*.txt", "quirements.txt"], None),
    ],
)
def test_the_rule_that_leaves_a_file_out_is_named(rules: list[str], line: int | None) -> None:
    name = "dockerfile/copy_ignored"
    sources = repository(name)
    files = {**sources.files, ".dockerignore": "\n".join(rules)}
    diagnosis = diagnose(captured(name), replace(sources, files=files))
    told = f"Line {line} of `.dockerignore`" if line else "The name is looked up"
    assert told in diagnosis.why


def coloured(lines: Sequence[str]) -> list[str]:
    """As with BUILDKIT_COLORS and programs that ignore that nobody sees their colours."""
    return [re.sub(r"(ERROR|E|error): ", "\x1b[1;31m\\1: \x1b[0m", line) for line in lines]


def with_progress_bars(lines: Sequence[str]) -> list[str]:
    return [re.sub(r"^(#\d+ \d)", r"#5 1.0 12%\r#5 1.1 90%\r\1", line) for line in lines]


def with_windows_line_ends(lines: Sequence[str]) -> list[str]:
    return [f"{line}\r" for line in lines]


def of_buildx_029(lines: Sequence[str]) -> list[str]:
    return [
        line.replace("ERROR: failed to solve", "ERROR: failed to build: failed to solve")
        for line in lines
    ]


def with_warnings(lines: Sequence[str]) -> list[str]:
    """What the check of the Dockerfile found comes just before the excerpt."""
    found = [
        "",
        " 1 warning found (use docker --debug to expand):",
        ' - LegacyKeyValueFormat: "ENV key=value" should be used (line 9)',
    ]
    head = next(n for n, line in enumerate(lines) if re.fullmatch(r"Dockerfile:\d+", line))
    return [*lines[:head], *found, *lines[head:]]


def of_a_builder_of_its_own(lines: Sequence[str]) -> list[str]:
    """A builder in a container names its driver, and what it takes from a cache."""
    cache = ["#99 importing cache manifest from registry.example/team/course:main", "#99 DONE 0.1s"]
    first = [line.replace("using docker driver", "using docker-container driver") for line in lines]
    return [*first[:4], *cache, *first[4:]]


@pytest.mark.parametrize(
    "form",
    [
        coloured,
        with_progress_bars,
        with_windows_line_ends,
        of_buildx_029,
        with_warnings,
        of_a_builder_of_its_own,
    ],
)
@pytest.mark.parametrize(
    "name",
    [
        "apt/unknown",
        "compiling/own_setup",
        "dockerfile/earlier_stage",
        "dockerfile/user_exists",
        "pip/conflict",
        "scripts/heredoc_python",
        "scripts/run_traced",
        "scripts/traced_exit",
    ],
)
def test_the_same_failure_in_another_form(
    form: Callable[[Sequence[str]], list[str]], name: str
) -> None:
    usual = captured(name)
    assert form(usual) != list(usual)
    assert diagnose(form(usual), repository(name)) == diagnose(usual, repository(name))


def test_a_chain_that_says_nothing_is_told_how_to_speak() -> None:
    stream = [
        "#5 [2/2] RUN one && two",
        '#5 ERROR: process "/bin/sh -c one && two" did not complete successfully: exit code: 1',
    ]
    assert "With `set -x &&` after `RUN`" in diagnose(stream, Sources()).remedy
    traced = [*stream[:1], "#5 0.1 + one", *stream[1:]]
    assert "set -x" not in diagnose(traced, Sources()).remedy


BLOCK = "RUN <<END"
PROGRAM = "RUN python3 - <<END"


@pytest.mark.parametrize(
    ("opening", "said", "line"),
    [
        (BLOCK, "/bin/sh: 2: fetch: not found", 4),
        (BLOCK, "/bin/bash: line 2: fetch: command not found", 4),
        (BLOCK, "/dev/pipes/END: line 2: fetch: command not found", 4),
        ("RUN bash <<END", "bash: line 1: fetch: command not found", 3),
        (PROGRAM, 'File "<stdin>", line 2, in <module>', 4),
        # The shell that reads the RUN line itself counts from there.
        (PROGRAM, "/bin/sh: 1: python3: not found", 2),
        (BLOCK, "/bin/sh: 9: fetch: not found", 2),
        (BLOCK, "it went wrong", 2),
    ],
)
def test_the_line_inside_of_a_block(opening: str, said: str, line: int) -> None:
    written_there = [opening, "one", "two", "END"]
    sources = Sources(files={"Dockerfile": "\n".join(["FROM image", *written_there, ""])})
    stream = [
        f"#5 [2/2] {opening}",
        f"#5 0.1 {said}",
        '#5 ERROR: process "/bin/sh" did not complete successfully: exit code: 1',
        "Dockerfile:2",
        "--------------------",
        *(f"   {number} | >>> {text}" for number, text in enumerate(written_there, 2)),
        "--------------------",
    ]
    assert diagnose(stream, sources).place == Place("Dockerfile", line)


def test_without_the_users_files_the_names_are_still_told() -> None:
    diagnosis = diagnose(captured("pip/no_match"), Sources())
    assert "`no-such-package-at-all`" in diagnosis.what
    assert diagnosis.place is None


def test_only_the_failed_step_counts() -> None:
    """Another step may have met the same words and gone on."""
    harmless = [
        "#2 [2/4] RUN apt-get install nosuch || true",
        "#2 0.1 E: Unable to locate package x",
    ]
    stream = [*harmless, *captured("pip/no_match_copied")]
    assert "no-such-package-at-all" in diagnose(stream, repository("pip/no_match_copied")).what


LINES = sorted({line for case in CASES for line in captured(case.name)})
TEXTS = sorted({text for case in CASES for text in repository(case.name).files.values()})
PATHS = sorted({path for case in CASES for path in repository(case.name).files})

lines = st.lists(st.sampled_from(LINES) | st.text(max_size=60), max_size=40)
files = st.dictionaries(
    st.sampled_from(PATHS), st.sampled_from(TEXTS) | st.text(max_size=60), max_size=5
)
any_sources = st.builds(
    Sources,
    files=files,
    folder=st.sampled_from(["", "binder", ".binder"]),
    prefix=st.sampled_from(["", "images/r"]),
    appendix_file=st.sampled_from(["", "appendix"]),
    appendix_text=st.text(max_size=40) | st.sampled_from(TEXTS),
    listing=st.frozensets(st.sampled_from(PATHS), max_size=5),
)


def require_place_exists(place: Place | None, sources: Sources) -> None:
    if place is None:
        return
    texts = {sources.path(path): text for path, text in sources.files.items()}
    if sources.appendix_file:
        texts[sources.appendix_file] = sources.appendix_text
    assert place.path in texts
    assert place.line is None or 1 <= place.line <= len(texts[place.path].split("\n"))


@settings(deadline=None, max_examples=150)
@given(lines, any_sources)
def test_any_text_gets_an_answer_about_a_line_that_exists(
    lines: list[str], sources: Sources
) -> None:
    diagnosis = diagnose(lines, sources)
    assert diagnosis.what
    require_place_exists(diagnosis.place, sources)


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(CASES), st.data())
def test_a_torn_stream_gets_an_answer_about_a_line_that_exists(
    case: Case, data: st.DataObject
) -> None:
    whole, sources = captured(case.name), repository(case.name)
    kept = data.draw(st.lists(st.sampled_from(whole), max_size=len(whole), unique=True))
    cut = replace(sources, files={path: text[:40] for path, text in sources.files.items()})
    diagnosis = diagnose(sorted(kept, key=whole.index), cut)
    assert diagnosis.what
    require_place_exists(diagnosis.place, cut)
