"""The console script: stops become exceptions, errors exit codes."""

from __future__ import annotations

import signal
import sys
import traceback
from types import FrameType
from typing import NoReturn

import click

from r2d_action.cli.group import cli
from r2d_action.cli.talk import refuse, tell_bug
from r2d_action.errors import UserError

__all__ = ["cli", "main"]

BUG_EXIT_CODE = 70
INTERRUPTED_EXIT_CODE = 130
TERMINATED_EXIT_CODE = 143
STOPS = (signal.SIGINT, signal.SIGTERM)


def main() -> NoReturn:
    for stop in STOPS:
        signal.signal(stop, stopped)
    try:
        cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except UserError as error:
        refuse(error)
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(INTERRUPTED_EXIT_CODE)
    except Exception:  # noqa: BLE001 - whatever is left is a bug of ours
        tell_bug(traceback.format_exc())
        sys.exit(BUG_EXIT_CODE)
    sys.exit(0)


def stopped(signum: int, _frame: FrameType | None) -> NoReturn:
    """A stop becomes an exception, so that containers and commands end with us."""
    # A runner asks more than once, and must not break off the clearing up.
    for stop in STOPS:
        signal.signal(stop, signal.SIG_IGN)
    if signum == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(TERMINATED_EXIT_CODE)
