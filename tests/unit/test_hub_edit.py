"""The edit of a hub's files: whole files byte by byte, then its rules one at a time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from r2d_action.hub.edit import edit
from r2d_action.hub.selector import parse_selector
from r2d_action.hub.values import Edited, NewImage
from r2d_action.reference import Digest, Repository, Tag

CASES = sorted((Path(__file__).parent / "hub_cases").iterdir())
IMAGE = "quay.io/example-org/user-image"
DIGEST, OTHER_DIGEST = "sha256:" + "1f" * 32, "sha256:" + "2e" * 32


def new(tag: str = "v2", digest: str | None = None, image: str = IMAGE) -> NewImage:
    return NewImage(Repository.parse(image), Tag(tag), Digest(digest) if digest else None)


def edited(
    text: str, image: NewImage | None = None, *selectors: str, path: str = "values.yaml"
) -> Edited:
    return edit({path: text.encode()}, image or new(), tuple(map(parse_selector, selectors)))


def after(text: str, image: NewImage | None = None, *selectors: str) -> str:
    result = edited(text, image, *selectors)
    assert not result.refusals
    [file] = result.changed
    return file.after.decode()


def reasons(result: Edited) -> list[str]:
    return [refusal.what for refusal in result.refusals]


def candidates(result: Edited) -> list[str]:
    return [one.selector for refusal in result.refusals for one in refusal.candidates]


# Whole files ----------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_a_file_changes_by_its_tags_alone(folder: Path) -> None:
    case, before, expected = _read(folder)
    result = _edit(case, before)
    assert not result.refusals
    [file] = result.changed
    assert file.after == expected
    changes = [
        {"place": one.selector, "old": one.old, "new": one.new}
        | ({"aliases": list(one.aliases)} if one.aliases else {})
        for one in file.changes
    ]
    assert changes == case["changes"]
    assert list(file.notes) == case.get("notes", [])


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_a_file_that_is_up_to_date_stays(folder: Path) -> None:
    case, _, expected = _read(folder)
    result = _edit(case, expected)
    assert not result.refusals
    assert not result.changed


def _read(folder: Path) -> tuple[dict[str, Any], bytes, bytes]:
    case = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    [before], [expected] = folder.glob("before.*"), folder.glob("after.*")
    return case, before.read_bytes(), expected.read_bytes()


def _edit(case: dict[str, Any], content: bytes) -> Edited:
    image = new(case["tag"], case.get("digest"), case["image"])
    selectors = tuple(map(parse_selector, case.get("select", ())))
    return edit({case["file"]: content}, image, selectors)


# Quotes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tag",
    [
        *("123456789012", "123e45", "1e5", "4.3", "3.10", "1_000", "0x1f", "0o17", "017", "0b11"),
        *("2026-11-20", "2026-1-2", "yes", "No", "on", "OFF", "y", "N", "true", "False", "null"),
        *("08", "1.", "6_0.5"),
    ],
)
def test_a_tag_that_would_not_read_as_text_is_quoted(tag: str) -> None:
    text = f"image:\n  name: {IMAGE}\n  tag: v1\n"
    assert after(text, new(tag)) == text.replace("v1", f'"{tag}"')


@pytest.mark.parametrize(
    "tag",
    ["2026.11.20", "4.3.1", "v4", "0123456789ab", "5e7aea3c30ff", "nope", "2026-11-20-1", "e5"],
)
def test_a_tag_that_reads_as_text_is_not(tag: str) -> None:
    text = f"image:\n  name: {IMAGE}\n  tag: v1\n"
    assert after(text, new(tag)) == text.replace("v1", tag)


@pytest.mark.parametrize("quote", ["'", '"'])
@pytest.mark.parametrize("tag", ["4.3", "v4"])
def test_quotes_stay(quote: str, tag: str) -> None:
    text = f"image:\n  name: {IMAGE}\n  tag: {quote}v1{quote}\n"
    assert after(text, new(tag)) == text.replace("v1", tag)


@pytest.mark.parametrize(
    ("old", "tag", "written"),
    [
        ("122", "12.2", "12.2"),
        ("4.3", "4.10", '"4.10"'),
        ("4.3", "5.0", '"5.0"'),
        ("4.3", "1234567", '"1234567"'),
        ("4.3", "1e3", '"1e3"'),
        ("v4", "4.3", '"4.3"'),
        ("4.10", "4.3", '"4.3"'),
    ],
)
def test_a_bare_number_stays_bare_as_long_as_every_reader_prints_it_alike(
    old: str, tag: str, written: str
) -> None:
    text = f"image:\n  name: {IMAGE}\n  tag: {old}\n"
    assert after(text, new(tag)) == text.replace(old, written)


# Several tags ---------------------------------------------------------------------------------

TWO_TAGS = f"""\
profileList:
  - display_name: "Small (2 GB)"
    kubespawner_override: {{image: "{IMAGE}:v0"}}
  - display_name: Large
    profile_options:
      image:
        choices:
          old: {{kubespawner_override: {{image: "{IMAGE}:v0"}}}}
          new: {{kubespawner_override: {{image: "{IMAGE}:v1"}}}}
singleuser:
  image:
    name: {IMAGE}
    tag: v1
"""


def test_different_tags_in_one_file_are_a_choice() -> None:
    result = edited(TWO_TAGS)
    assert not result.files
    [refusal] = result.refusals
    assert refusal.what == (
        f"values.yaml: {IMAGE} has different tags there (v0, v1); use a selector to say which "
        "of them is to become v2."
    )
    assert [(one.selector, one.old) for one in refusal.candidates] == [
        ("profileList[Small (2 GB)]", "v0"),
        ("choices.old", "v0"),
        ("choices.new", "v1"),
        ("singleuser.image", "v1"),
    ]


def test_every_selector_that_is_offered_selects_its_place_alone() -> None:
    places = {}
    for selector in candidates(edited(TWO_TAGS)):
        [file] = edited(TWO_TAGS, new(), selector).changed
        [change] = file.changes
        places[selector] = change.selector
    assert len(set(places.values())) == 4


def test_even_the_new_tag_beside_an_old_one_is_a_choice() -> None:
    text = f"stable: {IMAGE}:v1\nnew: {IMAGE}:v2\n"
    assert candidates(edited(text)) == ["stable", "new"]


def test_files_that_nobody_named_are_of_one_mind() -> None:
    files = {
        "prod.yaml": f"image: {IMAGE}:v0".encode(),
        "staging.yaml": f"image: {IMAGE}:v1".encode(),
    }
    assert len(edit(files, new(), files_were_named=True).changed) == 2
    refused = edit(files, new(), files_were_named=False)
    assert not refused.files
    assert [(one.path, one.selector) for one in refused.refusals[0].candidates] == [
        ("prod.yaml", "image"),
        ("staging.yaml", "image"),
    ]


def test_a_selector_that_names_nothing_is_refused_with_what_is_near() -> None:
    result = edited(TWO_TAGS, new(), "choices.news")
    assert not result.files
    assert reasons(result) == [
        f"choices.news: {IMAGE} is not named there; select one of the places that name it."
    ]
    assert candidates(result)[0] == "choices.new"


def test_one_selector_of_two_that_names_nothing_stops_both() -> None:
    assert not edited(TWO_TAGS, new(), "choices.new", "choices.news").files


def test_nothing_is_selected_in_a_hub_that_does_not_name_the_image() -> None:
    result = edited("image: quay.io/other/image:v1\n", new(), "image")
    assert reasons(result) == [f"image: no file names {IMAGE} at all."]


# Aliases and merge keys -----------------------------------------------------------------------


def test_an_alias_alone_cannot_be_selected() -> None:
    text = f"a:\n  image: &i {IMAGE}:v1\nb:\n  image: *i\n"
    result = edited(text, new(), "b.image")
    assert "takes its image by a YAML alias from a.image" in reasons(result)[0]
    assert candidates(result) == ["a.image"]
    for selectors in (["a.image"], ["a.image", "b.image"], ["*.image"]):
        assert after(text, new(), *selectors) == text.replace("v1", "v2")


def test_an_alias_beside_a_place_that_is_selected_is_not_passed_over() -> None:
    text = f"a: &i {IMAGE}:v1\nb: [{{name: x, image: *i}}, {{name: y, image: {IMAGE}:v1}}]\n"
    assert candidates(edited(text, new(), "b")) == ["a"]
    assert after(text, new(), "b[y]") == text.replace(
        "y, image: " + IMAGE + ":v1", "y, image: " + IMAGE + ":v2"
    )


def test_a_value_that_is_kept_for_its_aliases_is_selected_with_all_of_them() -> None:
    text = f"x-tag: &t v1\na: {{name: {IMAGE}, tag: *t}}\nb: {{name: {IMAGE}, tag: *t}}\n"
    assert after(text, new(), "a", "b") == text.replace("v1", "v2")
    assert candidates(edited(text, new(), "a")) == ["x-tag"]


@pytest.mark.parametrize(
    "text",
    [
        f"x-tag: &t v1\na: {{name: {IMAGE}, tag: *t}}\nb: {{name: quay.io/other/image, tag: *t}}\n",
        f"a: &a {{name: {IMAGE}, tag: v1}}\nb: {{<<: *a, name: quay.io/other/image}}\n",
        f"x: &x {{tag: v1}}\na: {{<<: *x, name: {IMAGE}}}\nb: {{<<: *x, name: other/image}}\n",
    ],
)
def test_a_tag_that_another_image_shares_is_not_touched(text: str) -> None:
    [reason] = reasons(edited(text))
    assert "shares its value" in reason


def test_a_digest_that_is_shared_beyond_its_tag_is_not_touched() -> None:
    text = f"a: &a {{name: {IMAGE}, tag: v1, digest: {DIGEST}}}\nb: {{<<: *a, tag: v1}}\n"
    assert "others share its digest" in reasons(edited(text, new(digest=OTHER_DIGEST)))[0]


def test_an_anchor_that_holds_itself_ends_the_way() -> None:
    text = f"a: &a\n  <<: *a\n  name: {IMAGE}\n  tag: v1\n  b: *a\n"
    assert after(text) == text.replace("v1", "v2")


# What cannot be written safely ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f'image: "{IMAGE}:\\x761"\n', "it is written with escapes or over several lines"),
        (f"image: {{name: {IMAGE}, tag: v1, tag: v1}}\n", "the key 'tag' stands there twice"),
        (f"image: {{name: {IMAGE}, digest: {DIGEST}}}\n", "only its digest says which image it is"),
        (
            f"image:\n  - digest: {DIGEST}\n    # which\n    name: {IMAGE}\n    tag: v1\n",
            "the old digest beside the tag cannot be left out",
        ),
    ],
)
def test_what_cannot_be_changed_safely_is_refused(text: str, reason: str) -> None:
    result = edited(text)
    assert not result.files
    assert reason in reasons(result)[0]
    assert reasons(result)[0].startswith("values.yaml, line ")


def test_a_refusal_in_one_file_stops_all() -> None:
    files = {"a.yaml": f"image: {IMAGE}:v1".encode(), "b.yaml": f'image: "{IMAGE}:\\x761"'.encode()}
    assert not edit(files, new()).files


# Digests --------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_a_digest_key_goes_with_its_line(end: str) -> None:
    line = end or "\n"
    text = f"image:{line}  name: {IMAGE}{line}  tag: v1{line}  digest: {DIGEST} # pinned{end}"
    assert after(text) == f"image:{line}  name: {IMAGE}{line}  tag: v2{line}"


def test_a_digest_key_behind_the_dash_of_a_list_lets_the_next_one_move_up() -> None:
    text = f"images:\n  - digest: {DIGEST}\n    name: {IMAGE}\n    tag: v1\n"
    assert after(text) == f"images:\n  - name: {IMAGE}\n    tag: v2\n"


def test_a_digest_first_in_braces_goes_with_its_comma() -> None:
    text = f"image: {{digest: {DIGEST}, name: {IMAGE}, tag: v1}}\n"
    assert after(text) == f"image: {{name: {IMAGE}, tag: v2}}\n"


def test_the_same_tag_with_another_digest_is_news() -> None:
    text = f"image: {IMAGE}:v2@{DIGEST}\n"
    assert not edited(text, new("v2")).changed
    assert not edited(text, new("v2", DIGEST)).changed
    assert after(text, new("v2", OTHER_DIGEST)) == text.replace(DIGEST, OTHER_DIGEST)


def test_a_digest_that_another_tool_fills_in_stays() -> None:
    result = edited(f'image: {{name: {IMAGE}, tag: v1, digest: "{{{{ digest }}}}"}}\n')
    assert not result.changed
    assert "is filled in by another tool" in result.files[0].notes[0]


# What is left alone ---------------------------------------------------------------------------


def test_the_hubs_own_image_changes_when_it_is_selected_or_the_only_one() -> None:
    alone = f"hub:\n  image: {{name: {IMAGE}, tag: v1}}\n"
    both = f"{alone}singleuser:\n  image: {IMAGE}:v1\n"
    assert after(alone) == alone.replace("v1", "v2")
    assert after(both) == both.replace(f"{IMAGE}:v1", f"{IMAGE}:v2")
    assert after(both, new(), "hub.image") == alone.replace("v1", "v2") + both[len(alone) :]
    assert after(both, new(), "**.image") == both.replace(f"{IMAGE}:v1", f"{IMAGE}:v2")


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (f"{{% if x %}}\nimage: {IMAGE}:v1\n".encode(), "line 1: skipped, since it is no YAML"),
        (f"image: {IMAGE}:v1\nx: *y\n".encode(), "line 2: skipped, since it is no YAML"),
        (f"image: {IMAGE}:v1\nx: \x00\n".encode(), "line 1: skipped, since it is no YAML"),
        (f"image: {IMAGE}:v1\nsops: {{mac: x}}\n".encode(), "skipped, since sops has sealed it"),
        (f"image: {IMAGE}:v1 # é\n".encode("latin-1"), "skipped, since it is not written in UTF-8"),
    ],
)
def test_a_file_that_cannot_be_edited_is_skipped_with_the_reason(content: bytes, note: str) -> None:
    result = edit({"values.yaml": content}, new())
    assert not result.refusals
    assert result.names_image
    [file] = result.files
    assert file.after == file.before == content
    assert file.notes[0].startswith(note)


def test_a_hub_that_does_not_name_the_image_is_told_from_one_that_has_it() -> None:
    assert not edited(f"image: {IMAGE}-gpu:v1\n").names_image
    assert edited(f"image: {IMAGE}:v2\n").names_image


def test_python_that_cannot_be_read_is_skipped() -> None:
    result = edited(f'c.image = "{IMAGE}:v1" "\n', path="config.py")
    assert result.files[0].notes[0].startswith("line 1: skipped, since it cannot be read as Python")


def test_json_is_edited_as_what_it_is() -> None:
    text = f'{{"singleuser": {{"image": {{"name": "{IMAGE}", "tag": "v1"}}}}}}'
    [file] = edited(text, path="values.json").changed
    assert file.after.decode() == text.replace("v1", "v2")
    assert file.changes[0].selector == "singleuser.image.tag"


@pytest.mark.parametrize("old", ["PLACEHOLDER", "latest", "change-me"])
def test_a_word_that_waits_for_the_first_image_is_a_tag(old: str) -> None:
    assert after(f"image_name: {IMAGE}:{old}\n") == f"image_name: {IMAGE}:v2\n"


@pytest.mark.parametrize("old", ["set-by-chartpress", "set-on-deployment", "{value}", "${TAG}"])
def test_what_other_tools_fill_in_stays(old: str) -> None:
    assert not edited(f"image:\n  name: {IMAGE}\n  tag: '{old}'\n").changed
    assert not edited(f"image: '{IMAGE}:{old}'\n").changed


# Names ----------------------------------------------------------------------------------------


def test_a_port_is_no_tag() -> None:
    image = new("5001", image="localhost:5000/image")
    text = 'a: "localhost:5000/image:5000"\nb: {name: localhost:5000/image, tag: x5000}\n'
    [file] = edited(text, image, "a", "b").changed
    assert file.after.decode() == (
        'a: "localhost:5000/image:5001"\nb: {name: localhost:5000/image, tag: "5001"}\n'
    )
    assert edited("image: localhost:5000/image\n", image).files[0].notes == (
        "line 1: image: names the image without a tag; left as it is",
    )


def test_a_key_is_no_place() -> None:
    assert not edited(f'"{IMAGE}:v1": our image\n').changed


@pytest.mark.parametrize(
    ("mapping", "is_ours"),
    [
        (f"name: {IMAGE}\nrepository: quay.io/other/image\ntag: v1\n", False),
        (f"repository: quay.io/other/image\nname: {IMAGE}\ntag: v1\n", False),
        (f"name: quay.io/other/image\nrepository: {IMAGE}\ntag: v1\n", True),
        (f"name: a hub\nimage_name: {IMAGE}\ntag: v1\n", True),
        (f"image_name: {IMAGE}\nname: a hub\nimageTag: v1\n", True),
        (f"hubImage: {IMAGE}\nhubTag: v1\notherTag: v0\n", True),
        (f"hubImage: {IMAGE}\notherTag: v1\n", False),
        (f"name: {IMAGE}\nnewName: quay.io/other/image\nnewTag: v1\n", False),
        (f"name: x\nnewName: {IMAGE}\nnewTag: v1\n", True),
        (f"registry: ghcr.io\nrepository: {IMAGE.partition('/')[2]}\ntag: v1\n", False),
        (f"name: {IMAGE}\nsubtag: v1\nstage: v1\n", False),
    ],
)
def test_which_keys_name_an_image_and_its_tag(mapping: str, is_ours: bool) -> None:
    changed = edited(mapping).changed
    assert [file.after.decode() for file in changed] == [mapping.replace("v1", "v2")] * is_ours


# Python and other texts -----------------------------------------------------------------------


def test_a_text_of_python_that_only_documents_stays() -> None:
    text = f'"""{IMAGE}:v1"""\nc.x = "{"é" * 99}", "{IMAGE}:v1"\n'
    [file] = edited(text, path="config.py").changed
    assert file.after.decode() == text.replace(f'"{IMAGE}:v1"\n', f'"{IMAGE}:v2"\n')
    assert file.changes[0].selector == f"c.x[{IMAGE}:v1]"


def test_a_text_of_python_in_two_pieces_is_one() -> None:
    text = 'c.image = (\n    "quay.io/example-org/"\n    "user-image:v1"\n)\n'
    [file] = edited(text, path="config.py").changed
    assert file.after.decode() == text.replace("v1", "v2")


def test_places_of_python_are_selected_by_their_names() -> None:
    text = f'c.A.image = "{IMAGE}:v1"\nc["B"].image = "{IMAGE}:v0"\nprint(dict(x="{IMAGE}:v0"))\n'
    result = edited(text, path="config.py")
    assert candidates(result) == ["A.image", "B.image", "x"]
    [file] = edited(text, new(), "B.image", path="config.py").changed
    assert file.after.decode() == text.replace(
        f'B"].image = "{IMAGE}:v0', f'B"].image = "{IMAGE}:v2'
    )


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("config.py", f'c.KubeSpawner.image = "{IMAGE}:" + TAG\n'),
        ("config.py", f'c.KubeSpawner.image = "{IMAGE}:v1" + "-gpu"\n'),
        ("config.py", f'c.KubeSpawner.image = "{IMAGE}:v1".replace("v1", TAG)\n'),
        ("config.py", f'c.KubeSpawner.image = f"{IMAGE}:{{TAG}}"\n'),
        ("config.py", f'c.KubeSpawner.image = "{IMAGE}:%s" % TAG\n'),
        ("config.py", f'IMAGE, TAG = "{IMAGE}", "v1"\n'),
        ("start.sh", f'IMAGE="{IMAGE}:"$TAG\n'),
        ("start.sh", f'IMAGE={IMAGE}:v1"$SUFFIX"\n'),
        ("start.sh", f'IMAGE="{IMAGE}:v1"-gpu\n'),
        ("start.sh", f"pull {IMAGE}:v1-{{a,b}}\n"),
        ("hub.tf", f'image = "{IMAGE}"\ntag = "v1"\n'),
        ("hub.js", f'image = "{IMAGE}:v1" + suffix\n'),
    ],
)
def test_what_a_program_puts_together_is_told_and_left_alone(path: str, text: str) -> None:
    result = edited(text, path=path)
    assert not result.refusals
    assert not result.changed
    [file] = result.files
    assert "left as it is" in file.notes[0]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("config.py", f'image = os.environ.get("IMAGE", "{IMAGE}:v1")\n'),
        ("config.py", f'def image(name="{IMAGE}:v1"): ...\n'),
        ("start.sh", f"docker run {IMAGE}:v1; echo\n"),
        ("start.sh", f"images=({IMAGE}:v1)\n"),
        ("hub.tf", f'image = gpu ? "{IMAGE}:v1" : "other"\n'),
        ("hub.jsonnet", f'{{image:"{IMAGE}:v1",other:["{IMAGE}:v1"]}}\n'),
        ("Dockerfile", f"FROM {IMAGE}:v1 AS base\n"),
        ("hub.json", f'{{\n\t"image": "{IMAGE}:v1",\n\t"name": "\\ud83d\\ude00"\n}}\n'),
    ],
)
def test_a_whole_value_changes_wherever_it_stands(path: str, text: str) -> None:
    result = edited(text, path=path)
    assert not result.refusals
    [file] = result.changed
    assert file.after.decode() == text.replace(":v1", ":v2")
