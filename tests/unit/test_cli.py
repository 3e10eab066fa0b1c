from __future__ import annotations

from importlib import import_module

import click
import pytest

from r2d_action.cli.group import MODULE_OF, MODULES, cli


@pytest.mark.parametrize("name", MODULE_OF)
def test_every_command_is_in_the_module_that_the_table_names(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.callback is not None
    assert command.callback.__module__ == f"r2d_action.cli.{MODULE_OF[name]}"


def test_the_table_names_every_command() -> None:
    for module in MODULES:
        import_module(f"r2d_action.cli.{module}")
    assert set(cli.commands) == set(MODULE_OF)
