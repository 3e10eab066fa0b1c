"""What a run says to those who look at the pull request: one page for all its images. Pure.

Texts of a build come from whoever proposes the change: they stand where Markdown does nothing,
so that nobody is mentioned and nothing linked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from r2d_action.images.records import Record
from r2d_action.outcome import Outcome
from r2d_action.packages.words import in_a_line, told
from r2d_action.report.checks import passed_checks
from r2d_action.report.launch_links import links_of
from r2d_action.report.markdown import fenced, folded, table

# GitHub takes 65536 characters for the page, of which each image has its share. One image alone
# passes through variables of steps, which hold 128 kB.
MOST_CHARACTERS = 60_000
MOST_OF_ONE = 20_000
TOO_LONG = "What there is to say of this image is too long for here."
WORDS = {
    "built": "built",
    "reused": "taken from the registry, nothing had changed",
    "skipped": "nothing to build",
    "failed": "**not built**",
}
# By the status of a proposal.
HUB_WORDS = {
    "opened": "proposed",
    "updated": "proposed",
    "unchanged": "proposed before",
    "closed": "has it already, so the proposal was closed",
    "current": "has it already",
    "absent": "does not name this image",
    "declined": "somebody declined it",
    "overtaken": "has a newer one, or a proposal of one",
    "dispatched": "was told",
    "failed": "**not proposed**",
}


@dataclass(frozen=True, slots=True)
class AtTheHub:
    """What became of an image there; ``url`` is that of the pull request, empty without one."""

    status: str
    url: str = ""


def report(outcome: Outcome) -> str:
    """One image, under the heading that :func:`page` gives it."""
    text = "\n\n".join(_about(outcome))
    return text if len(text) <= MOST_OF_ONE else TOO_LONG


def page(
    names: Sequence[str],
    records: Mapping[str, Record],
    run_url: str,
    hub: Mapping[str, AtTheHub] | None = None,
) -> str:
    """``names`` are all images that this run was to build; one without a record has not ended.
    ``hub`` has those that a hub was to get."""
    if not names:
        return f"### Images\n\nNo image changes by this pull request. {_more(run_url)}".rstrip()
    parts = [
        "### Images",
        _table(names, records, hub or {}),
        *_details(names, records),
        _more(run_url),
    ]
    return "\n\n".join(part for part in parts if part)


def _about(outcome: Outcome) -> Iterator[str]:
    if outcome.failure:
        yield fenced(f"{outcome.failure.title}\n\n{outcome.failure.what}")
        if outcome.failure.remedy:
            yield fenced(outcome.failure.remedy)
    elif outcome.plan and outcome.plan.why_no_push:
        yield outcome.plan.why_no_push
    lines = [*_facts(outcome), *_links(outcome)]
    if lines:
        yield "\n".join(f"- {line}" for line in lines)
    if outcome.compared:
        yield told(outcome.compared.difference, since=outcome.compared.since)


def _facts(outcome: Outcome) -> Iterator[str]:
    yield from passed_checks(outcome)
    if outcome.built:
        yield f"built in {_minutes(outcome.built.seconds)}"
    if outcome.compared:
        yield in_a_line(outcome.compared.difference)


def _links(outcome: Outcome) -> Iterator[str]:
    if outcome.proposal and outcome.proposal.url:
        yield f"the hub: {outcome.proposal.url}"
    yield from (f"[{words}]({url})" for url, words in _launches(outcome).items())


def _launches(outcome: Outcome) -> dict[str, str]:
    """Words by address: a BinderHub may be met twice."""
    triggered = (("mybinder.org", outcome.mybinder), ("BinderHub", outcome.prebuilt))
    found = {
        one.launch_url: f"start it on {name}" for name, one in triggered if one and one.launch_url
    }
    if outcome.plan and outcome.published and not outcome.failure:
        links = links_of(outcome.plan, outcome.published)
        found = {**{link.url: link.words for link in links}, **found}
    return found


def _table(names: Sequence[str], records: Mapping[str, Record], hub: Mapping[str, AtTheHub]) -> str:
    rows = [_row(name, records.get(name)) for name in names]
    if not hub:
        return table(("Image", "", "To try it"), rows)
    at_the_hub = [_at_the_hub(hub.get(name)) for name in names]
    with_hub = ((*row, cell) for row, cell in zip(rows, at_the_hub, strict=True))
    return table(("Image", "", "To try it", "The hub"), with_hub)


def _row(name: str, record: Record | None) -> tuple[str, str, str]:
    if record is None:
        return _code(name), "**no result**: look at the run", ""
    status = record.outputs.get("BUILD_STATUS") or "failed"
    failed = record.result != "success"
    pushed = record.outputs.get("PUSH_STATUS") == "true" and not failed
    image = _code(record.outputs.get("IMAGE_SHA_NAME", "")) if pushed else ""
    return _code(name), WORDS["failed" if failed else status], image


def _at_the_hub(one: AtTheHub | None) -> str:
    if one is None:
        return ""
    words = HUB_WORDS[one.status]
    return f"[{words}]({one.url})" if one.url else words


def _details(names: Sequence[str], records: Mapping[str, Record]) -> Iterator[str]:
    share = MOST_CHARACTERS // max(len(names), 1)
    for name in names:
        text = records[name].outputs.get("REPORT", "") if name in records else ""
        if text:
            text = text if len(text) <= share else TOO_LONG
            yield folded(_plain(name), text) if len(names) > 1 else text


def _more(run_url: str) -> str:
    return f"[The whole run]({run_url})" if run_url else ""


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _code(text: str) -> str:
    return f"`{_plain(text)}`" if _plain(text) else ""


def _plain(text: str) -> str:
    return re.sub(r"[^\w./:+ -]", "", text)
