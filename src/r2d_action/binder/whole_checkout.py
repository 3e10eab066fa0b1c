"""Whether the files of a build are the repository at its commit, which is what BinderHub builds."""

from __future__ import annotations

from collections.abc import Iterable

from r2d_action.errors import InputError
from r2d_action.git import Git

NAMED = 3


def require_whole_checkout(git: Git, built: Iterable[str]) -> str:
    """A sentence about files of ``built`` (relative to the checkout) that are in no commit, empty
    without any.

    Raises :class:`InputError` where files of the commit are missing or changed, and what git
    raises.
    """
    if missing := _marked(git, "S", "ls-files", "-t", "-z"):
        raise _refused(
            f"the checkout leaves out {_some(missing)}",
            "remove `sparse-checkout` from the step with actions/checkout",
        )
    if missing := _submodules_left_out(git):
        raise _refused(
            f"the submodules are not checked out ({_some(missing)})",
            "give the step with actions/checkout `submodules: recursive`",
        )
    if changed := _listed(git, "diff", "--name-only", "-z", "HEAD"):
        raise _refused(
            f"an earlier step changed {_some(changed)}",
            "commit the change, or make it after this step",
        )
    added = sorted(set(built) - set(_listed(git, "ls-files", "--recurse-submodules", "-z")))
    if not added:
        return ""
    return f"The image holds {_some(added)}, which an earlier step made; BinderHub's own would not."


def _submodules_left_out(git: Git) -> tuple[str, ...]:
    # A status line is a mark, the commit and the path.
    listed = git.run("submodule", "status").lines
    return tuple(line.split()[1] for line in listed if line.startswith("-"))


def _marked(git: Git, mark: str, *arguments: str) -> tuple[str, ...]:
    listed = _listed(git, *arguments)
    return tuple(line.partition(" ")[2] for line in listed if line.startswith(f"{mark} "))


def _listed(git: Git, *arguments: str) -> tuple[str, ...]:
    return tuple(filter(None, git.run(*arguments).text.split("\0")))


def _some(paths: Iterable[str]) -> str:
    first, *_ = listed = list(paths)
    if len(listed) <= NAMED:
        return ", ".join(listed)
    return f"{first} and {len(listed) - 1} other files"


def _refused(reason: str, remedy: str) -> InputError:
    return InputError(
        f"BINDERHUB_IMAGE_PREFIX: {reason}, and BinderHub builds the whole commit; {remedy}."
    )
