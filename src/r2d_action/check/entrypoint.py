"""Why what an image starts with does not run the command that it is given. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import PurePosixPath

EXEC_LINE = 'exec "$@"'
# What a shell answers for a command that it may not run, or that does not exist.
CANNOT_RUN = (126, 127)


class Fault(Enum):
    MISSING = "missing"
    FORBIDDEN = "forbidden"
    NO_INTERPRETER = "no interpreter"
    NO_PROGRAM = "no program"
    NO_USER = "no user"


@dataclass(frozen=True, slots=True)
class Refusal:
    """``name`` is the program's or the user's, as the image writes it."""

    fault: Fault
    name: str


@dataclass(frozen=True, slots=True)
class Advice:
    """``explanation`` is a whole sentence, and so is ``remedy``."""

    explanation: str
    remedy: str


# The words of runc (in quotes) and of crun (in back quotes) before a container begins, and last
# those of runc when the kernel refuses what was found.
# https://github.com/opencontainers/runc/blob/main/libcontainer/standard_init_linux.go
# https://github.com/containers/crun/blob/main/src/libcrun/container.c
_FORMS = (
    (Fault.NO_USER, r"unable to find (?:user|group) ([^\s:]+): no matching entries"),
    (Fault.MISSING, r'exec: "([^"]+)": .*(?:not found|no such file)'),
    (Fault.MISSING, r"executable file `([^`]+)` not found"),
    (Fault.FORBIDDEN, r'exec: "([^"]+)": .*(?:permission denied|is a directory)'),
    (Fault.FORBIDDEN, r"^exec (/\S+): permission denied"),
    (Fault.NO_INTERPRETER, r"^exec (/\S+): no such file"),
    (Fault.NO_PROGRAM, r"^exec (/\S+): exec format error"),
    # Of programs that start others, such as Python and tini.
    (Fault.NO_PROGRAM, r"exec format error: '([^']+)'"),
)
FORMS = tuple((fault, re.compile(form, re.IGNORECASE)) for fault, form in _FORMS)
SHELLS = frozenset(("sh", "bash", "dash", "zsh", "ksh", "ash"))
TAKES_A_SCRIPT = re.compile(r"-[a-z]*c")
FIRST_WORD = re.compile(r"\$\{?0")


def read_refusal(words: str) -> Refusal | None:
    """What one line of the engine's or of the container's says, if it is of this kind."""
    found = ((fault, form.search(words)) for fault, form in FORMS)
    return next((Refusal(fault, match[1]) for fault, match in found if match), None)


def advice_on(refusal: Refusal) -> Advice:
    return ADVICE[refusal.fault](refusal.name)


def _missing(name: str) -> Advice:
    return Advice(
        f"The image's ENTRYPOINT is to run {name}, which the image does not have.",
        "Correct ENTRYPOINT in the Dockerfile, or "
        + ("COPY that file into the image." if "/" in name else f"install {name} in a RUN line."),
    )


def _forbidden(name: str) -> Advice:
    return Advice(
        f"The image's ENTRYPOINT is to run {name}, and its user may not run that file.",
        f"Add `RUN chmod a+rx {name}` to the Dockerfile, before its USER line.",
    )


def no_interpreter(name: str, first_line: str = "") -> Advice:
    """``first_line`` is the script's, as far as it is known."""
    if first_line.endswith("\r"):
        return windows_line_ends(name)
    program = f": {first_line[2:].strip()}" if first_line else ""
    windows = "" if first_line else ", and save it with the line ends of Unix, not of Windows"
    return Advice(
        f"The first line of {name} names a program that the image does not have{program}.",
        f"If it is a script of yours, correct that line{windows}; if it was moved or copied from "
        "another folder, install it anew.",
    )


def windows_line_ends(name: str) -> Advice:
    return Advice(
        f"{name} was saved with the line ends of Windows, which Linux takes for a part of "
        "each command.",
        "Save it with the line ends of Unix (LF); git keeps them with the line "
        f"`{PurePosixPath(name).name} text eol=lf` in a file named .gitattributes.",
    )


def _no_program(name: str) -> Advice:
    return Advice(
        f"The image is to run {name}, which is neither a script with a first line such as "
        "#!/bin/bash nor a program for this machine's processor.",
        "Add that first line to a script; a program has to be the one for the processor that the "
        "image is built for.",
    )


def _no_user(name: str) -> Advice:
    return Advice(
        f"The Dockerfile ends with `USER {name}`, whom the image does not know.",
        f"Add `RUN useradd --create-home {name}` to the Dockerfile, before its USER line.",
    )


ADVICE = {
    Fault.MISSING: _missing,
    Fault.FORBIDDEN: _forbidden,
    Fault.NO_INTERPRETER: no_interpreter,
    Fault.NO_PROGRAM: _no_program,
    Fault.NO_USER: _no_user,
}


def command_lost(entrypoint: Sequence[str]) -> Advice | None:
    """On an entrypoint that is one shell script and drops its command.

    A shell takes the first word behind a script for the script's own name.
    https://docs.docker.com/reference/dockerfile/#entrypoint
    """
    if len(entrypoint) < 3 or PurePosixPath(entrypoint[-3]).name not in SHELLS:
        return None
    script = entrypoint[-1]
    if not TAKES_A_SCRIPT.fullmatch(entrypoint[-2]) or FIRST_WORD.search(script):
        return None
    return Advice(
        f"The image's ENTRYPOINT, `{script}`, is run by a shell that drops the command which the "
        "image is given.",
        f"Write it in CMD instead, or as a script that ends with {EXEC_LINE} and is named in "
        'brackets: ENTRYPOINT ["/srv/entrypoint"].',
    )
