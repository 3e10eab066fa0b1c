"""Operators of registries, one module each, chosen by the registry's host."""

from __future__ import annotations

from r2d_action.reference import Registry
from r2d_action.registry.providers import azure, docker_hub, ecr, generic, ghcr, google, quay
from r2d_action.registry.providers.provider import Provider

# The first that serves a registry has it; the last serves all.
PROVIDERS = (
    azure.PROVIDER,
    docker_hub.PROVIDER,
    ecr.PROVIDER,
    ghcr.PROVIDER,
    google.PROVIDER,
    quay.PROVIDER,
    generic.PROVIDER,
)


def provider_of(registry: Registry) -> Provider:
    return next(one for one in PROVIDERS if one.serves(registry))
