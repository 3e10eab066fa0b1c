"""How large the last images are: told from one to the next, with their lists of packages. Pure."""

from __future__ import annotations

from r2d_action.outcome import Outcome
from r2d_action.packages.values import ImageSize

MOST = 10


def sizes_until(outcome: Outcome) -> tuple[ImageSize, ...]:
    """Of the last images and the one that this run has made and published, oldest first; nothing
    where it has not."""
    plan, published = outcome.plan, outcome.published
    if plan is None or outcome.built is None or published is None or not published.compressed_size:
        return ()
    own = ImageSize(
        tag=str(published.reference.tag),
        made=plan.time.date().isoformat(),
        size=published.compressed_size,
    )
    earlier = outcome.before.sizes if outcome.before else ()
    return (*(one for one in earlier if one.tag != own.tag), own)[-MOST:]
