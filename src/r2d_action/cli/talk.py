"""What a command says, and how an error reads."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path

from r2d_action import HOME, __version__
from r2d_action.errors import Failure, UserError
from r2d_action.inputs import ENV_PREFIX, table
from r2d_action.outcome import Outcome
from r2d_action.report.summary import summary
from r2d_action.runner import ActionsFiles, Redactor, Runner


def runner_of(env: Mapping[str, str], secrets: tuple[str, ...] = ()) -> Runner:
    def file(name: str) -> Path | None:
        return Path(env[name]) if env.get(name) else None

    return Runner(
        actions=env.get("GITHUB_ACTIONS") == "true",
        files=ActionsFiles(output=file("GITHUB_OUTPUT"), summary=file("GITHUB_STEP_SUMMARY")),
        redact=Redactor.of(*secrets),
    )


def tell(failure: Failure, runner: Runner) -> None:
    text = "\n".join(part for part in (failure.what, failure.remedy, failure.link) if part)
    runner.error(text, title=failure.title, place=failure.place)


def refuse(error: UserError) -> None:
    """An error from before the walk: the inputs themselves could not be read."""
    runner = runner_of(os.environ)
    failure = Failure.of(error)
    runner.summarize(summary(Outcome(failure=failure)))
    tell(failure, runner)


def tell_bug(trace: str) -> None:
    secrets = tuple(
        os.environ.get(ENV_PREFIX + name.upper(), "") for name, e in table() if e.secret
    )
    runner = runner_of(os.environ, secrets)
    runner.error(
        "This is a mistake in r2d-action. Please open an issue with the lines below at "
        f"https://github.com/{HOME}/issues.",
        title="A bug in r2d-action",
    )
    runner.say(f"r2d-action {__version__}, Python {platform.python_version()}\n{trace}")
