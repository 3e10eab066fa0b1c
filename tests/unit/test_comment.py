"""What a pull request says of its images."""

from __future__ import annotations

import re
from dataclasses import replace

from r2d_action.binder.binderhub import Triggered, TriggerOutcome
from r2d_action.comment import marked, marker
from r2d_action.errors import BuildFailed, Failure
from r2d_action.hub.values import Proposal
from r2d_action.images.records import Record
from r2d_action.outcome import Outcome
from r2d_action.report.comment import (
    HUB_WORDS,
    MOST_OF_ONE,
    TOO_LONG,
    AtTheHub,
    page,
    report,
)
from unit.test_outcome import complete
from unit.test_plan import plan

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
    assert "| `c` | **no result**: look at the run |  |" in text
    assert "The hub" not in text
    assert "<summary>a</summary>\n\n- all is well" in text
    assert "<summary>b</summary>\n\n```text\nwhy\n```" in text
    assert text.endswith(f"[The whole run]({RUN})")


def test_page_tells_what_became_of_images_at_the_hub() -> None:
    pull = "https://github.com/o/hub/pull/3"
    hub = {"a": AtTheHub("opened", pull), "b": AtTheHub("failed")}
    text = page(("a", "b", "c"), {name: published(name) for name in "abc"}, RUN, hub)
    assert "| Image |  | To try it | The hub |\n| --- | --- | --- | --- |\n" in text
    assert f"`quay.io/o/a:0123` | [proposed]({pull}) |" in text
    assert "`quay.io/o/b:0123` | **not proposed** |" in text
    assert "`quay.io/o/c:0123` |  |" in text


def test_every_status_of_a_proposal_has_its_words() -> None:
    documented = re.sub(r"\([^)]*\)", "", Proposal.__doc__ or "").partition(" is ")[2]
    assert set(HUB_WORDS) == {*re.findall(r"\w+", documented)} - {"or"} | {"failed"}


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


def test_report_leads_to_a_server_with_the_image() -> None:
    hub = {"HUB_URL": "https://hub.example.org", "HUB_VERIFY_OPTIONS": "profile=small"}
    published = replace(complete(), plan=plan(IMAGE_NAME="org/image", **hub))
    link = "- [Start a server with this image at once](https://hub.example.org/hub/spawn?profile="
    assert link in report(published)
    failed = replace(published, failure=Failure.of(BuildFailed("No.")))
    assert "hub.example.org" not in report(failed)
    assert "hub.example.org" not in report(replace(published, published=None))


def test_binderhub_that_was_asked_is_named_once() -> None:
    made = plan(IMAGE_NAME="org/image", BINDERHUB_URL="https://binder.example.org")
    published = replace(complete(), plan=made)
    address = "https://binder.example.org/v2/gh/Owner/My-Repo/"
    assert report(published).count(address) == 1
    url = f"{address}{made.commit}"
    asked = replace(published, prebuilt=Triggered(TriggerOutcome.BUILT, url, ""))
    assert report(asked).count(address) == 1
    assert f"[start it on BinderHub]({url})" in report(asked)


def test_report_fits_into_a_variable() -> None:
    failure = Failure.of(BuildFailed("x" * (MOST_OF_ONE + 1)))
    assert report(Outcome(failure=failure)) == TOO_LONG


def test_comment_is_found_by_its_marker() -> None:
    assert marked("text", "key").startswith(f"{marker('key')}\n")
    assert marker("key") != marker("other")
