"""What a user chooses in a hub's form, as a person writes it down."""

from __future__ import annotations

import re

from r2d_action.errors import InputError


def read_options(text: str) -> dict[str, str]:
    """HUB_VERIFY_OPTIONS: ``name=value``, separated by blanks, commas or lines.

    Raises :class:`InputError`.
    """
    pairs = [part.partition("=") for part in re.split(r"[\s,]+", text) if part]
    for name, equals, value in pairs:
        if not (name and equals and value):
            raise InputError(
                f"HUB_VERIFY_OPTIONS: {name + equals + value!r} is not a name and a value; write "
                "for example `HUB_VERIFY_OPTIONS: profile=small`."
            )
    return {name: value for name, _, value in pairs}
