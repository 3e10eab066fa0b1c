"""The group that all commands belong to, and the options that several of them share."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TypeVar

import click

from r2d_action import __version__
from r2d_action.errors import InputError
from r2d_action.inputs import ENV_PREFIX, Entry, table
from r2d_action.reference import InvalidReference, Reference

# The commands by the module of this folder that has them.
MODULES = {
    "binderhub": ("prebuild",),
    "comment": ("comment",),
    "doctor": ("doctor",),
    "hub": ("update-hub",),
    "hub_server": ("configure-hub", "rollback-hub", "verify-hub"),
    "images": ("base-images", "images"),
    "init": ("init",),
    "packages": ("compare-packages", "lock", "packages"),
    "registry": ("login", "retag"),
    "walks": ("build", "check", "plan", "publish", "run"),
}
MODULE_OF = {name: module for module, names in MODULES.items() for name in names}

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
Command = TypeVar("Command", bound=Callable[..., None])


def input_options(command: Command) -> Command:
    """The options that the table of inputs has for a person. A secret is no option: what is
    on a command line can be read by everybody on the machine."""
    for name, entry in reversed(tuple(table())):
        if not entry.secret:
            command = _option(name, entry)(command)
    return command


def _option(name: str, entry: Entry) -> Callable[[Command], Command]:
    return click.option(
        f"--{name.replace('_', '-')}",
        metavar=entry.kind.upper(),
        help=f"{entry.summary} [{ENV_PREFIX}{name.upper()}]",
    )


def read_reference(text: str) -> Reference:
    """Raises :class:`InputError`."""
    try:
        return Reference.parse(text)
    except InvalidReference as reason:
        raise InputError(
            f"{reason}; write for example `quay.io/org/image:0123456789ab`."
        ) from reason


class Commands(click.Group):
    """A command's module is imported when the command is called: a run needs one of many."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return sorted(MODULE_OF)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in MODULE_OF:
            import_module(f"r2d_action.cli.{MODULE_OF[cmd_name]}")
        return super().get_command(ctx, cmd_name)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__)
def cli() -> None:
    """Turn a repository into the image that a JupyterHub runs.

    Results are JSON on standard output (at a terminal: with --json); everything else is said on
    standard error.
    Passwords are read from the environment (R2D_DOCKER_PASSWORD), never from options.
    """
