from __future__ import annotations

from dataclasses import replace

import pytest

from r2d_action.build import Built, Layer
from r2d_action.check.diagnosis import Reason
from r2d_action.check.hub_start import HubStart
from r2d_action.check.image_tests import TestReport, TestResult, Verdict
from r2d_action.errors import BuildFailed, Failure, Place, PublishFailed
from r2d_action.json_text import from_json, to_json
from r2d_action.outcome import Checked, Outcome
from r2d_action.packages.difference import difference
from r2d_action.packages.values import Compared, Kind, Package, PackageList
from r2d_action.publish import Copied, Published
from r2d_action.reference import Digest, Reference, Repository, Tag
from r2d_action.report.outputs import OUTPUTS, outputs
from r2d_action.report.summary import summary
from unit.test_plan import plan

DIGEST = Digest("sha256:" + "0" * 64)
TESTS = TestReport(
    (TestResult("test_a", Verdict.PASSED, Place("image-tests/test_a.py", 3), "", 0.5),), "", 2.0
)
START = HubStart(Reason.STARTED, "The image starts.", "", 7.0, (), "6.1.1")
BUILT = Built(
    image_id=DIGEST,
    size=3,
    layers=(Layer(3, "COPY `a|b` /"),),
    seconds=1.5,
    free_before=9_000_000_000,
    free_after=7_000_000_000,
)


def complete() -> Outcome:
    made = plan(IMAGE_NAME="org/image", ADDITIONAL_TAG="v1")
    reference = Reference.parse(f"org/image:0123456789ab@{DIGEST}")
    return Outcome(
        plan=made,
        built=BUILT,
        checked=Checked(tests=TESTS, hub_start=START),
        published=Published(
            reference=reference,
            digest=DIGEST,
            tags=(Tag("0123456789ab"), Tag("v1"), Tag("latest")),
            compressed_size=2,
            seconds=0.5,
        ),
    )


def test_a_record_comes_back_from_json_as_it_was() -> None:
    assert from_json(to_json(complete()), Outcome) == complete()


def test_a_record_of_a_failure_comes_back_too() -> None:
    error = BuildFailed("No.", remedy="Do.", place=Place("apt.txt", 2), link="https://x")
    record = Outcome(plan=plan(), failure=Failure.of(error))
    assert from_json(to_json(record), Outcome) == record


def test_outputs_of_a_pushed_image() -> None:
    record = complete()
    assert record.plan
    assert outputs(record.plan, record) == {
        "IMAGE_SHA_NAME": "org/image:0123456789ab",
        "IMAGE_SHA_TAG": "0123456789ab",
        "PUSH_STATUS": "true",
        "IMAGE_NAME": "org/image",
        "IMAGE_TAGS": "0123456789ab v1 latest",
        "IMAGE_DIGEST": str(DIGEST),
        "IMAGE_REFERENCE": f"org/image:0123456789ab@{DIGEST}",
        "BUILD_STATUS": "built",
        "IMAGE_KEY": "",
        "HUB_PULL_REQUEST": "",
        "REPORT": (
            "- 1 test in image-tests/ passed\n- started as on a hub in 7.0 s\n- built in 2 s"
        ),
    }


def test_outputs_of_an_image_that_is_not_pushed() -> None:
    record = Outcome(plan=plan(NO_PUSH="true"), built=BUILT)
    assert record.plan
    told = outputs(record.plan, record)
    assert list(told) == [output.name for output in OUTPUTS]
    assert told["PUSH_STATUS"] == "false"
    assert told["IMAGE_DIGEST"] == ""
    assert told["IMAGE_TAGS"] == "0123456789ab latest"
    assert told["IMAGE_REFERENCE"] == "octocat/my-repo:0123456789ab"


def test_outputs_of_a_run_that_failed_before_the_image() -> None:
    record = Outcome(plan=plan(), failure=Failure.of(BuildFailed("No.")))
    assert record.plan
    told = outputs(record.plan, record)
    assert told["BUILD_STATUS"] == "failed"
    assert told["IMAGE_TAGS"] == ""


def test_the_summary_has_what_an_admin_wants_to_know() -> None:
    page = summary(complete())
    for part in (
        "```text\norg/image:0123456789ab\n```",
        f"org/image:0123456789ab@{DIGEST}",
        "| Tags | `0123456789ab`, `v1`, `latest` |",
        "| Tests | ✓ 1 in `image-tests/` passed |",
        "| Start as on a hub | ✓ answered after 7.0 s |",
        "| Build | 1.5 |",
        "| Free disk | 9.00 GB before the build, 7.00 GB after it |",
        "COPY 'a¦b' /",
    ):
        assert part in page


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (None, "5.0 MB to download |"),
        (4_950_000, "5.0 MB to download, as much as the last image |"),
        (3_000_000, "5.0 MB to download, 2.0 MB more than the last image |"),
        (9_000_000, "5.0 MB to download, 4.0 MB less than the last image |"),
    ],
)
def test_the_summary_says_how_the_image_has_grown(before: int | None, words: str) -> None:
    record = complete()
    assert record.published
    published = replace(record.published, compressed_size=5_000_000, previous_size=before)
    assert words in summary(replace(record, published=published))


def test_the_summary_names_the_copies_and_those_that_failed() -> None:
    here, there = (Repository.parse(name) for name in ("quay.io/org/here", "ghcr.io/org/there"))
    record = complete()
    reference = here.tagged(Tag("0123456789ab"))
    error = Failure.of(PublishFailed("It is full."))
    copies = (Copied(repository=here, reference=reference), Copied(repository=there, error=error))
    page = summary(replace(record, copies=copies))
    assert "| Also in | `quay.io/org/here:0123456789ab` |" in page
    assert "| Not in | `ghcr.io/org/there`: It is full. |" in page


def test_the_summary_of_a_failure_names_place_and_remedy() -> None:
    error = BuildFailed(
        "conda cannot find `numpi`.", remedy="Write `numpy`.", place=Place("environment.yml", 7)
    )
    page = summary(Outcome(plan=plan(), failure=Failure.of(error)))
    assert "**environment.yml, line 7**: conda cannot find `numpi`." in page
    assert "Write `numpy`." in page


def test_the_summary_says_why_nothing_was_pushed() -> None:
    assert "NO_PUSH is true." in summary(Outcome(plan=plan(NO_PUSH="true"), built=BUILT))


def test_an_input_that_cannot_be_read_has_a_summary_too() -> None:
    assert "maybe" in summary(Outcome(failure=Failure.of(BuildFailed("NO_PUSH: 'maybe' …"))))


def test_the_summary_leads_to_the_hub() -> None:
    made = plan(
        IMAGE_NAME="org/image",
        HUB_URL="https://hub.example.org",
        HUB_VERIFY_OPTIONS="profile=small",
    )
    page = summary(replace(complete(), plan=made))
    assert "- [Start a server with this image at once](https://hub.example.org/hub/spawn?" in page
    assert "<summary>Text for a ticket</summary>" in page
    assert f"    org/image:0123456789ab@{DIGEST}" in page
    assert "Checks: 1 test in image-tests/ passed. Started as on a hub in 7.0 s." in page
    assert "Text for a ticket" not in summary(Outcome(plan=plan(NO_PUSH="true"), built=BUILT))


def test_the_summary_tells_of_packages_that_changed() -> None:
    old, new = (
        PackageList((Package(kind=Kind.PIP, name="numpy", version=v),)) for v in ("2.0", "2.1")
    )
    compared = Compared(since="0123456789ab", difference=difference(old, new), named=("numpy",))
    page = summary(replace(complete(), compared=compared))
    assert "#### Packages" in page
    assert "`numpy`" in page
