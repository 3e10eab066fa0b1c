"""What providers are handed in the tests, with all that they said and masked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import requests

from r2d_action.inputs import Inputs
from r2d_action.registry.providers.provider import Means
from r2d_action.retry import Retry


@dataclass
class Heard:
    said: list[str] = field(default_factory=list)
    masked: list[str] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)


def means_for(
    inputs: Inputs, env: Mapping[str, str], heard: Heard, session: requests.Session | None = None
) -> Means:
    def no_extra(_name: str) -> None:
        """The development environment has the libraries of all clouds."""

    return Means(
        inputs=inputs,
        env=env,
        session=session or requests.Session(),
        mask=heard.masked.append,
        say=heard.said.append,
        retry=Retry(heard.slept.append, heard.said.append, tries=3),
        extra=no_extra,
    )
