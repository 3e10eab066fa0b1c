"""Where the time went, and how large the last images are: pictures that stand in a table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from r2d_action.json_text import from_json, to_json
from r2d_action.outcome import Outcome
from r2d_action.packages.sizes import MOST, sizes_until
from r2d_action.packages.values import Before, ImageSize, PackageList
from r2d_action.progress.steps import Step
from r2d_action.report.bars import CELLS, bar, sparkline
from r2d_action.report.summary import summary
from unit.test_outcome import complete

MB = 1_000_000


def of(number: int, size: int = 400 * MB) -> ImageSize:
    return ImageSize(tag=f"{number:012d}", made="2026-08-03", size=size)


def published_after(*sizes: ImageSize, size: int = 450 * MB) -> Outcome:
    record = complete()
    assert record.published
    return replace(
        record,
        before=Before(since="0123456789ab", packages=PackageList(()), sizes=sizes),
        published=replace(record.published, compressed_size=size),
    )


@pytest.mark.parametrize(
    ("value", "drawn"),
    [
        (0, "▏"),
        (0.5, "▏"),
        (1, "▎"),
        (50, "█" * 10),
        (51, "█" * 10 + "▎"),
        (99.9, "█" * 20),
        (100, "█" * 20),
    ],
)
def test_a_bar_begins_at_zero(value: float, drawn: str) -> None:
    assert bar(value, 100) == drawn
    assert len(drawn) <= CELLS


def test_a_bar_of_nothing() -> None:
    assert bar(0, 0) == "▏"


def test_a_sparkline_begins_at_zero() -> None:
    assert sparkline([0, 50, 99, 100]) == "▁▅██"
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([]) == ""


def test_the_image_that_was_published_is_the_last_one() -> None:
    outcome = published_after(of(1), of(2))
    assert [(one.tag, one.size) for one in sizes_until(outcome)] == [
        (of(1).tag, 400 * MB),
        (of(2).tag, 400 * MB),
        ("0123456789ab", 450 * MB),
    ]
    assert sizes_until(outcome)[-1].is_sound
    assert len(sizes_until(replace(outcome, before=None))) == 1


def test_as_many_as_are_looked_at_are_told_on() -> None:
    sizes = sizes_until(published_after(*map(of, range(20))))
    assert len(sizes) == MOST
    assert sizes[-2] == of(19)


def test_an_image_under_the_same_tag_is_told_of_once() -> None:
    outcome = published_after(of(1))
    again = replace(
        outcome, before=Before(since="", packages=PackageList(()), sizes=sizes_until(outcome))
    )
    assert sizes_until(again) == sizes_until(outcome)


def test_what_was_not_made_and_published_has_no_size() -> None:
    outcome = published_after(of(1))
    for missing in (
        replace(outcome, published=None),
        replace(outcome, built=None),
        replace(outcome, plan=None),
        published_after(of(1), size=0),
    ):
        assert sizes_until(missing) == ()


def test_two_images_are_no_picture() -> None:
    assert "last 2 images" not in summary(published_after(of(1)))


def test_the_size_of_the_last_images() -> None:
    page = summary(published_after(of(1, 200 * MB), of(2, 225 * MB)))
    picture = page.split("<details><summary>Size of the last 3 images ")[1].split("</details>")[0]
    assert picture.splitlines() == [
        "<code>▄▅█</code></summary>",
        "",
        "| Image | Made | To download |  |",
        "| --- | --- | --- | --- |",
        f"| `0123456789ab` | 2026-08-03 | 450.0 MB | `{'█' * 20}` |",
        f"| `000000000002` | 2026-08-03 | 225.0 MB | `{'█' * 10}` |",
        f"| `000000000001` | 2026-08-03 | 200.0 MB | `{'█' * 8}▉` |",
        "",
    ]


def step(instruction: str, seconds: float | None) -> Step:
    return Step(place="1/2", instruction=instruction, start=0, seconds=seconds)


def test_where_the_time_went() -> None:
    record = complete()
    assert record.built
    steps = (step("RUN a|`b`", 12.5), step("COPY . .", 0.9), step("RUN x", 25), step("RUN y", None))
    page = summary(replace(record, built=replace(record.built, seconds=40, steps=steps)))
    assert f"| Build | 40.0 | `{'█' * 20}` |" in page
    assert f"| Start as on a hub | 7.0 | `{'█' * 3}▌` |" in page
    picture = page.split("Slowest steps of the build</summary>")[1].split("</details>")[0]
    assert picture.strip().splitlines()[2:] == [
        f"| 25.0 | `{'█' * 20}` | `RUN x` |",
        f"| 12.5 | `{'█' * 10}` | `RUN a¦'b'` |",
    ]


def test_a_build_from_the_cache_has_no_slow_steps() -> None:
    assert "Slowest" not in summary(complete())


def test_steps_and_sizes_are_part_of_the_record() -> None:
    record = published_after(of(1))
    assert record.built
    record = replace(record, built=replace(record.built, steps=(step("RUN x", 2.0),)))
    assert from_json(to_json(record), Outcome) == record


@pytest.mark.parametrize(
    "size",
    [
        ImageSize(tag="a|b", made="2026-08-03", size=1),
        ImageSize(tag="a\n", made="2026-08-03", size=1),
        ImageSize(tag="", made="2026-08-03", size=1),
        ImageSize(tag="a" * 129, made="2026-08-03", size=1),
        ImageSize(tag="a", made="yesterday", size=1),
        ImageSize(tag="a", made="2026-08-03`", size=1),
        ImageSize(tag="a", made="2026-08-03", size=0),
        ImageSize(tag="a", made="2026-08-03", size=10**20),
    ],
)
def test_sizes_come_from_others(size: ImageSize) -> None:
    assert not size.is_sound
