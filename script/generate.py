"""What script/generate runs, with the tables and their texts at hand."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "script")]

from workflows import FILES as WORKFLOWS  # noqa: E402
from workflows import reference, workflow  # noqa: E402

from r2d_action.cli.main import cli  # noqa: E402
from r2d_action.doctor.reference import rules_page  # noqa: E402
from r2d_action.inputs import ENV_PREFIX, SECTIONS, Entry, table  # noqa: E402
from r2d_action.report.outputs import OUTPUTS  # noqa: E402

GENERATED = "Written by script/generate; change the tables in src/r2d_action instead."


def action_yml() -> str:
    return "\n".join(_action_lines()) + "\n"


def _action_lines() -> Iterator[str]:
    yield f"# {GENERATED}"
    yield "name: r2d-action"
    yield "description: Turn a repository into the image that a JupyterHub runs"
    yield "author: The r2d-action developers"
    yield "branding:"
    yield "  icon: package"
    yield "  color: orange"
    yield "inputs:"
    for name, entry in table():
        yield f"  {name.upper()}:"
        yield f"    description: {_quoted(_plain(_described(entry)))}"
        yield "    required: false"
    yield "outputs:"
    for output in OUTPUTS:
        yield f"  {output.name}:"
        yield f"    description: {_quoted(_plain(output.summary))}"
        yield f"    value: ${{{{ steps.run.outputs.{output.name} }}}}"
    yield "runs:"
    yield "  using: composite"
    yield "  steps:"
    yield "    - id: run"
    yield "      shell: bash"
    yield "      env:"
    for name, _ in table():
        yield f"        {ENV_PREFIX}{name.upper()}: ${{{{ inputs.{name.upper()} }}}}"
    yield '      run: python3 -I "$GITHUB_ACTION_PATH/bin/r2d-action" run > /dev/null'


def _described(entry: Entry) -> str:
    return f"{entry.summary} Default: {entry.default}." if entry.default else entry.summary


def _plain(text: str) -> str:
    return text.replace("`", "")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def inputs_and_outputs() -> str:
    lines = ["# Inputs and outputs", "", f"<!-- {GENERATED} -->"]
    lines += ["", "## Inputs", "", "All are optional. An empty value is the default."]
    for section in SECTIONS:
        lines += ["", f"### {section}", "", "| Input | What it does | Default | Example |"]
        lines += ["|---|---|---|---|", *_input_rows(section)]
    lines += ["", "## Outputs", "", "| Output | What it is |", "|---|---|"]
    lines += [f"| `{output.name}` | {output.summary} |" for output in OUTPUTS]
    return "\n".join(lines) + "\n"


def _input_rows(section: str) -> Iterator[str]:
    for name, entry in table():
        if entry.section == section:
            default = f"`{entry.default}`" if entry.default else ""
            yield f"| `{name.upper()}` | {entry.summary} | {default} | `{entry.example}` |"


def commands() -> str:
    lines = [
        "# The command `r2d-action`",
        "",
        f"<!-- {GENERATED} -->",
        "",
        *_help(cli, "r2d-action"),
    ]
    context = click.Context(cli)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        if command:
            lines += ["", f"## `{name}`", "", *_help(command, f"r2d-action {name}")]
    return "\n".join(lines) + "\n"


def _help(command: click.Command, name: str) -> Iterator[str]:
    # The width is ours: a terminal's would make the file another one on each machine.
    context = click.Context(command, info_name=name, terminal_width=96, max_content_width=96)
    yield "```text"
    yield from (line.rstrip() for line in command.get_help(context).splitlines())
    yield "```"


def doctor_rules() -> str:
    return rules_page(GENERATED)


FILES = {
    "action.yml": action_yml,
    "docs/reference/inputs-and-outputs.md": inputs_and_outputs,
    "docs/reference/commands.md": commands,
    "docs/reference/doctor.md": doctor_rules,
    "docs/reference/workflows.md": reference,
    **{name: workflow(name) for name in WORKFLOWS},
}


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail when a file is not up to date.")
def main(check: bool) -> None:
    """Write what follows from the tables: action.yml and the reference in docs/."""
    stale = []
    for name, make in FILES.items():
        path, text = ROOT / name, make()
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if check and stale:
        raise click.ClickException(f"not up to date: {', '.join(stale)}; run script/generate")


if __name__ == "__main__":
    main()
