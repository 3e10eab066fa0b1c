"""What a pull request says of its images."""

from __future__ import annotations

from r2d_action.errors import BuildFailed, Failure
from r2d_action.images.records import Record
from r2d_action.outcome import Outcome
from r2d_action.report.comment import MOST_OF_ONE, TOO_LONG, marked, marker, page, report

RUN = "https://github.com/o/r/actions/runs/1"


def record(name: str, result: str = "success", **outputs: str) -> Record:
    return Record(name, result, outputs)


def published(name: str, **outputs: str) -> Record:
    return record(
        name,
        BUILD_STATUS="built",
        PUSH_STATUS="true",
        IMAGE_SHA_NAME=f"quay.io/o/{name}:0123",
        **outputs,
    )


def test_page_names_every_image_and_what_to_try() -> None:
    records = {
        "a": published("a", REPORT="- all is well"),
        "b": record("b", "failure", BUILD_STATUS="failed", REPORT="```text\nwhy\n```"),
    }
    text = page(("a", "b", "c"), records, RUN)
    assert "| `a` | built | `quay.io/o/a:0123` |" in text
    assert "| `b` | **not built** |  |" in text
    assert "| `c` | **no result**: look at the run | |" in text
    assert "<summary>a</summary>\n\n- all is well" in text
    assert "<summary>b</summary>\n\n```text\nwhy\n```" in text
    assert text.endswith(f"[The whole run]({RUN})")


def test_only_image_is_told_of_in_the_open() -> None:
    text = page(("image",), {"image": published("image", REPORT="- all is well")}, RUN)
    assert "- all is well" in text
    assert "<details>" not in text


def test_image_that_failed_after_its_push_is_none_to_try() -> None:
    failed = Record("a", "failure", published("a").outputs)
    assert "quay.io" not in page(("a",), {"a": failed}, RUN)


def test_step_that_never_began_is_not_built() -> None:
    text = page(("a",), {"a": record("a", "skipped")}, RUN)
    assert "| `a` | **not built** |" in text


def test_no_image_is_said() -> None:
    assert "No image changes" in page((), {}, RUN)


def test_name_cannot_leave_its_cell() -> None:
    odd = "a|b` <img src=x>"
    text = page((odd,), {odd: published(odd)}, RUN)
    assert "<img" not in text
    assert "| `ab img srcx` | built |" in text


def test_page_has_room_for_all() -> None:
    long = "x" * MOST_OF_ONE
    names = tuple(f"image{number}" for number in range(20))
    text = page(names, {name: published(name, REPORT=long) for name in names}, RUN)
    assert len(text) < 65536
    assert TOO_LONG in text


def test_failure_is_told_where_it_mentions_nobody() -> None:
    failure = Failure.of(BuildFailed("pip met ``` and @somebody", remedy="pin it"))
    text = report(Outcome(failure=failure))
    assert "```text\nThe image could not be built\n\npip met ''' and @somebody\n```" in text
    assert "```text\npin it\n```" in text


def test_report_fits_into_a_variable() -> None:
    failure = Failure.of(BuildFailed("x" * (MOST_OF_ONE + 1)))
    assert report(Outcome(failure=failure)) == TOO_LONG


def test_comment_is_found_by_its_marker() -> None:
    assert marked("text", "key").startswith(f"{marker('key')}\n")
    assert marker("key") != marker("other")
