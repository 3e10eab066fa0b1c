"""`r2d-action prebuild`, and what of it reaches the log."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from integration.binder_server import Binder, event, serving, streams
from r2d_action.binder.binderhub import PrebuildFailed
from r2d_action.cli.binderhub import prebuild
from r2d_action.errors import InputError

TOKEN = "0123456789abcdef0123456789abcdef"
COMMIT = "5a6df720540c20d95d530d3fd6885511223d5d20"
READY = event(phase="ready", imageName="registry.example/x:1", message="Done! Image built\n")
JOB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_REPOSITORY": "octo/course",
    "GITHUB_SHA": COMMIT,
    "GITHUB_SERVER_URL": "https://github.com",
}

binder = pytest.fixture(serving, name="binder")


def run(binder: Binder, *arguments: str, **env: str) -> Result:
    inputs = {"R2D_BINDERHUB_URL": f"{binder.url}/", "R2D_BINDERHUB_TOKEN": TOKEN}
    nowhere = dict.fromkeys(JOB, "")
    return CliRunner().invoke(prebuild, arguments, env={**nowhere, **inputs, **env})


@pytest.mark.parametrize(
    ("arguments", "env", "path"),
    [
        (["octo/other"], {}, "octo/other/HEAD"),
        (["octo/other", "--ref", "v1"], JOB, "octo/other/v1"),
        ([], JOB, f"octo/course/{COMMIT}"),
        (["--ref", "main"], JOB, "octo/course/main"),
    ],
)
def test_what_is_built(
    binder: Binder, arguments: list[str], env: dict[str, str], path: str
) -> None:
    binder.answers = [streams(READY)]
    result = run(binder, *arguments, **env)
    assert result.exit_code == 0, result.output
    assert binder.requests[0].path == f"/build/gh/{path}?build_only=true"
    told = json.loads(result.stdout)
    assert told["outcome"] == "built"
    assert told["image"] == "registry.example/x:1"
    assert "phase: ready" in result.stderr


def test_token_is_in_no_line_of_the_log(binder: Binder) -> None:
    echo = event(phase="building", message=f"the token is {TOKEN}\n")
    binder.answers = [streams(echo, READY)]
    result = run(binder, **JOB)
    assert "the token is ***" in result.stderr
    mask = f"::add-mask::{TOKEN}"
    assert TOKEN not in result.output.replace(mask, "")


def test_build_that_fails_is_an_error_and_a_record(binder: Binder) -> None:
    binder.answers = [streams(event(phase="failed", message="pip failed\n"))]
    result = run(binder, "octo/course")
    assert isinstance(result.exception, PrebuildFailed)
    assert result.exception.exit_code == 7
    assert "could not build the repository: pip failed" in str(result.exception)
    assert json.loads(result.stdout)["outcome"] == "failed"


@pytest.mark.parametrize(
    ("arguments", "env"),
    [
        ([], {}),
        (["course"], {}),
        (["octo/course/main"], {}),
        ([], {**JOB, "GITHUB_SERVER_URL": "https://git.example.org"}),
    ],
)
def test_repository_that_is_none(binder: Binder, arguments: list[str], env: dict[str, str]) -> None:
    result = run(binder, *arguments, **env)
    assert isinstance(result.exception, InputError)
    assert "is not a repository at GitHub" in str(result.exception)
    assert binder.requests == []


def test_address_is_missing(binder: Binder) -> None:
    result = run(binder, "octo/course", R2D_BINDERHUB_URL="")
    assert isinstance(result.exception, InputError)
    assert "BINDERHUB_URL" in str(result.exception)
