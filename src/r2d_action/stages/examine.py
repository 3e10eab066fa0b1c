"""Before the build: what `r2d-action doctor` would say, for those who never call it."""

from __future__ import annotations

from r2d_action.doctor import Settings, Severity, findings
from r2d_action.outcome import Outcome
from r2d_action.plan.repo2docker import subdir_of
from r2d_action.stages.site import Site

# The plan has said so already.
TOLD = frozenset({"credential-left-out", "no-environment-file", "unknown-input"})


def examined(outcome: Outcome, site: Site) -> Outcome:
    """Everything is a warning here, since the build is the judge; nothing for a reused image."""
    plan, inputs = outcome.plan, site.inputs
    if plan is None or plan.skip or outcome.reused:
        return outcome
    settings = Settings(
        workspace=site.event.workspace,
        prefix=subdir_of(inputs),
        repo_dir=inputs.repo_dir,
        for_hub=not (inputs.binder_cache or inputs.mybinderorg_tag),
    )
    for found in findings(site.context, settings):
        if found.severity is not Severity.NOTE and found.rule not in TOLD:
            text = f"{found.message}\n{found.remedy}".strip()
            site.runner.warning(text, title=found.rule, place=found.place)
    return outcome
