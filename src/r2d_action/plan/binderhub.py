"""BINDERHUB_IMAGE_PREFIX: the name under which a BinderHub looks for a repository's image.

An image that lies under this name as a single manifest (BinderHub does not ask for an
index) makes BinderHub skip its build, and its users wait for nothing.
https://github.com/jupyterhub/binderhub/blob/main/binderhub/builder.py
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from hashlib import sha256

from r2d_action.errors import InputError
from r2d_action.inputs import Inputs
from r2d_action.plan.repo2docker import BINDER_USER, subdir_of, user_name_of
from r2d_action.reference import MAX_NAME, InvalidReference, Reference

_EXAMPLE = "write for example `BINDERHUB_IMAGE_PREFIX: quay.io/my-hub/r2d-`"
_WHERE = "the operator of the hub finds it in the hub's configuration as `BinderHub.image_prefix`"
_UNESCAPED = frozenset(string.ascii_letters + string.digits)
_HASH_LENGTH = 6
_HOME = f"/home/{BINDER_USER}"


def binderhub_reference(prefix: str, repository: str, commit: str) -> Reference:
    """The image that BinderHub names for ``repository`` (``owner/name`` at GitHub) at ``commit``.

    The name goes by the letters of ``repository`` as they are: BinderHub, too, gives
    ``Octo/course`` and ``octo/course`` two names. Raises :class:`InputError`.
    """
    _require_usable(prefix)
    if not re.fullmatch(r"[0-9a-f]{40}", commit):
        raise InputError(
            f"BINDERHUB_IMAGE_PREFIX: BinderHub names images after a whole commit of 40 digits, "
            f"and {commit or 'nothing'!r} is checked out; add the step `uses: actions/checkout@v7`."
        )
    slug = _safe_slug(_build_slug(repository), limit=MAX_NAME - len(prefix))
    try:
        return Reference.parse(f"{prefix}{slug}:{commit}".replace("_", "-").lower())
    except InvalidReference as reason:
        raise InputError(f"BINDERHUB_IMAGE_PREFIX: {reason}; {_EXAMPLE}.") from None


def _require_usable(prefix: str) -> None:
    last = prefix.rpartition("/")[2]
    if "://" in prefix:
        reason = "is an address of a page, and not the beginning of an image's name"
    elif "/" not in prefix:
        reason = "names no registry, and no account of Docker Hub"
    elif ":" in last or "@" in last:
        reason = "ends in a tag, which BinderHub makes itself from the commit"
    else:
        return
    raise InputError(f"BINDERHUB_IMAGE_PREFIX: {prefix!r} {reason}; {_EXAMPLE} ({_WHERE}).")


def _build_slug(repository: str) -> str:
    owner, _, name = repository.partition("/")
    return f"{owner}-{name.removesuffix('.git')}"


def _safe_slug(slug: str, *, limit: int) -> str:
    """At most ``limit`` characters; the hash keeps apart what was cut off or put in lower case."""
    name = "".join(_escaped(character) for character in slug)
    digest = sha256(slug.encode()).hexdigest()[:_HASH_LENGTH]
    return f"{name[: limit - _HASH_LENGTH - 1]}-{digest}"


def _escaped(character: str) -> str:
    if character in _UNESCAPED:
        return character
    return "".join(f"-{byte:02x}" for byte in character.encode())


# What BinderHub would build from the same commit --------------------------------------------


def require_binderhub_build(inputs: Inputs) -> None:
    """Refuse an image that is no stand-in for what BinderHub builds: who launches
    ``owner/name`` at a commit is to get that repository, as BinderHub's user.

    Raises :class:`InputError`.
    """
    if subdir := subdir_of(inputs):
        raise InputError(
            f"BINDERHUB_IMAGE_PREFIX: BinderHub builds whole repositories, and SUBDIR ({subdir!r}) "
            "makes an image of one folder; remove one of the two inputs, or give the folder a "
            "repository of its own."
        )
    if (user := user_name_of(inputs)) != BINDER_USER:
        raise InputError(
            f"BINDERHUB_IMAGE_PREFIX: in the images of BinderHub the user is `{BINDER_USER}`, and "
            f"NOTEBOOK_USER is {user!r}; remove one of the two inputs."
        )


def departures(inputs: Inputs) -> Iterator[str]:
    """What makes the image differ from BinderHub's own, on its owner's word: a sentence each."""
    if inputs.repo_dir.rstrip("/") not in {"", _HOME}:
        yield (
            f"REPO_DIR puts the repository's files in {inputs.repo_dir}; a BinderHub puts them in "
            f"{_HOME}, unless its operator set `--target-repo-dir`."
        )
    unknown = {
        "APPENDIX_FILE": inputs.appendix_file,
        "REPO2DOCKER_EXTRA_ARGS": inputs.repo2docker_extra_args,
        "EXTRA_PIP_INSTALL": inputs.extra_pip_install,
    }
    for name in (name for name, value in unknown.items() if value):
        yield (
            f"BinderHub does not know {name}: the image that it finds was built with it, and one "
            "that it builds itself is not."
        )
