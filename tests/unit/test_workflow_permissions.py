"""What the reusable workflows may do, and what each of their steps is given.

A job of a called workflow that asks for more than its caller's job was given stops the run before
it begins, whatever its `if` says. So those that need what only the caller knows ask for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from r2d_action.inputs import HUB, HUB_SERVER, table

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = {
    name: ROOT / ".github/workflows" / name for name in ("build-image.yml", "update-hub.yml")
}
TABLE = {name.upper(): entry for name, entry in table()}
SECRETS = {name for name, entry in TABLE.items() if entry.secret}
OF_THE_HUB = {name for name, entry in TABLE.items() if entry.section == HUB}
# What only update-hub.yml does: build-image.yml makes links to the hub, and asks it nothing.
OF_THE_OTHER = {name for name, entry in TABLE.items() if entry.section == HUB_SERVER} - {
    "HUB_URL",
    "HUB_VERIFY_OPTIONS",
}
CALLERS = None  # what the caller's job was given
PERMISSIONS = {
    "build-image.yml": {
        "images": {"contents": "read"},
        "build-0": CALLERS,
        "build-1": CALLERS,
        "build-2": CALLERS,
        "hub": {"contents": "read"},
        "report": CALLERS,
    },
    "update-hub.yml": {"staging": {}, "production": {}},
}
# The job's token is what permissions are for: these steps are given it, or take it by themselves.
USERS_OF_THE_TOKEN = {
    "actions/checkout": "contents: read",
    "$/": "packages: write, where the registry is GitHub's",
    "$/actions/comment": "pull-requests: write, where a comment is wanted",
}
WITHOUT_THE_TOKEN = {
    "actions/upload-artifact",
    "actions/download-artifact",
    "$/actions/images",
    "$/actions/base-images",
    "$/actions/propose",
    "$/actions/update-hub",
}


def read(name: str) -> dict[Any, Any]:
    # The key "on" is true in this YAML.
    found: dict[Any, Any] = yaml.safe_load(WORKFLOWS[name].read_text())
    return found


def steps(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for job, content in read(name)["jobs"].items():
        for step in content["steps"]:
            yield job, step


@pytest.mark.parametrize("name", WORKFLOWS)
def test_jobs_ask_for_no_more_than_this(name: str) -> None:
    jobs = read(name)["jobs"]
    assert {job: content.get("permissions") for job, content in jobs.items()} == PERMISSIONS[name]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_token_of_the_job_goes_to_those_that_need_it(name: str) -> None:
    for job, step in steps(name):
        used = step.get("uses", "").partition("@")[0]
        assert not used or used in {*USERS_OF_THE_TOKEN, *WITHOUT_THE_TOKEN}, job
        if re.search(r"github\.token|secrets\.GITHUB_TOKEN", str(step)):
            assert used in USERS_OF_THE_TOKEN, job


@pytest.mark.parametrize("name", WORKFLOWS)
def test_secrets_go_to_the_steps_that_use_them(name: str) -> None:
    allowed = {
        "$/": SECRETS - OF_THE_HUB - OF_THE_OTHER,
        "$/actions/propose": SECRETS & OF_THE_HUB,
        "$/actions/update-hub": {"HUB_API_TOKEN"},
    }
    for job, step in steps(name):
        given = set(re.findall(r"secrets\.(\w+)", str(step)))
        assert given <= allowed.get(step.get("uses", ""), set()), (job, step)
    whole = WORKFLOWS[name].read_text()
    assert len(re.findall(r"secrets\.", whole)) == len(re.findall(r"secrets\.", str(read(name))))
    for job, content in read(name)["jobs"].items():
        rest = {key: value for key, value in content.items() if key != "steps"}
        assert "secrets" not in str(rest), job


def given_by(job: str, action: str) -> dict[str, str]:
    found = read("build-image.yml")["jobs"][job]["steps"]
    [given] = [step["with"] for step in found if step.get("uses") == action]
    return dict(given)


@pytest.mark.parametrize("job", ["build-0", "build-1", "build-2"])
def test_jobs_that_build_get_every_input_but_those_of_the_hub(job: str) -> None:
    given = given_by(job, "$/")
    own = {"BASE_IMAGES"} if job == "build-0" else set()
    assert set(given) == set(TABLE) - OF_THE_HUB - OF_THE_OTHER - own | {"HUB_REPO"}
    assert "secrets." not in given["HUB_REPO"]


def test_job_of_the_hub_gets_every_input_of_the_hub() -> None:
    given = given_by("hub", "$/actions/propose")
    assert set(given) == OF_THE_HUB | {"RECORDS"}
    action = yaml.safe_load((ROOT / "actions/propose/action.yml").read_text())
    assert set(action["inputs"]) == set(given)
    assert set(action["runs"]["steps"][0]["env"]) == {f"R2D_{name}" for name in OF_THE_HUB} | {
        "RECORDS"
    }


def test_job_of_the_hub_runs_for_what_is_published_from_a_branch() -> None:
    condition = read("build-image.yml")["jobs"]["hub"]["if"]
    for part in ("!startsWith(github.event_name, 'pull_request')", "github.ref_type != 'tag'"):
        assert part in condition


def test_every_input_and_secret_can_be_given_to_the_workflow() -> None:
    call = read("build-image.yml")[True]["workflow_call"]
    used = set(TABLE) - OF_THE_OTHER - {"BASE_IMAGES", "GITHUB_TOKEN"}
    assert set(call["secrets"]) == used & SECRETS
    assert set(call["inputs"]) >= used - SECRETS
    assert not set(call["inputs"]) & OF_THE_OTHER
    assert not any(given.get("required") for given in call["inputs"].values())
    for job in ("images", "build-0", "hub"):
        text = str(read("build-image.yml")["jobs"][job])
        used -= set(re.findall(r"(?:secrets|inputs)\.(\w+)", text))
    assert used == set()


def test_no_workflow_runs_with_the_rights_of_the_target() -> None:
    for path in (ROOT / ".github/workflows").glob("*.yml"):
        assert "pull_request_target" not in path.read_text()


def test_pull_requests_are_superseded_and_what_publishes_is_never_cancelled() -> None:
    concurrency = read("build-image.yml")["concurrency"]
    assert concurrency["cancel-in-progress"] == "${{ github.event_name == 'pull_request' }}"
    assert concurrency["group"].endswith("|| github.run_id }}")
    assert read("update-hub.yml")["concurrency"]["cancel-in-progress"] is False


CALLERS = [
    *sorted((ROOT / "docs").glob("**/examples/*.yml")),
    *sorted((ROOT / "template-repo/.github/workflows").glob("*.yml")),
]


@pytest.mark.parametrize("caller", CALLERS, ids=lambda path: path.stem)
def test_callers_give_what_the_called_workflow_takes(caller: Path) -> None:
    for job in yaml.safe_load(caller.read_text())["jobs"].values():
        if name := next((name for name in WORKFLOWS if f"/{name}@" in job.get("uses", "")), ""):
            call = read(name)[True]["workflow_call"]
            for kind, given in (("inputs", job.get("with")), ("secrets", job.get("secrets"))):
                required = {one for one, entry in call[kind].items() if entry.get("required")}
                assert required <= set(given or {}) <= set(call[kind])
