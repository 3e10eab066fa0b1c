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
from r2d_action.report.links import links_of
from r2d_action.report.phrases import phrases

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


def marked(text: str, key: str) -> str:
    """``text`` as the comment that is found again by ``key``."""
    return f"{marker(key)}\n{text}"


def marker(key: str) -> str:
    return f"<!-- r2d-action: {key} -->"


def _about(outcome: Outcome) -> Iterator[str]:
    if outcome.failure:
        yield _fenced(f"{outcome.failure.title}\n\n{outcome.failure.what}")
        if outcome.failure.remedy:
            yield _fenced(outcome.failure.remedy)
    elif outcome.plan and outcome.plan.why_no_push:
        yield outcome.plan.why_no_push
    lines = [*_facts(outcome), *_links(outcome)]
    if lines:
        yield "\n".join(f"- {line}" for line in lines)
    if outcome.compared:
        yield told(outcome.compared.difference, since=outcome.compared.since)


def _facts(outcome: Outcome) -> Iterator[str]:
    yield from phrases(outcome)
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
    rows: list[tuple[str, ...]] = [("Image", "", "To try it"), ("---", "---", "---")]
    rows += [_row(name, records.get(name)) for name in names]
    if hub:
        column = ("The hub", "---", *(_at_the_hub(hub.get(name)) for name in names))
        rows = [(*row, cell) for row, cell in zip(rows, column, strict=True)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


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
            head = f"<details><summary>{_plain(name)}</summary>"
            yield f"{head}\n\n{text}\n\n</details>" if len(names) > 1 else text


def _more(run_url: str) -> str:
    return f"[The whole run]({run_url})" if run_url else ""


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _code(text: str) -> str:
    return f"`{_plain(text)}`" if _plain(text) else ""


def _plain(text: str) -> str:
    return re.sub(r"[^\w./:+ -]", "", text)


def _fenced(text: str) -> str:
    return f"```text\n{text.replace('```', chr(39) * 3)}\n```"
