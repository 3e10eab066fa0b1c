"""From the environment and the options to the site of a command."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

from r2d_action.cli.talk import runner_of
from r2d_action.event import read_event
from r2d_action.inputs import ENV_PREFIX, read_inputs
from r2d_action.stages.site import Site


@contextmanager
def site_of(options: Mapping[str, str | None], path: Path | None = None) -> Iterator[Site]:
    """``options`` are those of :func:`input_options`, ``path`` the checkout in place of the one
    that the runner names. Raises :class:`InputError`."""
    env = {**os.environ, **_as_variables(options)}
    workspace = {"GITHUB_WORKSPACE": str(path.resolve())} if path else {}
    inputs = read_inputs(env)
    runner = runner_of(env, inputs.secrets)
    for secret in inputs.secrets:
        runner.mask(secret)
    with _temporary_folder(env) as temporary:
        site = Site(
            inputs=inputs,
            event=read_event({**env, **workspace}, Path.cwd()),
            env=_without_inputs(env),
            temporary=temporary,
            runner=runner,
            now=datetime.now(timezone.utc),
        )
        with site.session:
            yield site


@contextmanager
def _temporary_folder(env: Mapping[str, str]) -> Iterator[Path]:
    """The runner's own, which has one path in all runs and is emptied between them; at a
    laptop a new one, since others could know a fixed one before we make it."""
    if env.get("RUNNER_TEMP"):
        yield Path(env["RUNNER_TEMP"], "r2d-action")
        return
    with tempfile.TemporaryDirectory(prefix="r2d-action-") as name:
        yield Path(name)


def _as_variables(options: Mapping[str, str | None]) -> dict[str, str]:
    return {
        f"{ENV_PREFIX}{name.upper()}": value for name, value in options.items() if value is not None
    }


def _without_inputs(env: Mapping[str, str]) -> dict[str, str]:
    """The inputs, passwords among them, are nothing to the programs that we call."""
    return {name: value for name, value in env.items() if not name.startswith(ENV_PREFIX)}
