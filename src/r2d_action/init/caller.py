"""The workflow of a community, which only calls ours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from r2d_action import HOME, __version__
from r2d_action.init.answers import Answers
from r2d_action.init.logins import Login

REUSABLE = f"{HOME}/.github/workflows/build-image.yml@v{__version__}"

_EVENTS = """\
name: Image
on:
  push:
    branches: [main, master]
  pull_request:
  workflow_dispatch:
  schedule:
    - cron: 17 3 * * 1 # each Monday
permissions: {}
jobs:
  image:
"""


def caller_workflow(answers: Answers, login: Login | None) -> str:
    """``login`` is None where nothing is published."""
    return _EVENTS + "".join(f"    {line}\n" for line in _job(answers, login))


def _job(answers: Answers, login: Login | None) -> Iterator[str]:
    yield f"uses: {REUSABLE}"
    yield "permissions:"
    yield "  contents: read # to check the repository out"
    yield "  pull-requests: write # to comment on a pull request"
    if login and login.permission:
        name, why = login.permission
        yield f"  {name}: write # {why}"
    yield from _block("with", _inputs(answers, login))
    yield from _block("secrets", _secrets(answers, login))


def _inputs(answers: Answers, login: Login | None) -> Iterator[tuple[str, str]]:
    if answers.image:
        yield "DOCKER_REGISTRY", answers.image.registry.host
        yield "IMAGE_NAME", answers.image.path
    yield from login.inputs if login else ()
    yield from answers.way.inputs
    yield "HUB_START_CHECK", "true"
    if answers.hub_repo:
        yield "HUB_REPO", answers.hub_repo


def _secrets(answers: Answers, login: Login | None) -> Iterator[tuple[str, str]]:
    for name, own in login.secrets if login else ():
        yield name, f"${{{{ secrets.{own} }}}}"
    if answers.hub_repo:
        yield "HUB_TOKEN", "${{ secrets.HUB_TOKEN }}"


def _block(key: str, entries: Iterable[tuple[str, str]]) -> Iterator[str]:
    lines = [f"  {name}: {value}" for name, value in entries]
    return iter([f"{key}:", *lines] if lines else [])
