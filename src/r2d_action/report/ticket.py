"""The text for an operator who changes the hub's configuration on request. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from r2d_action.reference import Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What the operator wants to know. ``image`` has its digest, ``checks`` are sentences; what
    is not known is empty and left out."""

    image: Reference
    hub_url: str = ""
    commit_url: str = ""
    run_url: str = ""
    checks: tuple[str, ...] = ()


def ticket_text(ticket: Ticket) -> str:
    """Plain text, the subject as its first line."""
    return "\n".join(_lines(ticket))


def _lines(ticket: Ticket) -> Iterator[str]:
    image = ticket.image
    hub = f"the hub {ticket.hub_url}" if ticket.hub_url else "our hub"
    yield f"New image for {hub}: {image.tagged_name}"
    yield ""
    yield "Hello,"
    yield ""
    yield f"please let {hub} use this image:"
    yield ""
    yield f"    {image}"
    yield ""
    yield "Where the configuration has a name and a tag:"
    yield ""
    yield f"    name: {image.repository}"
    # In quotes: YAML reads some tags as numbers.
    yield f'    tag: "{image.tag}"'
    yield ""
    yield from _origin(ticket)
    yield "Please keep the present value, so that we can go back to it."
    yield ""
    yield "Thank you!"


def _origin(ticket: Ticket) -> Iterator[str]:
    told = (
        ("Built from", ticket.commit_url),
        ("Built and checked by", ticket.run_url),
        ("Checks:", " ".join(ticket.checks)),
    )
    known = [f"{words} {value}" for words, value in told if value]
    if known:
        yield from (*known, "")
