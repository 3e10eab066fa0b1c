"""What a run says to those who look at the pull request: one page for all its images. Pure.

Texts of a build come from whoever proposes the change: they stand where Markdown does nothing,
so that nobody is mentioned and nothing linked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from r2d_action.binder.binderhub import Triggered
from r2d_action.images.records import Record
from r2d_action.outcome import Outcome
from r2d_action.packages.words import in_a_line, told
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


def report(outcome: Outcome) -> str:
    """One image, under the heading that :func:`page` gives it."""
    text = "\n\n".join(_about(outcome))
    return text if len(text) <= MOST_OF_ONE else TOO_LONG


def page(names: Sequence[str], records: Mapping[str, Record], run_url: str) -> str:
    """``names`` are all images that this run was to build; one without a record has not ended."""
    if not names:
        return f"### Images\n\nNo image changes by this pull request. {_more(run_url)}".rstrip()
    rows = [_row(name, records.get(name)) for name in names]
    table = "\n".join(["| Image | | To try it |", "|---|---|---|", *rows])
    parts = ["### Images", table, *_details(names, records), _more(run_url)]
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
    for name, triggered in (("mybinder.org", outcome.mybinder), ("BinderHub", outcome.prebuilt)):
        if triggered and triggered.launch_url:
            yield _launch(name, triggered)


def _launch(name: str, triggered: Triggered) -> str:
    return f"[start it on {name}]({triggered.launch_url})"


def _row(name: str, record: Record | None) -> str:
    if record is None:
        return f"| {_code(name)} | **no result**: look at the run | |"
    status = record.outputs.get("BUILD_STATUS") or "failed"
    failed = record.result != "success"
    pushed = record.outputs.get("PUSH_STATUS") == "true" and not failed
    image = _code(record.outputs.get("IMAGE_SHA_NAME", "")) if pushed else ""
    return f"| {_code(name)} | {WORDS['failed' if failed else status]} | {image} |"


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
