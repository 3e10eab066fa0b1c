"""Which images of the registry have the layers that a build may start from.

An image says itself for which steps it has layers, in a part of its configuration that BuildKit
writes and reads (``--cache-to type=inline``). An engine with the older kind of image store says
nothing there of layers that it took from an earlier image, so that of two small changes in a row
the second would be built from nothing (https://github.com/moby/buildkit/issues/2274). So each
image also names, in a label, the images that its own build could take layers from; and a build
takes, beside the newest image, those of them that have what it does not tell of.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from r2d_action.reference import Digest, InvalidReference, Reference, Repository, Tag
from r2d_action.registry.client import Client, labels_in

LABEL = "io.github.jupyterhub.r2d-action.layers-from"
# BuildKit's name for what it needs to know of an image's layers.
INLINE_CACHE = "moby.buildkit.cache.v0"
# Each costs two requests, and the builder as many again.
MOST = 6


@dataclass(frozen=True, slots=True)
class Source:
    """``told`` and ``untold`` are the digests of build steps, as BuildKit counts them, that the
    image has layers of: those whose layers it tells of, and those of which it does not; ``earlier``
    are the images that its build could take layers from, the nearest first."""

    reference: Reference
    told: frozenset[str]
    untold: frozenset[str]
    earlier: tuple[Digest, ...]


def layers_for(client: Client, repository: Repository, tag: Tag) -> tuple[Reference, ...]:
    """The image under ``tag``, if there is one, and those that make up for what it does not tell.

    Raises what :class:`Client` does.
    """
    newest = _source(client, repository, str(tag))
    return tuple(_with_earlier(newest, client, repository)) if newest else ()


def label_of(sources: Iterable[Reference]) -> str:
    # Without a space: repo2docker, which hands it on, would take the whole for the repository.
    return ",".join(str(source.digest) for source in sources)


def _with_earlier(newest: Source, client: Client, repository: Repository) -> Iterator[Reference]:
    yield newest.reference
    missing = newest.untold
    for digest in newest.earlier:
        source = _source(client, repository, str(digest)) if missing else None
        if source and source.told & missing:
            missing -= source.told
            yield source.reference


def _source(client: Client, repository: Repository, name: str) -> Source | None:
    manifest = client.manifest(repository, name)
    if manifest is None:
        return None
    configuration = client.configuration(repository, manifest) or {}
    return _read(Reference(repository, digest=manifest.digest), configuration)


def _read(reference: Reference, configuration: Mapping[str, Any]) -> Source:
    steps = [step for step in _steps(configuration) if step.get("inputs")]
    return Source(
        reference,
        told=frozenset(str(step.get("digest")) for step in steps if step.get("layers")),
        untold=frozenset(str(step.get("digest")) for step in steps if not step.get("layers")),
        earlier=tuple(_digests((labels_in(configuration) or {}).get(LABEL, ""))),
    )


def _steps(configuration: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """https://github.com/moby/buildkit/blob/master/cache/remotecache/v1/spec.go"""
    try:
        steps = json.loads(base64.b64decode(configuration.get(INLINE_CACHE) or ""))
    except (ValueError, TypeError):
        return []
    return [step for step in steps if isinstance(step, Mapping)] if isinstance(steps, list) else []


def _digests(text: object) -> Iterator[Digest]:
    for word in str(text).split(",")[:MOST]:
        with suppress(InvalidReference):
            yield Digest(word)
