"""Where a run takes place, and what it works with."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path

import requests

from r2d_action.context import Context, build_root, read_context
from r2d_action.disk import freeing
from r2d_action.engine import Engine, connect
from r2d_action.event import Event
from r2d_action.git import Git
from r2d_action.inputs import Inputs
from r2d_action.key.files import Asked, ask_git, known_to_git
from r2d_action.key.material import files_of
from r2d_action.plan.repo2docker import subdir_of
from r2d_action.private import private_paths
from r2d_action.reference import Registry
from r2d_action.registry.keychain import Keychain
from r2d_action.registry.transport import new_session
from r2d_action.retry import Retry
from r2d_action.runner import Runner


@dataclass(frozen=True, kw_only=True)
class Site:
    """``env`` is the whole environment; ``temporary`` a folder that has the same path in
    every run, gone with the job. What costs time is looked for when it is first needed."""

    inputs: Inputs
    event: Event
    env: Mapping[str, str]
    temporary: Path
    runner: Runner
    now: datetime
    sleep: Callable[[float], None] = time.sleep
    keychains: dict[Registry, Keychain] = field(default_factory=dict)

    @cached_property
    def engine(self) -> Engine:
        """Raises :class:`EngineError`."""
        return connect(self.env, self.event.workspace, self._make_room)

    def _make_room(self) -> None:
        """All at once: nothing can go on beside it."""
        with freeing(self.inputs.free_disk_space, self.env, self.runner):
            pass

    @property
    def build_root(self) -> Path:
        return build_root(self.event.workspace, subdir_of(self.inputs))

    @cached_property
    def context(self) -> Context:
        """The checkout is walked once, while git looks through it for the key."""
        _ = self.asked
        return read_context(
            self.build_root,
            keep_git=self.inputs.keep_git,
            private=private_paths(self.env, self.event.workspace),
            # Left by an earlier run, it would make this build a copy of the image that it names.
            without=("binder",) if self.inputs.binder_cache else (),
        )

    @cached_property
    def asked(self) -> Asked:
        return ask_git(Git(self.build_root, self.env))

    @cached_property
    def files(self) -> str:
        """A digest of what the image is made of. Raises :class:`NoKey`."""
        return files_of(self.context, partial(known_to_git, self.context, self.asked))

    @cached_property
    def session(self) -> requests.Session:
        return new_session(self.env)

    @property
    def git(self) -> Git:
        return Git(self.event.workspace, self.env)

    @property
    def retry(self) -> Retry:
        return Retry(self.sleep, self.runner.say)
