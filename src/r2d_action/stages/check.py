"""Nothing is pushed that has not passed here."""

from __future__ import annotations

from dataclasses import replace

import docker

from r2d_action.check.hub_start import HubStart, start_as_on_a_hub
from r2d_action.check.image_tests import TestReport, find_image_tests, run_image_tests
from r2d_action.dockerfile import steps_in
from r2d_action.errors import CheckFailed, Failure, Place
from r2d_action.outcome import Checked, Outcome
from r2d_action.plan import Plan
from r2d_action.stages.site import Site


def checked(outcome: Outcome, site: Site, *, image: str = "") -> Outcome:
    """``image`` is what to check instead of the image that was built."""
    plan = outcome.plan
    if plan is None or plan.skip or outcome.reused:
        # A reused image passed them when it was made.
        return outcome
    image = image or plan.commit_reference.tagged_name
    client = site.engine.client
    checks = Checked(
        tests=_tests(client, image, plan, site), hub_start=_hub_start(client, image, plan, site)
    )
    error = _failure(checks, plan, site)
    return replace(outcome, checked=checks, failure=Failure.of(error) if error else None)


def _tests(client: docker.DockerClient, image: str, plan: Plan, site: Site) -> TestReport | None:
    tests = find_image_tests(site.build_root, site.event.workspace)
    if tests is None:
        return None
    with site.runner.group("Run the image's tests"):
        return run_image_tests(
            client,
            image,
            tests,
            repo_dir=plan.build.repo_dir,
            timeout=plan.check.timeout,
            runner=site.runner,
        )


def _hub_start(client: docker.DockerClient, image: str, plan: Plan, site: Site) -> HubStart | None:
    if plan.check.hub_start == "false":
        return None
    with site.runner.group("Start the image as a hub does"):
        start = start_as_on_a_hub(client, image, timeout=plan.check.timeout, runner=site.runner)
    if not start.ok and plan.check.hub_start == "auto":
        site.runner.warning(
            f"{start.explanation} {start.remedy}", title="This image would not start on a hub"
        )
    return start


def _failure(checks: Checked, plan: Plan, site: Site) -> CheckFailed | None:
    if checks.tests and not checks.tests.passed:
        return CheckFailed(
            f"The image was built, but its tests did not pass, so nothing was pushed: "
            f"{checks.tests.problem}"
        )
    start = checks.hub_start
    if start and not start.ok and plan.check.hub_start == "true":
        return CheckFailed(
            f"Nothing was pushed, because this image would not start on a hub: {start.explanation}",
            remedy="\n".join((start.remedy, *start.last_lines)),
            place=_what_the_image_is_made_of(site),
        )
    return None


def _what_the_image_is_made_of(site: Site) -> Place | None:
    """The image that the Dockerfile ends with, or the file that lists the environment."""
    context = site.context
    files = context.environment_files
    if not files:
        return None
    path = (context.root / files[0]).relative_to(site.event.workspace.resolve()).as_posix()
    if context.dockerfile is None:
        return Place(path)
    text = (context.root / context.dockerfile).read_text(encoding="utf-8", errors="replace")
    bases = [step.line for step in steps_in(text) if step.keyword == "FROM"]
    return Place(path, bases[-1] if bases else None)
