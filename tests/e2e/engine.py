"""What runs leave in the engine."""

from __future__ import annotations

import docker


def containers_of(engine: docker.DockerClient, images: str) -> list[str]:
    """Names of the containers, running or not, of the images with this in their name: the
    engine may be in use by others."""
    found = engine.containers.list(all=True, ignore_removed=True)
    return [one.name or "" for one in found if images in str(one.attrs["Config"]["Image"])]
