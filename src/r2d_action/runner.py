"""All that is said to the person who watches, and to the Actions runner.

Talk goes to standard error: the runner reads its commands there as well, and
standard output stays free for the product (JSON).
https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

import base64
import json
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TextIO

from r2d_action.errors import Place

REDACTED = "***"
# Anything shorter would blank out innocent text, and is no secret.
SHORTEST_SECRET = 4


@dataclass(frozen=True, slots=True)
class Redactor:
    """Blanks out secrets in every form in which a tool of ours might print them."""

    _forms: list[str] = field(default_factory=list, repr=False)

    @classmethod
    def of(cls, *values: str) -> Redactor:
        redactor = cls()
        for value in values:
            redactor.learn(value)
        return redactor

    def learn(self, value: str) -> None:
        """A secret that comes up during a run: a token that was exchanged for another one."""
        forms = {*self._forms, *_printable_forms(value)}
        # Longest first: a secret may contain another one.
        self._forms[:] = sorted(forms, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for form in self._forms:
            text = text.replace(form, REDACTED)
        return text


def _printable_forms(value: str) -> Iterator[str]:
    candidates = [value, *value.splitlines()]
    candidates.append(json.dumps(value)[1:-1])
    candidates.append(base64.b64encode(value.encode()).decode())
    for candidate in candidates:
        stripped = candidate.strip()
        if len(stripped) >= SHORTEST_SECRET:
            yield stripped


@dataclass(frozen=True, slots=True)
class ActionsFiles:
    """The files through which a step hands results to the runner."""

    output: Path | None = None
    summary: Path | None = None


class Screen(Protocol):
    """A terminal that shows more than one line after the other; without secrets, as a stream."""

    def say(self, line: str, *, stays: bool) -> None:
        """``stays``: it has to be seen, also by who looks only at the end."""

    def group(self, title: str) -> AbstractContextManager[None]: ...


@dataclass(frozen=True, slots=True)
class Runner:
    """Speaks to a terminal, or to the Actions runner when ``actions`` is true."""

    actions: bool = False
    files: ActionsFiles = field(default_factory=ActionsFiles)
    redact: Redactor = field(default_factory=Redactor)
    stream: TextIO = field(default_factory=lambda: sys.stderr)
    _screens: list[Screen] = field(default_factory=list, repr=False)

    def say(self, text: str) -> None:
        """One or more lines; what looks like a workflow command is made harmless."""
        self._say(text)

    @contextmanager
    def shown_on(self, screen: Screen) -> Iterator[None]:
        """Speaks to ``screen`` instead of the stream."""
        self._screens.append(screen)
        try:
            yield
        finally:
            self._screens.remove(screen)

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        """A foldable part of the log. Groups do not nest."""
        if self._screens:
            with self._screens[-1].group(self.redact(title)):
                yield
            return
        if self.actions:
            self._command("group", title)
        else:
            self._write(f"── {self.redact(title)}")
        try:
            yield
        finally:
            if self.actions:
                self._write("::endgroup::")

    def mask(self, secret: str) -> None:
        """Blank out ``secret`` in all that is said from now on, by the runner as well."""
        self.redact.learn(secret)
        if self.actions:
            for line in secret.splitlines():
                if len(line.strip()) >= SHORTEST_SECRET:
                    self._write(f"::add-mask::{_escaped(line)}")

    def notice(self, text: str, *, title: str = "", place: Place | None = None) -> None:
        self._annotate("notice", text, title, place)

    def warning(self, text: str, *, title: str = "", place: Place | None = None) -> None:
        self._annotate("warning", text, title, place)

    def error(self, text: str, *, title: str = "", place: Place | None = None) -> None:
        self._annotate("error", text, title, place)

    def set_outputs(self, outputs: Mapping[str, str]) -> None:
        if self.files.output is not None:
            blocks = "".join(_output_block(name, value) for name, value in outputs.items())
            _append(self.files.output, blocks)

    def summarize(self, markdown: str) -> None:
        """Add to the page that GitHub shows for the job."""
        if self.files.summary is not None:
            _append(self.files.summary, self.redact(markdown) + "\n")

    def _annotate(self, level: str, text: str, title: str, place: Place | None) -> None:
        if not self.actions:
            where = f"{place}: " if place else ""
            self._say(f"{level}: {where}{text}", stays=True)
            return
        properties = {"title": title}
        if place:
            properties |= {"file": place.path, "line": str(place.line or 1)}
        self._command(level, text, **properties)

    def _say(self, text: str, *, stays: bool = False) -> None:
        for line in self.redact(text).splitlines() or [""]:
            if self._screens:
                self._screens[-1].say(line, stays=stays)
            else:
                self._write(_defused(line) if self.actions else line)

    def _command(self, name: str, value: str, **properties: str) -> None:
        listed = ",".join(
            f"{key}={_escaped_property(self.redact(item))}"
            for key, item in properties.items()
            if item
        )
        head = f"::{name} {listed}" if listed else f"::{name}"
        self._write(f"{head}::{_escaped(self.redact(value))}")

    def _write(self, line: str) -> None:
        print(line, file=self.stream, flush=True)


def _escaped(text: str) -> str:
    """Percent-escapes as the runner undoes them."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escaped_property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


def _defused(line: str) -> str:
    """A build's own output must not give commands to the runner."""
    stripped = line.lstrip()
    if stripped.startswith("::") or "##[" in line:
        return line.replace("::", ": :", 1).replace("##[", "# #[")
    return line


def _output_block(name: str, value: str) -> str:
    delimiter = f"r2d_{secrets.token_hex(16)}"
    return f"{name}<<{delimiter}\n{value}\n{delimiter}\n"


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)
