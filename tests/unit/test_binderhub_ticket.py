"""The text for a support ticket."""

from __future__ import annotations

from textwrap import dedent

import yaml

from r2d_action.reference import Reference
from r2d_action.report.ticket import Ticket, ticket_text

IMAGE = Reference.parse(f"quay.io/my-org/user-image:012345678912@sha256:{'a' * 64}")


def test_everything_is_known() -> None:
    ticket = Ticket(
        image=IMAGE,
        hub_url="https://hub.example.org",
        commit_url="https://github.com/octo/course/commit/012345678912",
        run_url="https://github.com/octo/course/actions/runs/1",
        checks=("3 tests passed.", "It starts as on a hub."),
    )
    assert ticket_text(ticket) == dedent(
        f"""\
        New image for the hub https://hub.example.org: quay.io/my-org/user-image:012345678912

        Hello,

        please let the hub https://hub.example.org use this image:

            quay.io/my-org/user-image:012345678912@sha256:{"a" * 64}

        Where the configuration has a name and a tag:

            name: quay.io/my-org/user-image
            tag: "012345678912"

        Built from https://github.com/octo/course/commit/012345678912
        Built and checked by https://github.com/octo/course/actions/runs/1
        Checks: 3 tests passed. It starts as on a hub.

        Please keep the present value, so that we can go back to it.

        Thank you!"""
    )


def test_nothing_is_known_but_the_image() -> None:
    text = ticket_text(Ticket(image=IMAGE))
    assert text.startswith("New image for our hub: quay.io/")
    assert "Built" not in text
    assert "Checks" not in text
    assert "\n\n\n" not in text


def test_what_is_to_be_pasted_is_yaml() -> None:
    lines = ticket_text(Ticket(image=IMAGE)).splitlines()
    pair = "\n".join(line for line in lines if line.startswith(("    name:", "    tag:")))
    assert yaml.safe_load(dedent(pair)) == {
        "name": "quay.io/my-org/user-image",
        "tag": "012345678912",
    }
