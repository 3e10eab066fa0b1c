"""Tell a hub repository whose own automation makes the change.

https://docs.github.com/actions/reference/events-that-trigger-workflows#repository_dispatch
"""

from __future__ import annotations

from r2d_action.hub.github import WRITE, HubRepository
from r2d_action.hub.refusal import Task
from r2d_action.hub.target import Source
from r2d_action.hub.values import NewImage
from r2d_action.reference import Reference


def dispatch(hub: HubRepository, event: str, image: NewImage, source: Source) -> None:
    """Start the workflows of the hub repository that wait for ``event``, with the image as
    ``github.event.client_payload``. Raises :class:`HubFailed`."""
    payload = {
        "image": str(image.repository),
        "tag": str(image.tag),
        "digest": str(image.digest or ""),
        "reference": str(Reference(image.repository, image.tag, image.digest)),
        "source_commit": source.commit,
        "source_url": source.commit_url,
        "run_url": source.run_url,
    }
    requester = hub.github.requester
    hub.ask(
        Task(hub.name, f"send the event {event}", WRITE),
        lambda: requester.requestJsonAndCheck(
            "POST",
            f"/repos/{hub.name}/dispatches",
            input={"event_type": event, "client_payload": payload},
        ),
    )
