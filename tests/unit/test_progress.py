"""What is drawn of a run: pure, from lines of builders to lines of a terminal."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from r2d_action.errors import CheckFailed, Failure
from r2d_action.outcome import Outcome
from r2d_action.progress.drawing import Drawing
from r2d_action.progress.screen import drawn
from r2d_action.progress.state import LAST_LINES, Mark, Progress, plain
from r2d_action.progress.steps import Steps
from r2d_action.progress.times import MOST, Times, times_file
from r2d_action.progress.watch import is_watched, title_of
from r2d_action.progress.words import duration
from r2d_action.reference import Repository
from r2d_action.report.ending import ending
from r2d_action.runner import Redactor, Runner
from r2d_action.walk import BUILD
from unit.test_outcome import complete

PAGE = Path(__file__).parents[2] / "docs/how-to/build-on-your-machine.md"
STREAMS = Path(__file__).parent / "streams"
TITLES = ["Plan", "Build", "Check"]


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


# The builder's lines --------------------------------------------------------------------------

CONDA = """RUN TIMEFORMAT='time: %3R' bash -c 'time ${MAMBA_EXE} env update -p /srv/conda'"""


def heard(*lines: str, clock: Clock | None = None) -> Steps:
    steps = Steps(clock or Clock())
    for line in lines:
        steps.hear(line)
    return steps


def test_the_steps_of_a_build() -> None:
    steps = heard(
        '#0 building with "default" instance using docker driver',
        "",
        "#1 [internal] load build definition from Dockerfile",
        "#1 transferring dockerfile: 150B done",
        "#1 DONE 0.0s",
        "#4 [ 1/12] FROM registry.example/base:1",
        "#4 CACHED",
        "#7 [stage-1  5/12] RUN pip install numpy",
        "#7 0.693 Collecting numpy",
        "#8 [build 2/3] RUN make",
        "#8 DONE 12.3s",
        "#9 exporting to image",
    )
    told = [(one.place, one.instruction, one.seconds, one.cached) for one in steps.known]
    assert told == [
        ("", "[internal] load build definition from Dockerfile", 0.0, False),
        ("1/12", "FROM registry.example/base:1", 0.0, True),
        ("stage-1 5/12", "RUN pip install numpy", None, False),
        ("build 2/3", "RUN make", 12.3, False),
        ("", "exporting to image", None, False),
    ]
    assert [one.instruction for one in steps.running] == [
        "RUN pip install numpy",
        "exporting to image",
    ]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("#7 0.693 Collecting numpy", "Collecting numpy"),
        ("#7 0.693", ""),
        ("#7 DONE 3.0s", ""),
        ("#7 sha256:0123 1.2MB / 3.4MB", ""),
        ("Using DockerBuildPack builder", "Using DockerBuildPack builder"),
        ("#!/bin/bash", "#!/bin/bash"),
    ],
)
def test_what_a_program_says_in_a_line(line: str, words: str) -> None:
    assert heard("#7 [2/3] RUN x").hear(line) == words


def test_a_base_image_is_done_twice() -> None:
    steps = heard("#4 [1/3] FROM base", "#4 resolve base done", "#4 DONE 0.1s")
    assert not steps.running
    steps.hear("#4 sha256:0123 1.2MB / 3.4MB")
    assert steps.running
    steps.hear("#4 DONE 7.0s")
    assert [one.seconds for one in steps.known] == [7.0]


@pytest.mark.parametrize("end", ["#7 ERROR: process did not complete", "#7 CANCELED"])
def test_a_step_that_fails_did_not_work(end: str) -> None:
    clock = Clock()
    steps = heard("#7 [2/3] RUN x", clock=clock)
    clock.now += 4
    steps.hear(end)
    [step] = steps.known
    assert (step.seconds, step.failed, step.worked) == (4.0, True, False)


@pytest.mark.parametrize(
    "stream", sorted(STREAMS.glob("*/*.txt")), ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_kept_outputs_of_builds_that_failed(stream: Path) -> None:
    lines = stream.read_text().splitlines()
    steps = heard(*lines)
    failed = [one for one in steps.known if one.failed and one.place]
    assert len(failed) <= 1
    for step in failed:
        assert any(line.endswith(f"[{step.place}] {step.instruction}:") for line in lines), step


# The state and its drawing --------------------------------------------------------------------


def drawing(progress: Progress, width: int = 100, encoding: str = "utf-8") -> list[str]:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    Console(file=stream, width=width, color_system=None).print(Drawing(progress))
    stream.flush()
    return raw.getvalue().decode(encoding).splitlines()


def kept(file: Path, seconds: Mapping[str, float]) -> Times:
    """The times that a run left there."""
    times = Times(file)
    for what, took in seconds.items():
        times.note(what, took)
    times.write()
    return Times.read(file)


def building(times: Times | None = None) -> tuple[Progress, Clock]:
    """A build whose second step has run for 42 seconds."""
    clock = Clock()
    progress = Progress(TITLES, clock)
    progress.times = times or Times()
    progress.begin("Plan")
    progress.end(Mark.DONE)
    progress.begin("Build")
    progress.hear("#1 [1/3] FROM base")
    clock.now += 20
    progress.hear("#1 DONE 20.0s")
    progress.hear(f"#2 [2/3] {CONDA}")
    clock.now += 42
    progress.hear("#2 41.9 Installing numpy")
    return progress, clock


def test_a_build_is_drawn_with_the_step_that_runs_and_what_it_says() -> None:
    progress, _ = building()
    assert drawing(progress, 60) == [
        f"{'✓ Plan':47}        0.0 s",
        f"{'● Build':47}    1 min 2 s",
        f"{'    [2/3] RUN ${MAMBA_EXE} env update -p /srv/…':47}         42 s",
        "    Installing numpy",
        "○ Check",
    ]


def test_last_time_is_told_of_stages_and_steps(tmp_path: Path) -> None:
    times = kept(tmp_path / "times", {"Build": 190, CONDA: 100, "Check": 3725, "Plan": 0.1})
    progress, _ = building(times)
    assert [line[50:].split("  ", 1)[-1].strip() for line in drawing(progress)] == [
        "0.0 s",
        "1 min 2 s  last time 3 min 10 s",
        "42 s  last time 1 min 40 s",
        "",
        "last time 1 h 2 min",
    ]


def test_at_the_end_the_slowest_steps_are_left() -> None:
    progress, clock = building()
    progress.hear("#2 DONE 42.0s")
    for number, seconds in enumerate((5.0, 0.4, 9.0), start=3):
        progress.hear(f"#{number} [{number}/9] RUN step {number}")
        progress.hear(f"#{number} DONE {seconds}s")
    clock.now += 15
    progress.end(Mark.DONE)
    names = [" ".join(line.split()[:3]) for line in drawing(progress)]
    assert names == [
        "✓ Plan 0.0",
        "✓ Build 1",
        "[1/3] FROM base",
        "[2/3] RUN ${MAMBA_EXE}",
        "[5/9] RUN step",
        "○ Check",
    ]


@pytest.mark.parametrize("mark", [Mark.FAILED, Mark.STOPPED])
def test_where_it_ended(mark: Mark) -> None:
    progress, clock = building()
    if mark is Mark.FAILED:
        progress.hear("#2 ERROR: process did not complete successfully: exit code: 1")
    progress.end(mark)
    clock.now += 1000
    assert [line.split("   ")[0] for line in drawing(progress)][1:] == ["✗ Build", "", "○ Check"]
    assert drawing(progress)[2].startswith("    [2/3] RUN ${MAMBA_EXE}")
    assert drawing(progress)[1].endswith(" 1 min 2 s")


def test_only_steps_that_worked_are_timed(tmp_path: Path) -> None:
    progress, _ = building(kept(tmp_path / "times", {CONDA: 100, "RUN x": 50}))
    progress.hear("#2 CACHED")
    progress.hear("#3 [3/3] RUN x")
    progress.hear("#3 ERROR: process did not complete successfully: exit code: 1")
    progress.end(Mark.FAILED)
    progress.times.write()
    after = Times.read(tmp_path / "times")
    told = [after.of(what) for what in (CONDA, "RUN x", "FROM base", "Plan", "Build")]
    assert told == [100, 50, 20, 0, None]


def test_what_a_step_said_is_not_said_by_the_next_one() -> None:
    progress, _ = building()
    progress.hear("#2 DONE 42.0s")
    assert "    Installing numpy" in drawing(progress)
    progress.hear("#3 [3/3] RUN jupyter lab build")
    assert "    Installing numpy" not in drawing(progress)


@pytest.mark.parametrize("width", [1, 10, 30, 40, 60, 80, 300])
def test_no_line_is_wider_than_the_terminal(width: int, tmp_path: Path) -> None:
    progress, _ = building(kept(tmp_path / "times", {"Build": 190, CONDA: 100}))
    progress.hear(f"#2 42.0 {'数据' * 200}")
    lines = drawing(progress, width)
    assert len(lines) == 5
    assert all(cell_len(line) <= width for line in lines)
    assert ("last time" in "".join(lines)) == (width >= 60)
    assert ("42 s" in "".join(lines)) == (width >= 40)


def test_a_terminal_without_our_letters() -> None:
    progress, _ = building()
    progress.hear("#2 42.0 größe ━━━ 数")
    lines = drawing(progress, encoding="latin-1")
    assert lines[1].startswith("> Build")
    assert lines[3] == "    größe ??? ?"
    assert drawing(progress, 20, "latin-1")[2] == "    [2/3] RUN ${MAMB"


def test_a_terminal_is_not_given_orders() -> None:
    hidden = "\x1b]0;title\x07\x1b[2J\x1b[31mred\x1b[0m\tand\x08 50%\rand 100%"
    assert plain(f"{hidden}\n") == "and 100%"
    assert plain(hidden.partition("\r")[0]) == "red     and 50%"


def test_what_was_said_is_kept_to_its_end() -> None:
    progress, _ = building()
    for number in range(2 * LAST_LINES):
        progress.hear(f"line {number}")
    stage = progress.stage
    assert stage
    assert len(stage.said) == LAST_LINES
    assert stage.said[-1] == f"line {2 * LAST_LINES - 1}"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min 0 s"),
        (190, "3 min 10 s"),
        (3599.6, "1 h 0 min"),
        (3900, "1 h 5 min"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


# Times ----------------------------------------------------------------------------------------


def test_times_are_those_of_the_last_run(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "times.json"
    times = kept(file, {"Build": 190.04, CONDA: 100})
    assert (times.of("Build"), times.of(CONDA), times.of("Check")) == (190.0, 100.0, None)
    times.note("Build", 5)
    assert times.of("Build") == 190.0
    times.write()
    assert Times.read(file).of("Build") == 5.0
    assert Times.read(file).of(CONDA) == 100.0
    assert [path.name for path in file.parent.iterdir()] == ["times.json"]


def test_instructions_are_not_written_down(tmp_path: Path) -> None:
    kept(tmp_path / "times", {"RUN curl -H 'token: s3cr3t'": 1})
    assert "s3cr3t" not in (tmp_path / "times").read_text()


def test_what_was_not_met_for_long_is_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "times"
    kept(file, {f"RUN {number}": number for number in range(MOST)})
    times = Times.read(file)
    times.note("RUN 0", 7)
    times.note("RUN new", 8)
    times.write()
    left = Times.read(file)
    assert len(json.loads(file.read_text())) == MOST
    assert (left.of("RUN 0"), left.of("RUN 1"), left.of("RUN new")) == (7, None, 8)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff", b"[1]", b"null", b"7", b"[" * 100_000, b'{"a": {}}']
)
def test_a_broken_file_knows_nothing_and_is_mended(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "times"
    file.write_bytes(content)
    assert Times.read(file) == Times(file)
    kept(file, {"Build": 3})
    assert Times.read(file).of("Build") == 3


@pytest.mark.parametrize("value", ["-1", "NaN", "Infinity", "1e999", "true", '"1"', "null"])
def test_what_is_no_time_is_left_out(value: str, tmp_path: Path) -> None:
    good = kept(tmp_path / "good", {"Build": 3})
    [key] = json.loads((tmp_path / "good").read_text())
    assert good.of("Build") == 3
    file = tmp_path / "times"
    file.write_text(f'{{"{key}": {value}}}')
    assert Times.read(file).of("Build") is None


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    Times(tmp_path / "file" / "times").write()
    Times().write()


@pytest.mark.parametrize(
    ("env", "cache"),
    [
        ({"HOME": "/home/a", "XDG_CACHE_HOME": "/cache"}, "/cache"),
        ({"HOME": "/home/a", "XDG_CACHE_HOME": ""}, "/home/a/.cache"),
        ({"HOME": "/home/a", "XDG_CACHE_HOME": "relative"}, "/home/a/.cache"),
    ],
)
def test_times_are_kept_in_the_cache_folder(env: dict[str, str], cache: str) -> None:
    file = times_file(env, Path("/repo"), "quay.io/org/image")
    assert file
    assert file.parent == Path(cache, "r2d-action", "times")
    assert file != times_file(env, Path("/repo"), "quay.io/org/other")
    assert file != times_file(env, Path("/other"), "quay.io/org/image")


def test_without_a_home_nothing_is_kept() -> None:
    assert times_file({}, Path("/repo"), "quay.io/org/image") is None


# When -----------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


PERSON = {"TERM": "xterm-256color"}


def test_a_person_at_a_terminal_watches() -> None:
    assert is_watched(PERSON, Terminal())
    assert is_watched({**PERSON, "NO_COLOR": "", "CI": ""}, Terminal())
    assert not is_watched(PERSON, io.StringIO())


@pytest.mark.parametrize(
    "env",
    [
        {},
        {"TERM": ""},
        {"TERM": "dumb"},
        {**PERSON, "NO_COLOR": "1"},
        {**PERSON, "CI": "true"},
        {**PERSON, "GITHUB_ACTIONS": "true"},
    ],
)
def test_others_get_lines(env: dict[str, str]) -> None:
    assert not is_watched(env, Terminal())


def test_what_stays_on_the_screen_and_what_does_not() -> None:
    stream, progress = Terminal(), Progress(TITLES)
    runner = Runner(stream=stream, redact=Redactor.of("hunter22"))
    with drawn(progress, stream) as screen, runner.shown_on(screen):
        progress.begin("Build")
        runner.say("image   org/image")
        with runner.group("Build org/hunter22"):
            assert progress.stage
            assert progress.stage.saying == "── Build org/***"
            runner.say("#1 [1/2] RUN echo hunter22")
            runner.say("#1 0.1 what the program says of hunter22")
            runner.warning("the disk is nearly full")
        screen.end(Mark.DONE)
    assert "hunter" not in stream.getvalue()
    lines = [plain(line) for line in stream.getvalue().split("\n")]
    above = [line for line in lines if line[:1].isalpha()]
    assert above == ["image   org/image", "warning: the disk is nearly full"]
    runner.say("after that")
    assert stream.getvalue().endswith("after that\n")


def test_the_end_of_a_stage_that_failed_is_shown() -> None:
    stream, progress = Terminal(), Progress(TITLES)
    with drawn(progress, stream) as screen, Runner(stream=stream).shown_on(screen):
        progress.begin("Check")
        with screen.group("Run the image's tests"):
            screen.say("E  assert 1 == 2", stays=False)
        assert "assert 1 == 2\n" not in stream.getvalue()
        screen.end(Mark.FAILED)
    assert "E  assert 1 == 2\n" in stream.getvalue()


def test_every_stage_of_a_build_has_a_title_of_its_own() -> None:
    assert len({title_of(stage) for stage in BUILD}) == len(BUILD)


# The end, and the page about it ---------------------------------------------------------------

UPDATE = "RUN mamba env update --name base --file /tmp/environment.yml"


def built() -> Outcome:
    record = replace(complete(), published=None)
    assert record.built
    assert record.plan
    return replace(
        record,
        plan=replace(record.plan, repository=Repository.parse("user-image")),
        built=replace(record.built, size=2_410_000_000),
    )


def test_of_a_failure_all_has_been_said() -> None:
    failure = Failure.of(CheckFailed("No."))
    assert ending(replace(built(), failure=failure)) == ending(Outcome()) == ""


def test_what_was_published_is_named_in_the_end() -> None:
    assert ending(complete()).startswith("Published: org/image:0123456789ab@sha256:")


def test_the_page_shows_what_is_seen(tmp_path: Path) -> None:
    seconds = {"Build": 190, UPDATE: 100, "Check": 12, "List packages": 2}
    clock = Clock()
    progress = Progress([title_of(stage) for stage in BUILD], clock)
    progress.times = kept(tmp_path / "times", seconds)
    for stage, after in (("Plan", 0.1), ("Look for problems", 0.0), ("Build", 60)):
        progress.begin(stage)
        clock.now += after
        if stage != "Build":
            progress.end(Mark.DONE)
    progress.hear(f"#7 [4/6] {UPDATE}")
    clock.now += 65
    progress.hear("#7 64.9 Linking jupyterlab-4.5.0-pyhd8ed1ab_0")
    shown = re.findall(r"^```text\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert [text.splitlines() for text in shown] == [
        drawing(progress, 88),
        ending(built()).splitlines(),
    ]
