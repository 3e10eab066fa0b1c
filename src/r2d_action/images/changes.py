"""What a push or a pull request changes, as git tells it."""

from __future__ import annotations

from r2d_action.event import Event
from r2d_action.git import NO_ANSWER, Git


def changed_paths(event: Event, git: Git) -> tuple[str, ...] | None:
    """Paths from the top of the repository; None where all counts as changed: other events, tags,
    a first push, and history that was rewritten or is not here."""
    if not event.before or event.git_tag:
        return None
    # Of a push, what lies between the two commits; of a pull request, what came since it branched
    # off, which is the same thing for the trial merge that is checked out.
    dots = "..." if event.is_pull_request else ".."
    try:
        done = git.run(
            "diff", "--name-only", "--no-renames", "-z", f"{event.before}{dots}HEAD", "--"
        )
    except NO_ANSWER:
        return None
    return tuple(filter(None, done.text.split("\0")))
