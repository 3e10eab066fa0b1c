from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from r2d_action.errors import Place
from r2d_action.runner import ActionsFiles, Redactor, Runner


def runner(*secrets: str, actions: bool = True) -> tuple[Runner, io.StringIO]:
    stream = io.StringIO()
    return Runner(actions=actions, redact=Redactor.of(*secrets), stream=stream), stream


@pytest.mark.parametrize(
    "said",
    [
        "password hunter22 end",
        "user:" + "aHVudGVyMjI=",
        json.dumps({"password": "hunter22"}),
    ],
)
def test_a_secret_is_never_said_in_any_form(said: str) -> None:
    speaker, stream = runner("hunter22")
    speaker.say(said)
    speaker.error(said, title=said, place=Place("file", 1))
    assert "hunter22" not in stream.getvalue()
    assert "aHVudGVyMjI=" not in stream.getvalue()


def test_each_line_of_a_long_secret_is_blanked_out() -> None:
    speaker, stream = runner('{\n  "private_key": "abcdef"\n}')
    speaker.say('  "private_key": "abcdef"')
    assert "abcdef" not in stream.getvalue()


def test_short_text_is_not_taken_for_a_secret() -> None:
    speaker, stream = runner("a\n{\nlonger")
    speaker.say("a { b }")
    assert stream.getvalue() == "a { b }\n"


def test_an_annotation_keeps_its_lines_and_place() -> None:
    speaker, stream = runner()
    speaker.error("50% done\nthen: stop", title="a, b: c", place=Place("environment.yml", 7))
    assert stream.getvalue() == (
        "::error title=a%2C b%3A c,file=environment.yml,line=7::50%25 done%0Athen: stop\n"
    )


def test_output_of_a_build_gives_no_commands() -> None:
    speaker, stream = runner()
    speaker.say("::set-output name=x::y\n  ::error::no\n##[group]z\nfine :: here")
    lines = stream.getvalue().splitlines()
    assert lines[-1] == "fine :: here"
    assert not any(line.lstrip().startswith("::") or "##[" in line for line in lines)


def test_a_group_is_closed_after_an_error() -> None:
    speaker, stream = runner()
    with pytest.raises(ValueError, match="inside"), speaker.group("Build"):
        raise ValueError("inside")
    assert stream.getvalue() == "::group::Build\n::endgroup::\n"


def test_a_person_at_a_terminal_sees_no_commands() -> None:
    speaker, stream = runner(actions=False)
    with speaker.group("Build"):
        speaker.warning("careful", place=Place("Dockerfile", 3))
    speaker.mask("hunter22")
    assert "::" not in stream.getvalue()
    assert "warning: Dockerfile, line 3: careful" in stream.getvalue()


def test_outputs_of_several_lines_come_back_whole(tmp_path: Path) -> None:
    file = tmp_path / "output"
    speaker = Runner(actions=True, files=ActionsFiles(output=file))
    speaker.set_outputs({"A": "1\nEOF\n2", "B": ""})
    head, *rest = file.read_text().splitlines()
    name, _, delimiter = head.partition("<<")
    assert (name, rest[:4]) == ("A", ["1", "EOF", "2", delimiter])
    assert rest[4].startswith("B<<")


def test_a_mask_covers_every_line() -> None:
    speaker, stream = runner()
    speaker.mask("first line\nsecond\n}")
    assert stream.getvalue() == "::add-mask::first line\n::add-mask::second\n"
