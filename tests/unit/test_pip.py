"""Where passwords go that stand among the arguments of pip."""

from __future__ import annotations

from pathlib import Path

import pytest

from r2d_action.pip import as_settings, without_passwords


@pytest.mark.parametrize("proxy", ["http://me:word@host:3128", "me:word@host:3128", "host:3128"])
@pytest.mark.parametrize("form", ["--proxy={}", "--proxy {}"])
def test_a_proxy_is_a_setting(form: str, proxy: str) -> None:
    words = ["a==1", *form.format(proxy).split(), "--pre", "b"]
    assert as_settings(words) == (["a==1", "--pre", "b"], {"PIP_PROXY": proxy})


@pytest.mark.parametrize(
    "form", ["-i {}", "-i{}", "--index-url {}", "--index-url={}", "--pypi-url {}", "--pypi-url={}"]
)
def test_an_index_with_a_password_is_a_setting(form: str) -> None:
    secret, plain = "https://me:word@host/simple", "https://host/simple"
    assert as_settings([*form.format(secret).split(), "a"]) == (["a"], {"PIP_INDEX_URL": secret})
    words = [*form.format(plain).split(), "a"]
    assert as_settings(words) == (words, {})


def test_the_last_of_several_counts_as_it_does_for_pip() -> None:
    words = ["-i", "https://a@host/1", "--index-url=https://b@host/2"]
    assert as_settings(words) == ([], {"PIP_INDEX_URL": "https://b@host/2"})


@pytest.mark.parametrize(
    "option",
    [
        "-c", "--constraint", "-e", "--editable", "--extra-index-url", "-f", "--find-links", "-r",
        "--requirement",
    ],
)  # fmt: skip
@pytest.mark.parametrize("glue", [" ", "="])
def test_what_a_file_of_requirements_takes_goes_into_one(
    tmp_path: Path, option: str, glue: str
) -> None:
    glue = "" if glue == "=" and not option.startswith("--") else glue
    written = f"{option}{glue}https://me:word@host/place"
    assert as_settings(written.split()) == (written.split(), {})
    file = tmp_path / "requirements.txt"
    assert without_passwords([*written.split(), "a"], tmp_path) == ["a", "--requirement", str(file)]
    assert file.read_text() == written
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "words",
    [
        ["-r", "own.txt", "-cown.txt", "--constraint=own.txt"],
        ["--find-links", "./my wheels", "-e", "."],
        ["--cert", "me.pem", "--trusted-host", "host", "-v", "--no-index"],
        ["a", "-r"],
        [],
    ],
)
def test_words_without_a_password_stay_as_they_are(tmp_path: Path, words: list[str]) -> None:
    assert as_settings(words) == (words, {})
    assert without_passwords(words, tmp_path) == words
    assert not list(tmp_path.iterdir())
