"""Whether a BinderHub that was asked found the image that was published for it. Pure."""

from __future__ import annotations

from r2d_action.binder.binderhub import Triggered, TriggerOutcome
from r2d_action.reference import Reference


def why_not_found(asked: Triggered, published: Reference) -> str:
    """A sentence with the remedy; empty when users do not wait, or nothing is known."""
    ours = published.tagged_name
    if asked.image and asked.image != ours:
        return (
            f"BINDERHUB_IMAGE_PREFIX: the hub looks for {asked.image}, and the image was published "
            f"as {ours}; set it to the hub's `BinderHub.image_prefix`, with which its name begins."
        )
    if asked.outcome is TriggerOutcome.BUILT and not asked.found:
        return (
            f"The hub built an image of its own although {ours} was published: its account may not "
            "read there. Ask the operator whether the BinderHub can read what you push."
        )
    return ""
