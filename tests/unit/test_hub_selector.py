from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r2d_action.hub.selector import (
    InvalidSelector,
    Item,
    Key,
    Path,
    full_selector,
    labelled,
    one_line,
    parse_selector,
    shortest_selector,
    written,
)


def way(*steps: str | Item) -> Path:
    return tuple(Key(step) if isinstance(step, str) else step for step in steps)


def item(label: str, **fields: str) -> Item:
    return Item(tuple(fields.items()), label)


SMALL = item("Small (2 GB)", display_name="Small (2 GB)", slug="small", default="true")
IMAGE = way(
    *("jupyterhub", "singleuser", "profileList", SMALL, "profile_options", "image"),
    *("choices", "new", "kubespawner_override", "image"),
)


@pytest.mark.parametrize(
    "selector",
    [
        "image",
        "choices.new",
        "choices.new.kubespawner_override.image",
        "profileList[Small (2 GB)].profile_options.image.choices.new",
        "profileList[small]",
        "profileList[slug=small]",
        'profileList["Small (2 GB)"]',
        'profileList[display_name="Small (2 GB)"]',
        "profileList[default=true]",
        "profileList[*].profile_options",
        "profileList.*.profile_options",
        "[small].profile_options",
        "*.new",
        "singleuser.**.image",
        "**.choices.new",
        "singleuser.**.profileList",
        "jupyterhub",
        ".jupyterhub.singleuser",
        '"jupyterhub"."singleuser"',
        ".**.choices.new",
        "  choices.new\n",
    ],
)
def test_what_names_a_place_or_something_above_it(selector: str) -> None:
    assert parse_selector(selector).matches(IMAGE)


@pytest.mark.parametrize(
    "selector",
    [
        "choices.old",
        "choices.kubespawner_override",
        "choices.*.image",
        "profileList[Large]",
        "profileList[0]",
        "profileList[true]",
        "profileList[slug=Small (2 GB)]",
        "profileList.profile_options",
        "choices[*]",
        ".singleuser",
        "image.tag",
        "choices.new.**.tag",
        "CHOICES.new",
    ],
)
def test_what_does_not(selector: str) -> None:
    assert not parse_selector(selector).matches(IMAGE)


@pytest.mark.parametrize(
    "selector", ["", ".", "**", "**.**", "a.", "a..b", "a[b", "a]b", "a[b]c", "a.[b]", '"a"b', '"a']
)
def test_what_is_no_selector(selector: str) -> None:
    with pytest.raises(InvalidSelector, match=r"cannot be read|names no key"):
        parse_selector(selector)


def test_names_are_compared_as_people_read_them() -> None:
    path = way("list", Item((("display_name", "Two lines"),)))
    assert parse_selector("list[Two\n   lines]").matches(path)


def test_a_name_may_have_brackets_and_signs() -> None:
    for name in ("R [beta]", "a=b", 'the "best"', "4.3", "a].b", "*"):
        [one] = labelled([(("name", name),)])
        path = way("images", one)
        assert parse_selector(written(path)).matches(path), name


# Writing --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "labels"),
    [
        ([{"name": "a"}, {"name": "b"}], ["a", "b"]),
        ([{"name": "a", "slug": "x"}, {"name": "a", "slug": "y"}], ["x", "y"]),
        ([{"name": "x", "id": "1"}, {"name": "x", "id": "2"}], ["id=1", "id=2"]),
        ([{"name": "x", "tag": "1"}, {"name": "x", "tag": "2"}], ["", ""]),
        ([{"slug": "a", "display_name": "A"}], ["A"]),
        ([{"name": "a", "slug": "b"}, {"name": "b", "slug": "c"}], ["a", "c"]),
        ([{"x": "a" * 100}, {}], ["", ""]),
    ],
)
def test_an_item_is_called_by_what_its_neighbours_are_not(
    fields: list[dict[str, str]], labels: list[str]
) -> None:
    assert [one.label for one in labelled(tuple(f.items()) for f in fields)] == labels


def test_the_shortest_selector_ends_with_what_a_person_chose() -> None:
    old = (*IMAGE[:7], Key("old"), *IMAGE[8:])
    assert shortest_selector(IMAGE, [old]) == "choices.new"
    assert shortest_selector(way("a", "b", "image", "tag"), [old]) == "b.image"
    assert shortest_selector(IMAGE, []) == "profileList[Small (2 GB)]"


def test_a_place_that_ends_another_one_is_told_from_the_top() -> None:
    assert shortest_selector(way("image"), [way("a", "image")]) == ".image"
    assert full_selector(way("image"), [way("a", "image")]) == ".image"
    assert full_selector(way("b", "image"), [way("a", "image")]) == "b.image"


def test_nothing_tells_one_unnamed_item_from_another() -> None:
    path = way("images", Item())
    assert shortest_selector(path, [path]) == ""


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=8)
# Of an item, files are read so.
NAMES = TEXTS.map(one_line)
FIELDS = st.dictionaries(st.sampled_from(["name", "slug", "id", "x.y"]), NAMES, max_size=3)
LISTS = st.lists(FIELDS, min_size=1, max_size=4)


@st.composite
def ways(draw: st.DrawFn) -> Path:
    steps: list[Key | Item] = []
    for _ in range(draw(st.integers(1, 5))):
        if draw(st.booleans()) and steps:
            fields = draw(LISTS)
            steps.append(draw(st.sampled_from(labelled(tuple(f.items()) for f in fields))))
        else:
            steps.append(Key(draw(st.one_of(TEXTS, st.sampled_from(["image", "a.b", "**"])))))
    return tuple(steps)


@settings(derandomize=True, deadline=None)
@given(ways())
def test_every_way_can_be_written_and_read_again(path: Path) -> None:
    for text in (written(path), written(path, from_the_top=True), full_selector(path, [])):
        assert parse_selector(text).matches(path)


@settings(derandomize=True, deadline=None)
@given(ways(), st.lists(ways(), max_size=3))
def test_a_shortest_selector_names_its_place_alone(path: Path, others: list[Path]) -> None:
    text = shortest_selector(path, others)
    if text:
        assert parse_selector(text).matches(path)
        assert not any(map(parse_selector(text).matches, others))
