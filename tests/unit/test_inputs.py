from __future__ import annotations

import pytest

from r2d_action.errors import InputError
from r2d_action.inputs import nearest_input, read_inputs, table, unknown_inputs


@pytest.mark.parametrize("text", ["true", "TRUE", "Yes", "on", "1", " true "])
def test_words_for_true(text: str) -> None:
    assert read_inputs({"R2D_NO_PUSH": text}).no_push is True


@pytest.mark.parametrize("text", ["false", "False", "no", "OFF", "0", "", "  "])
def test_words_for_false(text: str) -> None:
    assert read_inputs({"R2D_NO_PUSH": text}).no_push is False


def test_an_odd_flag_is_refused_with_its_name_and_a_value_that_works() -> None:
    with pytest.raises(InputError) as caught:
        read_inputs({"R2D_NO_PUSH": "maybe"})
    assert "NO_PUSH: 'maybe'" in caught.value.what
    assert "`NO_PUSH: true`" in caught.value.what


@pytest.mark.parametrize(
    ("text", "value"), [("", "auto"), ("Auto", "auto"), ("yes", "true"), ("0", "false")]
)
def test_the_start_check_has_three_values(text: str, value: str) -> None:
    assert read_inputs({"R2D_HUB_START_CHECK": text}).hub_start_check == value


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("30m", 1800), ("1.5 H", 5400), ("", 1800)]
)
def test_lengths_of_time(text: str, seconds: float) -> None:
    assert read_inputs({"R2D_CHECK_TIMEOUT": text}).check_timeout == seconds


@pytest.mark.parametrize("text", ["0", "soon", "-5m", "5d"])
def test_an_odd_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="CHECK_TIMEOUT"):
        read_inputs({"R2D_CHECK_TIMEOUT": text})


def test_tags_are_separated_by_spaces_commas_or_lines() -> None:
    tags = read_inputs({"R2D_TAGS": "a, b\n{date}  c"}).tags
    assert tags == ("a", "b", "{date}", "c")


def test_every_input_has_the_default_that_the_table_shows() -> None:
    shown = {f"R2D_{name.upper()}": entry.default for name, entry in table()}
    without = read_inputs({})
    for name, _ in table():
        if name != "latest_tag_off":  # None tells that nobody wrote it
            assert getattr(read_inputs(shown), name) == getattr(without, name), name


def test_every_example_of_the_table_can_be_read() -> None:
    for name, entry in table():
        assert entry.example, name
        read_inputs({f"R2D_{name.upper()}": entry.example})


def test_all_inputs_of_the_old_action_are_there() -> None:
    ours = {name.upper() for name, _ in table()}
    assert ours >= {
        "DOCKER_USERNAME", "DOCKER_PASSWORD", "DOCKER_REGISTRY", "IMAGE_NAME", "NOTEBOOK_USER",
        "REPO_DIR", "APPENDIX_FILE", "LATEST_TAG_OFF", "ADDITIONAL_TAG", "NO_PUSH", "BINDER_CACHE",
        "COMMIT_MSG", "NO_GIT_PUSH", "MYBINDERORG_TAG", "PUBLIC_REGISTRY_CHECK",
        "REPO2DOCKER_EXTRA_ARGS", "FORCE_REPO2DOCKER_VERSION", "EXTRA_PIP_INSTALL",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("MYBINDERORG_CACHE", "BINDER_CACHE"),
        ("SOURCE_SUBDIR", "SUBDIR"),
        ("DOCKER_PASSWD", "DOCKER_PASSWORD"),
        ("image-name", "IMAGE_NAME"),
        ("ZZZ", None),
        ("status", None),
    ],
)
def test_a_misspelt_input_has_a_neighbour(written: str, meant: str | None) -> None:
    assert nearest_input(written) == meant


def test_the_case_of_an_input_does_not_matter() -> None:
    assert unknown_inputs(["Image_Name", "no_push", "SOURCE_SUBDIR"]) == ("SOURCE_SUBDIR",)


def test_the_password_is_the_only_secret() -> None:
    inputs = read_inputs({"R2D_DOCKER_PASSWORD": "hunter22", "R2D_DOCKER_USERNAME": "robot"})
    assert inputs.secrets == ("hunter22",)


@pytest.mark.parametrize(
    ("given", "secrets"),
    [
        ("git+https://0123456789@github.com/o/r", ("0123456789",)),
        ("git+https://x-access-token:0123456789@h/r@main a==1", ("0123456789",)),
        ("--extra-index-url=https://user:0123456789@h/simple", ("0123456789",)),
        ("git+ssh://git@github.com/o/r a@https://h/x@1", ()),
        ("git+https://git@github.com/o/r", ()),
    ],
)
@pytest.mark.parametrize("name", ["FORCE_REPO2DOCKER_VERSION", "EXTRA_PIP_INSTALL"])
def test_a_password_in_an_address_is_a_secret(
    name: str, given: str, secrets: tuple[str, ...]
) -> None:
    assert read_inputs({f"R2D_{name}": given}).secrets == secrets
