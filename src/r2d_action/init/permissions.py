"""The permissions that a job needs, for jobs that have none and so get whatever a repository's
settings say.

Who writes down any permission takes all others away, so this is done only for jobs of which
every step is known.
https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#permissions
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from r2d_action.hub.yaml_tree import Scalar, own_entries
from r2d_action.init.workflow import Job, Step, Workflow, scalars_below

# They use the job's token for reading the repository at most, or as `needed` knows.
_KNOWN = frozenset({
    "actions/cache",
    "actions/checkout",
    "actions/download-artifact",
    "actions/setup-node",
    "actions/setup-python",
    "actions/upload-artifact",
    "aws-actions/amazon-ecr-login",
    "aws-actions/configure-aws-credentials",
    "azure/docker-login",
    "azure/login",
    "docker/login-action",
    "docker/setup-buildx-action",
    "docker/setup-qemu-action",
    "easimon/maximize-build-space",
    "google-github-actions/auth",
    "google-github-actions/setup-gcloud",
    "jlumbroso/free-disk-space",
})  # fmt: skip
# An input that makes each of these ask for the job's identity.
_WITHOUT_PASSWORD = {
    "google-github-actions/auth": "WORKLOAD_IDENTITY_PROVIDER",
    "aws-actions/configure-aws-credentials": "ROLE-TO-ASSUME",
    "azure/login": "CLIENT-ID",
}
_TOKEN = re.compile(r"\bGITHUB_TOKEN\b|\bgithub\.token\b")
_WRITES = re.compile(r"\bgit\b[^\n]*\bpush\b|\bgh\s+[a-z]")


def needed(job: Job) -> dict[str, tuple[str, str]]:
    """What may be read or written, and why, by the permission's name."""
    found: dict[str, tuple[str, str]] = {}
    for step in job.steps:
        found |= _needed_by(step, found)
    return found


def _needed_by(step: Step, so_far: Mapping[str, object]) -> dict[str, tuple[str, str]]:
    if step.action == "actions/checkout" and "contents" not in so_far:
        return {"contents": ("read", "to check the repository out")}
    if step.ref is not None and step.may_be_yes("BINDER_CACHE") and not step.is_yes("NO_GIT_PUSH"):
        return {"contents": ("write", "to commit binder/Dockerfile"), **_to_push(step)}
    if step.ref is not None or step.action == "docker/login-action":
        return _to_push(step)
    if step.text(_WITHOUT_PASSWORD.get(step.action, "")):
        return {"id-token": ("write", "to log in without a password")}
    return {}


def _to_push(step: Step) -> dict[str, tuple[str, str]]:
    password = step.text("DOCKER_PASSWORD") or step.text("PASSWORD")
    # The only registry that takes the job's token is GitHub's own.
    return {"packages": ("write", "to push the image")} if _TOKEN.search(password) else {}


def obstacle(workflow: Workflow, job: Job) -> str:
    """Why nobody but the user can say what the job needs; empty where we can."""
    if workflow.is_reusable:
        return "it is called by other workflows, which may grant less"
    return next(_obstacles(workflow, job), "")


def _obstacles(workflow: Workflow, job: Job) -> Iterator[str]:
    for step in job.steps:
        if step.uses and step.ref is None and step.action not in _KNOWN:
            yield f"the step with `{step.uses.value}` may need more than ours"
        if step.run and _WRITES.search(step.script):
            yield "a script in it pushes to git, or calls `gh`"
    accounted = {id(value) for step in job.steps for value in _accounted(step)}
    for value in (*scalars_below(job.node), *_variables(workflow)):
        if _TOKEN.search(value.value) and id(value) not in accounted:
            yield "its token is used for something else as well"


def _accounted(step: Step) -> Iterator[Scalar]:
    """Places of the token of which it is known what they need."""
    names = {"actions/checkout": "TOKEN", "docker/login-action": "PASSWORD"}
    name = "DOCKER_PASSWORD" if step.ref is not None else names.get(step.action)
    if name in step.inputs:
        yield step.inputs[name][1]


def _variables(workflow: Workflow) -> Iterator[Scalar]:
    entry = own_entries(workflow.root).get("env")
    return scalars_below(entry[1]) if entry else iter(())
