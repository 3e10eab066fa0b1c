"""Which tags the image gets, and which of them move from image to image."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from r2d_action.errors import InputError
from r2d_action.event import Event
from r2d_action.inputs import Inputs
from r2d_action.plan.values import PlannedTag
from r2d_action.reference import InvalidReference, Tag

COMMIT_DIGITS = 12
LATEST = Tag("latest")


def planned_tags(
    inputs: Inputs, event: Event, *, commit: str, now: datetime, notes: list[str]
) -> Iterator[PlannedTag]:
    sha = commit or event.sha
    seen = {tag_of_commit(sha)}
    yield PlannedTag(tag_of_commit(sha), moving=False, pushed=True)
    for name, template, text in _wanted_tags(inputs, event, commit=sha, now=now, notes=notes):
        tag = _legal_tag(name, text, notes)
        if tag not in seen:
            seen.add(tag)
            is_named_after_it = "{git_tag}" in template or text == event.git_tag
            git_tag = event.git_tag if is_named_after_it else ""
            yield _further(tag, event, commit=sha, git_tag=git_tag)
    if inputs.latest_tag_off is False and not is_before_merge(event):
        notes.append(
            "LATEST_TAG_OFF is false, so the image is tagged `latest`. repo2docker-action took any "
            "value for true; write `LATEST_TAG_OFF: true` if you do not want the tag."
        )
    if not inputs.latest_tag_off and LATEST not in seen:
        yield _further(LATEST, event, commit=sha)
        if is_before_merge(event):
            notes.append(f"`latest` stays as it is in the registry: this is {kind(event)}.")


def is_before_merge(event: Event) -> bool:
    """A merge queue tries pull requests too, on a branch that may never become the real one."""
    return event.is_pull_request or event.name == "merge_group"


def kind(event: Event) -> str:
    return "a run of the merge queue" if event.name == "merge_group" else "a pull request"


def _further(tag: Tag, event: Event, *, commit: str, git_tag: str = "") -> PlannedTag:
    return PlannedTag(
        tag,
        moving=not commit or str(tag_of_commit(commit)) not in str(tag),
        # What everybody's hub pulls must not be moved by a change that nobody has merged.
        pushed=tag != LATEST or not is_before_merge(event),
        git_tag=git_tag,
    )


def _branch(event: Event) -> str:
    """The branch that has what is built: pull_request_target runs for the one it would go to."""
    return "" if is_before_merge(event) else event.branch


def tag_of_commit(sha: str) -> Tag:
    return Tag(sha[:COMMIT_DIGITS] or "local")


def own_tag(commit: Tag, time: datetime) -> Tag:
    """The tag of a rebuilt image alone, whose commit had an image before."""
    return Tag(f"{commit}-{time:%Y%m%d%H%M%S}")


def key_tag(key: str) -> Tag:
    """The tag under which an image is found by what decided it."""
    return Tag(f"r2d-key-{key}")


def cache_tag(branch: str) -> Tag:
    """The tag of the newest image of a branch, whose layers later builds start from."""
    return Tag.legalized(f"r2d-cache-{branch}")


def cache_branches(event: Event) -> tuple[str, ...]:
    """The branches whose layers may be of use to this run, the nearest first."""
    names = (_branch(event) or event.head_branch, event.base_branch, event.default_branch)
    return tuple(dict.fromkeys(name for name in names if name))


def _wanted_tags(
    inputs: Inputs, event: Event, *, commit: str, now: datetime, notes: list[str]
) -> Iterator[tuple[str, str, str]]:
    """The input, what it says, and that with its parts filled in."""
    if inputs.additional_tag:
        _refuse_more_than_a_tag(inputs.additional_tag)
        yield "ADDITIONAL_TAG", inputs.additional_tag, inputs.additional_tag
    facts = {
        "branch": _branch(event),
        "git_tag": event.git_tag,
        "pr": str(event.pull_request or ""),
        "commit": commit[:COMMIT_DIGITS],
        "date": now.strftime("%Y.%m.%d"),
    }
    for template in inputs.tags:
        filled = _filled(template, facts)
        if filled:
            yield "TAGS", template, filled
        else:
            notes.append(f"TAGS: {template} has no value in this run and is left out.")


def _refuse_more_than_a_tag(text: str) -> None:
    if found := re.search(r"[${]", text):
        reason = f"holds a `{found[0]}`, which nothing is filled in for here; use TAGS"
        example = 'TAGS: "{branch} {date}"'
    elif re.search(r"[\s,]", text):
        reason = "is more than one tag; write them in TAGS"
        example = f'TAGS: "{" ".join(text.replace(",", " ").split())}"'
    else:
        return
    raise InputError(f"ADDITIONAL_TAG: {text!r} {reason}: `{example}`.")


def _filled(template: str, facts: Mapping[str, str]) -> str:
    """``template`` with its parts, or nothing when one of them is empty."""
    names = re.findall(r"\{([^{}]*)\}", template)
    for name in names:
        if name not in facts:
            raise InputError(
                f"TAGS: {template!r} asks for {{{name}}}, which does not exist; the parts are "
                + ", ".join(f"{{{fact}}}" for fact in facts)
                + "."
            )
    if not all(facts[name] for name in names):
        return ""
    return re.sub(r"\{([^{}]*)\}", lambda match: facts[match[1]], template)


def _legal_tag(name: str, text: str, notes: list[str]) -> Tag:
    try:
        return Tag(text)
    except InvalidReference:
        pass
    try:
        tag = Tag.legalized(text)
    except InvalidReference:
        raise InputError(
            f"{name}: nothing of {text!r} can be part of a tag; write for example "
            f"`{name}: 2026-spring`."
        ) from None
    notes.append(f"{name}: {text!r} is not a legal tag; the image is tagged `{tag}`.")
    return tag
