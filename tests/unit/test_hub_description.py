from __future__ import annotations

import pytest

from r2d_action.hub.description import Facts, body, commit_message, title
from r2d_action.hub.rolling import Mark, Wish
from r2d_action.hub.target import Source, Target
from r2d_action.hub.values import Change, FileEdit, NewImage
from r2d_action.reference import Repository, Tag

IMAGE = Repository.parse("quay.io/org/user-image")
OLD, NEW = "0000000aaaaa", "1111111bbbbb"
SOURCE = Source(
    commit=NEW + "0" * 28,
    url="https://github.com/org/image",
    created="2026-11-20T08:00:00Z",
    run_url="https://github.com/org/image/actions/runs/1",
    pull_request=12,
)


def file_edit(path: str = "config/hub.yaml", **change: object) -> FileEdit:
    values = {"path": path, "selector": "singleuser.image", "old": OLD, "new": NEW} | change
    return FileEdit(path, b"before", b"after", (Change(**values),))  # type: ignore[arg-type]


def wish(*edits: FileEdit, source: Source = SOURCE, going_back: bool = False) -> Wish:
    image = NewImage(IMAGE, Tag(NEW))
    return Wish(image=image, source=source, edits=edits or (file_edit(),), going_back=going_back)


def test_the_title_names_the_place_that_the_files_share() -> None:
    assert title(wish()) == f"Update user-image to {NEW} in config/hub.yaml"
    several = wish(file_edit("config/a/x.yaml"), file_edit("config/b/x.yaml"))
    assert title(several) == f"Update user-image to {NEW} in config"
    assert title(wish(file_edit("a.yaml"), file_edit("b.yaml"))) == f"Update user-image to {NEW}"


def test_what_a_commit_says_about_itself_is_read_back() -> None:
    message = commit_message(wish())
    assert Mark.parse(f"{message.headline}\n\n{message.body}") == wish().mark
    assert Mark.parse(f"{message.headline}\r\n\r\n{message.body}".replace("\n", "\r\n"))
    assert Mark.parse("Merge branch 'main'") is None


def test_an_unknown_source_is_read_back_as_unknown() -> None:
    bare = wish(source=Source())
    assert Mark.parse(commit_message(bare).body) == bare.mark
    assert bare.mark.commit == ""


def test_the_commit_names_source_and_run_and_calls_nobody() -> None:
    message = commit_message(wish(file_edit(selector="profiles[@casey]")))
    assert f"Source-Commit: https://github.com/org/image/commit/{NEW}" in message.body
    assert "Source-Run: https://github.com/org/image/actions/runs/1" in message.body
    assert "@" not in message.body


def test_every_place_stands_with_its_reference_before_and_after() -> None:
    text = body(wish(), Facts())
    row = (
        f"| `config/hub.yaml` | `singleuser.image` | `quay.io/org/user-image:{OLD}` "
        f"| `quay.io/org/user-image:{NEW}` |"
    )
    assert row in text


def test_a_pinned_digest_is_shown_as_it_stands() -> None:
    assert "`quay.io/org/user-image@sha256:12`" in body(wish(file_edit(old="@sha256:12")), Facts())


def test_profiles_that_change_by_an_alias_are_listed() -> None:
    text = body(wish(file_edit(aliases=("profileList[GPU].image",))), Facts())
    assert "by its YAML alias `profileList[GPU].image`" in text


@pytest.mark.parametrize(
    ("selector", "shown"),
    [
        ("a|b", r"`a\|b`"),
        ("[@casey]", "`[@casey]`"),
        ("[`code`]", "``[`code`]``"),
        ("`x`", "`` `x` ``"),
        ("[two\nlines]", "`[two lines]`"),
    ],
)
def test_names_of_profiles_break_nothing(selector: str, shown: str) -> None:
    assert f"| {shown} |" in body(wish(file_edit(selector=selector)), Facts())


def test_the_source_is_linked() -> None:
    text = body(wish(), Facts())
    assert f"https://github.com/org/image/compare/{OLD}...{NEW}{'0' * 28}" in text
    assert "https://github.com/org/image/pull/12" in text
    assert "https://github.com/org/image/actions/runs/1" in text


def test_going_back_compares_the_other_way_round() -> None:
    text = body(wish(going_back=True), Facts())
    assert f"/compare/{NEW}{'0' * 28}...{OLD}" in text
    assert title(wish(going_back=True)).startswith("Go back with user-image")


def test_a_tag_that_is_no_commit_is_not_compared() -> None:
    assert "/compare/" not in body(wish(file_edit(old="2026-spring")), Facts())


def test_what_is_not_known_is_not_mentioned() -> None:
    text = body(wish(source=Source()), Facts())
    for word in ("What is new", "Checks", "Size", "Packages", "None"):
        assert word not in text


def test_checks_sizes_and_packages_are_told() -> None:
    facts = Facts(
        checks=("5 tests", "start as on a hub"),
        packages="numpy 1 → 2",
        size=1_200_000_000,
        size_before=1_300_000_000,
    )
    text = body(wish(), facts)
    assert "5 tests, start as on a hub." in text
    assert "1.2 GB to download, 100 MB less than before." in text
    assert "numpy 1 → 2" in text


def test_how_to_try_and_how_to_go_back_are_ready_to_paste() -> None:
    text = body(wish(), Facts())
    assert f"docker run --rm -it -p 8888:8888 quay.io/org/user-image:{NEW}\n" in text
    assert (
        "r2d-action update-hub --directory . --image quay.io/org/user-image "
        f"--tag {OLD} --files config/hub.yaml --select singleuser.image\n" in text
    )
    assert "update-hub" not in body(wish(file_edit("a.yaml"), file_edit("b.yaml")), Facts())


def test_notes_are_shown_as_they_are() -> None:
    edit = FileEdit("a.yaml", b"", b"x", file_edit().changes, ("line 3: `display` <b>",))
    assert "- ``a.yaml, line 3: `display` <b>``" in body(wish(edit), Facts())


def test_a_text_that_is_too_long_is_cut_and_still_says_what_it_describes() -> None:
    edits = [file_edit(f"config/{'x' * 200}-{n}.yaml") for n in range(300)]
    text = body(wish(*edits), Facts(packages="numpy\n" * 20_000))
    assert len(text) < 65_536
    assert wish(*edits).mark.change in text


def test_a_target_has_one_branch_and_another_target_another() -> None:
    staging = Target(repository="org/hub", files=("staging.yaml",))
    same = Target(repository="org/hub", files=("staging.yaml",))
    production = Target(repository="org/hub", files=("production.yaml",))
    selected = Target(repository="org/hub", select=("staging.yaml",))
    names = [one.proposal_branch(IMAGE) for one in (staging, same, production, selected)]
    assert names[0] == names[1]
    assert len(set(names)) == 3
    assert names[0].startswith("r2d-action/user-image-")
    hub_spellings = ("docker.io/org/image", "org/image", "index.docker.io/org/image")
    assert len({staging.proposal_branch(Repository.parse(name)) for name in hub_spellings}) == 1


@pytest.mark.parametrize(
    ("newer", "commit", "created", "precedes"),
    [
        (("abcdef0123456789",), "abcdef0", "", True),
        (("abcdef0123456789",), "1234567", "2030-01-01", False),
        ((), "abcdef0", "2030-01-01", False),
        (None, "abcdef0", "2030-01-01", True),
        (None, "abcdef0", "2020-01-01", False),
        (None, "abcdef0", "", False),
    ],
)
def test_git_knows_the_order_and_time_stands_in_for_it(
    newer: tuple[str, ...] | None, commit: str, created: str, precedes: bool
) -> None:
    source = Source(commit="1", created="2026-01-01", newer=newer)
    assert source.precedes(commit, created) is precedes
