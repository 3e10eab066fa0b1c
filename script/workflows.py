"""The parts of the reusable workflows that follow from the table of inputs.

They stand between a line `# generated: …` and a line `# end`; the rest is written by hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from r2d_action.inputs import ENV_PREFIX, HUB, HUB_SERVER, Entry, table

ROOT = Path(__file__).resolve().parent.parent
BUILD_IMAGE = ".github/workflows/build-image.yml"
FILES = (BUILD_IMAGE, "actions/propose/action.yml")
PAGES = (BUILD_IMAGE, ".github/workflows/update-hub.yml")
# GitHub reserves the name, and every job has the token anyway.
OWN_TOKEN = "GITHUB_TOKEN"  # noqa: S105 - its name
_BLOCK = re.compile(r"^( *)# generated: ([\w-]+)\n.*?^ *# end\n", re.MULTILINE | re.DOTALL)


def filled(text: str) -> str:
    """``text`` of a workflow, with all its generated parts made anew."""

    def block(match: re.Match[str]) -> str:
        indent, name = match[1], match[2]
        lines = [f"# generated: {name}", *PARTS[name](), "# end"]
        return "".join(f"{indent}{line}\n" for line in lines)

    return _BLOCK.sub(block, text)


def workflow(name: str) -> Callable[[], str]:
    """What script/generate writes to the file ``name``."""
    return lambda: filled((ROOT / name).read_text(encoding="utf-8"))


def _entries(*, secret: bool) -> Iterator[tuple[str, Entry]]:
    for name, entry in table():
        if entry.secret is secret and name.upper() not in {OWN_TOKEN, *UNUSED}:
            yield name.upper(), entry


def _inputs() -> Iterator[str]:
    for name, entry in _entries(secret=False):
        if name != "BASE_IMAGES":
            yield from (f"{name}:", f"  description: {_described(entry)}", "  type: string")


def _secrets() -> Iterator[str]:
    for name, entry in _entries(secret=True):
        yield from (f"{name}:", f"  description: {_described(entry)}", "  required: false")


def _with() -> Iterator[str]:
    """For the jobs that build: nothing that opens a hub, or is of use only there."""
    for name, entry in _entries(secret=False):
        if name not in DECIDED and entry.section != HUB:
            yield f"{name}: ${{{{ inputs.{name} }}}}"
    yield f"{OWN_TOKEN}: ${{{{ github.token }}}}"
    for name, entry in _entries(secret=True):
        if entry.section != HUB:
            yield f"{name}: ${{{{ secrets.{name} }}}}"


def _hub() -> Iterator[tuple[str, Entry]]:
    yield from ((name.upper(), entry) for name, entry in table() if entry.section == HUB)


def _hub_with() -> Iterator[str]:
    for name, entry in _hub():
        yield f"{name}: ${{{{ {'secrets' if entry.secret else 'inputs'}.{name} }}}}"


def _hub_inputs() -> Iterator[str]:
    for name, _ in _hub():
        yield from (f"{name}:", "  description: As for the action", "  required: false")


def _hub_env() -> Iterator[str]:
    for name, _ in _hub():
        yield f"{ENV_PREFIX}{name}: ${{{{ inputs.{name} }}}}"


def _described(entry: Entry) -> str:
    text = f"{entry.summary} Default: {entry.default}." if entry.default else entry.summary
    return "'" + text.replace("`", "").replace("'", "''") + "'"


# Of the hub itself, this workflow makes links and no more: update-hub.yml asks it.
LINKS = frozenset({"HUB_URL", "HUB_VERIFY_OPTIONS"})
UNUSED = frozenset(
    name.upper()
    for name, entry in table()
    if entry.section == HUB_SERVER and name.upper() not in LINKS
)
# Inputs of the action that the workflow gives it itself.
DECIDED = frozenset(
    {
        "BASE_IMAGES",
        "BINDER_CACHE",
        "IMAGE_NAME",
        "LATEST_TAG_OFF",
        "SUBDIR",
        "TAGS",
    }
)
PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "inputs": _inputs,
    "secrets": _secrets,
    "with": _with,
    "hub-with": _hub_with,
    "hub-inputs": _hub_inputs,
    "hub-env": _hub_env,
}


def reference() -> str:
    """docs/reference/workflows.md: what a caller may write, and what each job may do."""
    lines = [
        "# The reusable workflows",
        "",
        "<!-- Written by script/generate from the workflows. -->",
    ]
    for path in PAGES:
        found = yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))
        # The key `on` is true in this YAML.
        call = found[True]["workflow_call"]
        lines += ["", f"## `{Path(path).name}`"]
        for title, key in (("Inputs", "inputs"), ("Secrets", "secrets"), ("Outputs", "outputs")):
            if call.get(key):
                lines += ["", f"### {title} of `{Path(path).name}`", "", "| Name | What it is |"]
                lines += ["|---|---|", *map(_row, call[key].items())]
        lines += ["", f"### Permissions of `{Path(path).name}`", "", "| Job | May |", "|---|---|"]
        lines += [f"| `{job}` | {_may(content)} |" for job, content in found["jobs"].items()]
    return "\n".join(lines) + "\n"


def _row(entry: tuple[str, dict[str, Any]]) -> str:
    name, content = entry
    needed = " Required." if content.get("required") else ""
    return f"| `{name}` | {content['description']}{needed} |"


def _may(job: dict[str, Any]) -> str:
    permissions = job.get("permissions")
    if permissions is None:
        return "what the job that calls may: `contents: read`, and more only where you write it"
    return ", ".join(f"`{name}: {right}`" for name, right in permissions.items()) or "nothing"
