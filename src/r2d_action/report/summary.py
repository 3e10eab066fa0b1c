"""The page that a hub admin reads after a run, as GitHub's Markdown. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from r2d_action.binder.binderhub import Triggered
from r2d_action.build import Built
from r2d_action.check.hub_start import HubStart
from r2d_action.check.image_tests import TestReport
from r2d_action.errors import Failure
from r2d_action.outcome import Checked, Outcome, Reused
from r2d_action.packages.sizes import sizes_until
from r2d_action.packages.values import ImageSize
from r2d_action.packages.words import told_of
from r2d_action.plan import Plan
from r2d_action.progress.words import shortened
from r2d_action.publish import Copied, Published
from r2d_action.report.bars import bar, sparkline
from r2d_action.report.checks import as_sentence, passed_checks
from r2d_action.report.launch_links import links_of
from r2d_action.report.markdown import fenced, folded, table
from r2d_action.report.ticket import Ticket, ticket_text

LARGEST_LAYERS = 8
SLOWEST_STEPS = 8
LONGEST_INSTRUCTION = 100
NOT_WORTH_A_WORD = 100_000  # bytes
WORTH_A_LINE = 1.0  # seconds
FEWEST_FOR_A_PICTURE = 3


def summary(outcome: Outcome) -> str:
    return "\n\n".join(_paragraphs(outcome))


def _paragraphs(outcome: Outcome) -> Iterator[str]:
    yield from _head(outcome)
    if outcome.proposal:
        yield f"**The hub:** {outcome.proposal.note}"
    yield from _details(outcome)
    if outcome.plan and outcome.published and not outcome.failure:
        yield from _ways_to_the_hub(outcome.plan, outcome.published, outcome)


def _head(outcome: Outcome) -> Iterator[str]:
    plan = outcome.plan
    if outcome.failure:
        yield from _failure(outcome.failure)
    elif plan and plan.skip:
        yield f"### Nothing was built\n\n{plan.skip}"
    elif outcome.published:
        yield from _published(outcome.published)
        if outcome.reused:
            yield _reused(outcome.reused)
    elif outcome.reused and plan:
        yield f"### Reused, not pushed: `{plan.commit_reference}`\n\n{plan.why_no_push}"
        yield _reused(outcome.reused)
    elif plan and outcome.built:
        yield f"### Built, not pushed: `{plan.commit_reference}`\n\n{plan.why_no_push}"


def _details(outcome: Outcome) -> Iterator[str]:
    rows = [*_facts(outcome), *_checks(outcome.checked), *_binder(outcome)]
    if rows:
        yield table(("", ""), rows)
    if stages := _stages(outcome):
        yield table(("Stage", "Seconds", ""), _timed(stages))
    if outcome.compared:
        yield f"#### Packages\n\n{told_of(outcome.compared)}"
    if outcome.built:
        yield from _slow_steps(outcome.built)
        yield _layers(outcome.built)
    yield from _last_images(sizes_until(outcome))
    if outcome.plan and outcome.plan.notes:
        yield "\n".join(f"- {note}" for note in outcome.plan.notes)


def _published(published: Published) -> Iterator[str]:
    reference = published.reference
    yield f"### Published: `{reference.tagged_name}`"
    yield (
        "Paste this where the hub asks for an image (the profile's “Other…” field, or "
        f"the hub's configuration):\n\n{fenced(reference.tagged_name)}\n\nor, to be sure of every "
        f"byte:\n\n{fenced(str(reference))}"
    )


def _ways_to_the_hub(plan: Plan, published: Published, outcome: Outcome) -> Iterator[str]:
    if links := links_of(plan, published):
        yield "\n".join(f"- [{link.words}]({link.url})" for link in links)
    ticket = Ticket(
        image=published.reference,
        hub_url=plan.hub.url,
        commit_url=plan.origin.commit_url,
        run_url=plan.origin.run_url,
        checks=tuple(map(as_sentence, passed_checks(outcome))),
    )
    yield folded("Text for a ticket", fenced(ticket_text(ticket)))


def _reused(reused: Reused) -> str:
    commit = f" for commit `{reused.commit[:12]}`" if reused.commit else ""
    when = f" at {reused.created}" if reused.created else ""
    return (
        "Nothing was built: everything that decides the image is as it was when it was built"
        f"{commit}{when}, and it passed its checks then."
    )


def _failure(failure: Failure) -> Iterator[str]:
    yield f"### {failure.title}"
    where = f"**{failure.place}**: " if failure.place else ""
    yield f"{where}{failure.what}"
    if failure.remedy:
        yield fenced(failure.remedy)
    if failure.link:
        yield f"<{failure.link}>"


def _facts(outcome: Outcome) -> Iterator[tuple[str, str]]:
    if outcome.published:
        tags = ", ".join(f"`{tag}`" for tag in outcome.published.tags)
        yield "Tags", tags
        yield "Digest", f"`{outcome.published.digest}`"
        yield from _copies(outcome.copies)
    elif outcome.built and outcome.plan:
        yield "Tags on this runner", ", ".join(f"`{one.tag}`" for one in outcome.plan.tags)
    if outcome.built:
        yield "Size", _size(outcome.built, outcome.published)
        yield from _disk(outcome.built)


def _copies(copies: Iterable[Copied]) -> Iterator[tuple[str, str]]:
    for copy in copies:
        if copy.reference:
            yield "Also in", f"`{copy.reference.tagged_name}`"
        elif copy.error:
            yield "Not in", f"`{copy.repository}`: {copy.error.what}"


def _disk(built: Built) -> Iterator[tuple[str, str]]:
    if built.free_before is not None and built.free_after is not None:
        before, after = megabytes(built.free_before), megabytes(built.free_after)
        yield "Free disk", f"{before} before the build, {after} after it"


def _size(built: Built, published: Published | None) -> str:
    text = f"{megabytes(built.size)} in {len(built.layers)} layers"
    if published and published.compressed_size:
        text += f", {megabytes(published.compressed_size)} to download"
        text += _growth(published)
    return text


def _growth(published: Published) -> str:
    if published.previous_size is None:
        return ""
    grown = published.compressed_size - published.previous_size
    if abs(grown) < NOT_WORTH_A_WORD:
        return ", as much as the last image"
    return f", {megabytes(abs(grown))} {'more' if grown > 0 else 'less'} than the last image"


def _checks(checked: Checked | None) -> Iterator[tuple[str, str]]:
    if checked and checked.tests:
        yield "Tests", tests_line(checked.tests)
    if checked and checked.hub_start:
        yield "Start as on a hub", hub_start_line(checked.hub_start)


def tests_line(tests: TestReport) -> str:
    return (
        f"✗ {tests.problem}" if tests.problem else f"✓ {len(tests.tests)} in `image-tests/` passed"
    )


def hub_start_line(start: HubStart) -> str:
    if start.ok:
        return f"✓ answered after {start.seconds:.1f} s"
    return f"⚠ {start.explanation} {start.remedy}"


def _binder(outcome: Outcome) -> Iterator[tuple[str, str]]:
    if outcome.binder_cache:
        yield "binder/Dockerfile", outcome.binder_cache.note
    if outcome.mybinder:
        yield "mybinder.org", _triggered(outcome.mybinder)
    if outcome.prebuilt:
        yield "BinderHub", _triggered(outcome.prebuilt)


def _triggered(triggered: Triggered) -> str:
    launch = f" [launch]({triggered.launch_url})" if triggered.launch_url else ""
    return f"{triggered.note}{launch}"


def _stages(outcome: Outcome) -> list[tuple[str, float]]:
    checked = outcome.checked
    timed = (
        ("Build", outcome.built),
        ("Tests", checked.tests if checked else None),
        ("Start as on a hub", checked.hub_start if checked else None),
        ("Publish", outcome.published),
    )
    return [(name, stage.seconds) for name, stage in timed if stage]


def _timed(rows: Sequence[tuple[str, float]]) -> Iterator[tuple[str, str, str]]:
    longest = max(seconds for _, seconds in rows)
    for name, seconds in rows:
        yield name, f"{seconds:.1f}", f"`{bar(seconds, longest)}`"


def _slow_steps(built: Built) -> Iterator[str]:
    slow = [(shortened(step.instruction), step.seconds or 0.0) for step in built.steps]
    slow = [(text, seconds) for text, seconds in slow if seconds >= WORTH_A_LINE]
    slowest = sorted(slow, key=lambda step: step[1], reverse=True)[:SLOWEST_STEPS]
    if slowest:
        rows = ((seconds, picture, _code(text)) for text, seconds, picture in _timed(slowest))
        yield folded("Slowest steps of the build", table(("Seconds", "", "Step"), rows))


def _layers(built: Built) -> str:
    largest = sorted(built.layers, key=lambda layer: layer.size, reverse=True)[:LARGEST_LAYERS]
    rows = ((megabytes(layer.size), _code(layer.made_by)) for layer in largest)
    return folded("Largest layers", table(("Size", "Made by"), rows))


def _last_images(sizes: Sequence[ImageSize]) -> Iterator[str]:
    """Two images are told of in words."""
    if len(sizes) < FEWEST_FOR_A_PICTURE:
        return
    bytes_each = [one.size for one in sizes]
    rows = (
        (f"`{one.tag}`", one.made, megabytes(one.size), f"`{bar(one.size, max(bytes_each))}`")
        for one in reversed(sizes)
    )
    title = f"Size of the last {len(sizes)} images <code>{sparkline(bytes_each)}</code>"
    yield folded(title, table(("Image", "Made", "To download", ""), rows))


def _code(instruction: str) -> str:
    text = " ".join(instruction.replace("`", "'").replace("|", "¦").split())
    short = text if len(text) <= LONGEST_INSTRUCTION else f"{text[: LONGEST_INSTRUCTION - 1]}…"
    return f"`{short or '(imported)'}`"


def megabytes(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
