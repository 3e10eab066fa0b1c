"""Whether the engine would build on the images that the key speaks of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from docker import DockerClient
from docker.errors import APIError


def strangers(bases: Iterable[tuple[str, str]], engine: DockerClient) -> Iterator[str]:
    """Those of ``bases``, by name and digest, of which the engine has another image: its builder
    takes the one that it has, whatever the registry has by now."""
    for name, digest in bases:
        try:
            image = engine.images.get(name)
        except APIError:  # it has none, or takes the name for none
            continue
        if not any(one.endswith(f"@{digest}") for one in image.attrs["RepoDigests"] or ()):
            yield name
