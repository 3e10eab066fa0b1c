"""What repo2docker will do with a repository, and what will go wrong, before any build.

A family of rules is a module, a rule a function in it, and all are in one table.
"""

from __future__ import annotations

import re
from pathlib import Path

from r2d_action import HOME
from r2d_action.context import Context
from r2d_action.doctor.buildpack import Decision
from r2d_action.doctor.finding import Finding, Severity
from r2d_action.doctor.repository import Repository, Settings
from r2d_action.doctor.table import RULES
from r2d_action.doctor.workflows import workflow_texts
from r2d_action.report.diagnose.sources import read_small

__all__ = [
    "Decision",
    "Finding",
    "Settings",
    "Severity",
    "decision_of",
    "findings",
    "settings_of",
]

_ORDER = tuple(Severity)
_REPO_DIR = re.compile(r"^\s*REPO_DIR:\s*['\"]?([^'\"\s#]+)", re.MULTILINE)
# A workflow of another repository: it may say where the files go, and for whom.
_ELSEWHERE = re.compile(rf"uses:\s*(?!{re.escape(HOME)}/)[\w.-]+/[\w.-]+/\.github/workflows/")
_FOR_BINDER = re.compile(r"^\s*(?:BINDER_CACHE|MYBINDERORG_TAG):|mybinder\.org", re.MULTILINE)


def findings(context: Context, settings: Settings) -> tuple[Finding, ...]:
    """What the rules find, the worst first; nothing in an empty checkout, of which nothing
    is built."""
    if context.is_empty:
        return ()
    repository = Repository(context, settings)
    found = (finding for rule in RULES for finding in rule.findings(repository))
    return tuple(sorted(found, key=_order))


def _order(finding: Finding) -> tuple[int, str, int]:
    return _ORDER.index(finding.severity), finding.place.path, finding.place.line or 0


def decision_of(context: Context, settings: Settings) -> Decision:
    return Repository(context, settings).decision


def settings_of(top: Path, workspace: Path) -> Settings:
    """What is known without a run: from the workflows of the checkout, and its README."""
    texts = "\n".join(text for _, text in workflow_texts(workspace))
    readmes = map(read_small, workspace.glob("README*"))
    repo_dir = _REPO_DIR.search(texts)
    elsewhere = _ELSEWHERE.search(texts) and not repo_dir
    return Settings(
        workspace=workspace,
        prefix=top.relative_to(workspace).as_posix() if top != workspace else "",
        repo_dir=repo_dir[1] if repo_dir else "",
        for_hub=not elsewhere and not _FOR_BINDER.search("\n".join([texts, *readmes])),
    )
