"""What somebody wants, from the options that were given and the questions that were answered."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from r2d_action.errors import InputError
from r2d_action.init.ways import COMMUNITY, INHERIT, WAYS, Way
from r2d_action.reference import InvalidReference, Reference, Repository

REGISTRY = "quay.io"
IMAGE = "my-community/user-image"
BASE = "quay.io/jupyter/base-notebook:2026-06-15"
HUB_REPO = "my-community/hub"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The options; None for what was left out."""

    way: str | None = None
    registry: str | None = None
    image: str | None = None
    base: str | None = None
    hub_repo: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """``image`` is None where none is published, ``base`` empty where none is inherited."""

    way: Way
    image: Repository | None
    base: str
    hub_repo: str


@dataclass(frozen=True, slots=True)
class Question:
    """``choices`` maps what can be answered to what it means; empty where anything can be."""

    text: str
    default: str
    choices: tuple[tuple[str, str], ...] = ()


Ask = Callable[[Question], str]


def nobody_to_ask(question: Question) -> str:
    return question.default


def answers(given: Given, ask: Ask) -> Answers:
    """``ask`` is called for what was not given. Raises :class:`InputError`."""
    way = _way(given, ask)
    if not way.publishes:
        _refuse_in_vain(given, way)
        return Answers(way=way, image=None, base=_base(given, ask), hub_repo="")
    return Answers(
        way=way,
        base=_base(given, ask) if way is INHERIT else _no_base(given, way),
        image=_image(given, ask),
        hub_repo=_hub_repo(given, ask),
    )


def _way(given: Given, ask: Ask) -> Way:
    choices = tuple((way.name, way.summary) for way in WAYS.values())
    name = given.way or ask(Question("How is the image to be made?", "", choices))
    if name not in WAYS:
        listed = "\n".join(f"  --way {name}  {summary}" for name, summary in choices)
        said = f"{name!r} is none of the ways" if name else "say how the image is to be made"
        raise InputError(f"--way: {said}; choose one of these.", remedy=listed)
    return WAYS[name]


def _refuse_in_vain(given: Given, way: Way) -> None:
    options = {
        "--registry": given.registry,
        "--image": given.image,
        "--hub-repo": given.hub_repo,
    }
    for option, value in options.items():
        if value:
            raise InputError(
                f"{option}: with `--way {way.name}` no image is published; leave the option out, "
                f"or choose `--way {INHERIT.name}`."
            )


def _no_base(given: Given, way: Way) -> str:
    if given.base:
        raise InputError(
            f"--base: with `--way {way.name}` no community image is used; leave the option out, or "
            f"choose `--way {INHERIT.name}` or `--way {COMMUNITY.name}`."
        )
    return ""


def _base(given: Given, ask: Ask) -> str:
    text = given.base or ask(Question("Which community image, with its tag?", BASE))
    try:
        reference = Reference.parse(text)
    except InvalidReference as reason:
        raise InputError(f"--base: {reason}; write for example `--base {BASE}`.") from None
    if reference.tag is None and reference.digest is None:
        raise InputError(
            f"--base: {text!r} has no tag, so that it would be another image from one day to the "
            f"next; write for example `--base {BASE}`."
        )
    return text


def _image(given: Given, ask: Ask) -> Repository:
    name = given.image or ask(Question("What is the image called (organization/name)?", ""))
    if not name:
        raise InputError(f"--image: say what it is called, for example `--image {IMAGE}`.")
    registry = given.registry or _registry_in(name) or ask(Question("Which registry?", REGISTRY))
    whole = name if _registry_in(name) == registry else f"{registry}/{name}"
    try:
        return Repository.parse(whole)
    except InvalidReference as reason:
        raise InputError(
            f"--image: {reason}; write for example `--registry {REGISTRY} --image {IMAGE}`."
        ) from None


def _registry_in(name: str) -> str:
    """The host in front of a name. docker.io is no host that a name need have."""
    host, slash, _ = name.partition("/")
    return host if slash and re.search(r"[.:]|^localhost$", host) else ""


def _hub_repo(given: Given, ask: Ask) -> str:
    question = Question(
        "Which repository on GitHub has the hub's configuration (owner/name; empty: none)?", ""
    )
    name = ask(question) if given.hub_repo is None else given.hub_repo
    if name and not re.fullmatch(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+", name):
        raise InputError(
            f"--hub-repo: {name!r} is not the name of a repository on GitHub; write for example "
            f"`--hub-repo {HUB_REPO}`."
        )
    return name
