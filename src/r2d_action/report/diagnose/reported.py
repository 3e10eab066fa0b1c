"""The line that a shell or Python names itself, or that ``set -x`` showed last."""

from __future__ import annotations

import difflib
import posixpath
import re

from r2d_action.errors import Place
from r2d_action.report.diagnose.passage import Passage, passages
from r2d_action.report.diagnose.sources import Sources
from r2d_action.report.diagnose.stream import Stream

# What Python installs is nobody's file here, whatever its name.
_FRAME = re.compile(r"File \"(?!.*(?:/lib/python|-packages/))(/[^\"]+)\", line (\d+)")
# https://docs.docker.com/reference/dockerfile/#here-documents
_BLOCK = re.compile(r"<<-?\s*[\"']?\w+[\"']?")
_SHELL = re.compile(r"^/bin/\w*sh: (?:line )?(\d+): ")
_READER = re.compile(
    r"File \"(?:<stdin>|/dev/pipes/\w+)\", line (\d+)"
    r"|^(?:/dev/pipes/\w+|\w*sh): (?:line )?(\d+): "
)
_TRACED = re.compile(r"\++ (.+)")
_JOINTS = re.compile(r"^(?:RUN\s+)?(?:&&|\|\||;|\s)*|(?:&&|\|\||;|\\|\s)*$")
LIKENESS = 0.5


def reported_place(stream: Stream, sources: Sources) -> Place | None:
    """Where a failed command stands, if anything was said of that."""
    found = passages(stream, sources)
    for script in scripts_in(found):
        if place := _named_line(script, stream) or _traced_line(script, stream):
            return place
    if place := _innermost_frame(stream, sources):
        return place
    written = next((one for one in found if one.first is not None), None)
    return (_line_of_block(written, stream) or _traced_line(written, stream)) if written else None


def last_traced(stream: Stream) -> str:
    """The last command that ``set -x`` showed."""
    shown = [match[1] for line in stream.evidence if (match := _TRACED.match(line))]
    return shown[-1] if shown else ""


def scripts_in(found: tuple[Passage, ...]) -> list[Passage]:
    """The scripts that the failed step runs."""
    return [passage for passage in found if _is_script(passage)]


def _is_script(found: Passage) -> bool:
    name = posixpath.basename(found.file.path)
    named = name in {"postBuild", "start"} or name.endswith((".sh", ".bash"))
    return found.first is None and (named or found.file.text.startswith("#!"))


def _named_line(script: Passage, stream: Stream) -> Place | None:
    end = re.escape(posixpath.basename(script.file.path))
    pattern = re.compile(rf"(?:^|[/ ]){end}: (?:line )?(\d+): |File \"[^\"]*{end}\", line (\d+)")
    matches = stream.find_all(pattern)
    return script.at(int((matches[-1][1] or matches[-1][2])[:9])) if matches else None


def _innermost_frame(stream: Stream, sources: Sources) -> Place | None:
    """The last line of a traceback that is in one of the user's files."""
    for match in reversed(stream.find_all(_FRAME)):
        path = posixpath.normpath(match[1])
        ours = [name for name in sources.files if path.endswith(f"/{name}")]
        if ours and (file := sources.file(max(ours, key=len))):
            return file.at(int(match[2][:9]))
    return None


def _line_of_block(written: Passage, stream: Stream) -> Place | None:
    lines = written.lines
    opened = next((n for n, line in enumerate(lines) if _BLOCK.search(line)), None)
    if opened is None:
        return None
    matches = stream.find_all(_READER)
    # Without a command of its own, a block is what the shell itself reads.
    if not matches and _JOINTS.sub("", _BLOCK.sub("", lines[opened])) == "":
        matches = stream.find_all(_SHELL)
    found = next((group for match in matches[-1:] for group in match.groups() if group), "0")
    number = int(found[:9])
    return written.at(opened + 1 + number) if 0 < number < len(lines) - opened else None


def _traced_line(written: Passage, stream: Stream) -> Place | None:
    """The line most like the last one that was shown, in which variables are filled in."""
    shown = last_traced(stream)
    commands = [_JOINTS.sub("", line) for line in written.lines]
    near = difflib.get_close_matches(shown, [one for one in commands if one], 1, LIKENESS)
    return written.at(commands.index(near[0]) + 1) if shown and near else None
