from __future__ import annotations

import pytest

from r2d_action.check.entrypoint import (
    Fault,
    Refusal,
    advice_on,
    command_lost,
    no_interpreter,
    read_refusal,
)


@pytest.mark.parametrize(
    ("words", "fault", "name"),
    [
        ('exec: "tini": executable file not found in $PATH', Fault.MISSING, "tini"),
        ('exec: "/srv/e": stat /srv/e: no such file or directory', Fault.MISSING, "/srv/e"),
        ("executable file `tini` not found in $PATH: No such file", Fault.MISSING, "tini"),
        ('exec: "/srv/e": permission denied', Fault.FORBIDDEN, "/srv/e"),
        ('exec: "/srv": is a directory', Fault.FORBIDDEN, "/srv"),
        ("exec /srv/e: permission denied", Fault.FORBIDDEN, "/srv/e"),
        ("exec /srv/e: no such file or directory", Fault.NO_INTERPRETER, "/srv/e"),
        ("exec /srv/e: exec format error", Fault.NO_PROGRAM, "/srv/e"),
        ("OSError: [Errno 8] Exec format error: '/srv/e'", Fault.NO_PROGRAM, "/srv/e"),
        ("unable to find user me: no matching entries in passwd file", Fault.NO_USER, "me"),
    ],
)
def test_refusals_are_told_apart(words: str, fault: Fault, name: str) -> None:
    assert read_refusal(words) == Refusal(fault, name)
    advice = advice_on(Refusal(fault, name))
    assert name in advice.explanation
    assert advice.remedy


def test_other_words_are_no_refusal() -> None:
    for words in ("", "exec: x: not found", "mkdir: /srv: permission denied"):
        assert read_refusal(words) is None


def test_a_file_is_copied_and_a_program_installed() -> None:
    assert "COPY" in advice_on(Refusal(Fault.MISSING, "/srv/entry")).remedy
    assert "install tini" in advice_on(Refusal(Fault.MISSING, "tini")).remedy


def test_what_is_known_of_a_first_line_is_told() -> None:
    assert "Windows" in no_interpreter("/srv/start", "#!/bin/bash\r").explanation
    assert "have: /opt/x/python -u." in no_interpreter("/x", "#!/opt/x/python -u").explanation
    assert "Windows" in no_interpreter("/srv/start").remedy


@pytest.mark.parametrize(
    ("entrypoint", "lost"),
    [
        (["/bin/sh", "-c", "jupyter lab"], True),
        (["/bin/bash", "-lc", "jupyter lab"], True),
        (["bash", "-c", 'exec "$@"'], True),
        (["tini", "--", "bash", "-c", 'exec "$@"'], True),
        (["bash", "-c", 'exec "$@"', "entry"], False),
        (["sh", "-c", 'exec "$0" "$@"'], False),
        (["sh", "-c", 'exec "${0}" "$@"'], False),
        (["python3", "-c", "serve()"], False),
        (["bash", "-x", "/srv/entry"], False),
        (["-c", "x"], False),
        ([], False),
    ],
)
def test_a_shell_that_drops_the_command_is_known(entrypoint: list[str], lost: bool) -> None:
    advice = command_lost(entrypoint)
    assert bool(advice) is lost
    assert advice is None or f"`{entrypoint[-1]}`" in advice.explanation
