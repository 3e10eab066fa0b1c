"""What the image is called: one repository of a registry, from what people write."""

from __future__ import annotations

import re
from collections.abc import Iterator

from r2d_action.errors import InputError
from r2d_action.event import Event
from r2d_action.inputs import Inputs
from r2d_action.reference import InvalidReference, Repository


def repository_of(inputs: Inputs, event: Event, *, pushing: bool, notes: list[str]) -> Repository:
    given = inputs.image_name or _default_name(inputs, event, pushing=pushing, notes=notes)
    _refuse_odd_name("IMAGE_NAME", given)
    name = _lower_case(_with_registry(given, _registry(inputs), notes), notes)
    repository = _parsed("IMAGE_NAME", name, example="my-community/user-image")
    if pushing and repository.registry.is_docker_hub and "/" not in name:
        raise InputError(
            f"IMAGE_NAME: {given!r} names no account of Docker Hub to push to; write for example "
            f"`IMAGE_NAME: my-community/{given}`, or name another registry in DOCKER_REGISTRY."
        )
    return repository


def further_repositories(
    inputs: Inputs, first: Repository, notes: list[str]
) -> Iterator[Repository]:
    """Those of PUSH_TO, each once. Raises :class:`InputError`."""
    seen = {(first.registry.api_host, first.path)}
    for given in inputs.push_to:
        _refuse_odd_name("PUSH_TO", given)
        name = _lower_case(given, notes)
        repository = _parsed("PUSH_TO", name, example="ghcr.io/my-community/user-image")
        if "/" not in name:
            raise InputError(
                f"PUSH_TO: {given!r} names no account to push to; write the whole name, for "
                "example `PUSH_TO: ghcr.io/my-community/user-image`."
            )
        place = (repository.registry.api_host, repository.path)
        if place in seen:
            notes.append(f"PUSH_TO: {given} is in the list already.")
        else:
            seen.add(place)
            yield repository


def _lower_case(name: str, notes: list[str]) -> str:
    if name != name.lower():
        notes.append(f"The image is called {name.lower()}: names of images are in lower case.")
    return name.lower()


def _parsed(source: str, name: str, *, example: str) -> Repository:
    try:
        return Repository.parse(name)
    except InvalidReference as reason:
        raise InputError(f"{source}: {reason}; write for example `{source}: {example}`.") from None


def _registry(inputs: Inputs) -> str:
    # Docker's own configuration writes Docker Hub as an address: https://index.docker.io/v1/
    registry = re.sub(r"^https?://|/+(v[12]/*)?$", "", inputs.docker_registry)
    if registry and not _is_host(registry.partition("/")[0]):
        # Taken for an account of Docker Hub, it would get the password of another registry.
        raise InputError(
            f"DOCKER_REGISTRY: {inputs.docker_registry!r} is not the host of a registry; write for "
            "example `DOCKER_REGISTRY: quay.io`."
        )
    return registry


def _is_host(text: str) -> bool:
    try:
        return Repository.parse(f"{text}/image").registry.host == text
    except InvalidReference:
        return False


def _with_registry(name: str, registry: str, notes: list[str]) -> str:
    if not registry or name == registry:
        return name
    if name.lower().startswith(f"{registry.lower()}/"):
        notes.append("IMAGE_NAME already begins with DOCKER_REGISTRY, which is not added again.")
        return name
    return f"{registry}/{name}"


def _default_name(inputs: Inputs, event: Event, *, pushing: bool, notes: list[str]) -> str:
    name = event.repository_name or event.workspace.name
    owner = inputs.docker_username or event.actor
    if not owner.endswith("[bot]"):
        # Robot accounts (`team+robot`) are users of the part before their plus sign.
        return f"{owner.partition('+')[0]}/{name}" if owner else _legal_component(name)
    if pushing:
        raise InputError(
            f"IMAGE_NAME is missing, and {owner} has no account at a registry that could stand in "
            "for it; write for example `IMAGE_NAME: my-community/user-image`."
        )
    notes.append(
        f"{owner} has no account at a registry: the owner of the repository names the image."
    )
    return event.repository


def _legal_component(folder: str) -> str:
    """A name for an image that was built from a folder on a laptop."""
    return re.sub(r"[^a-z0-9]+", "-", folder.lower()).strip("-") or "image"


def _refuse_odd_name(source: str, name: str) -> None:
    last = name.rpartition("/")[2]
    if "$" in name:
        reason = "holds a `$`, which GitHub does not expand here; use an expression such as "
        example = f"`{source}: ${{{{ github.repository }}}}`"
    elif re.search(r"\s", name):
        reason, example = (
            "holds a space; write for example ",
            f"`{source}: my-community/user-image`",
        )
    elif "://" in name:
        reason = "is an address of a page; write the name alone: "
        example = f"`{source}: {name.partition('://')[2]}`"
    elif "@" in last:
        reason = "carries a digest, which nobody knows before the build; write the name alone: "
        example = f"`{source}: {name[: -len(last)]}{re.split('[@:]', last)[0]}`"
    elif ":" in last:
        bare, _, tag = last.partition(":")
        reason = "carries a tag; name the image alone and give the tag by itself: "
        example = f"`{source}: {name[: -len(last)]}{bare}` and `ADDITIONAL_TAG: {tag}`"
    else:
        return
    raise InputError(f"{source}: {name!r} {reason}{example}.")
