"""Where a run takes place, and what it works with."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from r2d_action.event import Event
from r2d_action.git import Git
from r2d_action.inputs import Inputs
from r2d_action.retry import Retry
from r2d_action.runner import Runner


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """``env`` is the whole environment; ``temporary`` a folder that has the same path in
    every run, gone with the job."""

    inputs: Inputs
    event: Event
    env: Mapping[str, str]
    temporary: Path
    runner: Runner
    now: datetime
    sleep: Callable[[float], None] = time.sleep

    @property
    def git(self) -> Git:
        return Git(self.event.workspace, self.env)

    @property
    def retry(self) -> Retry:
        return Retry(self.sleep, self.runner.say)
