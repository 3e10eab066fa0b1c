"""Which images a repository has, which of them are built, and in what order."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from r2d_action.errors import BuildFailed, InputError
from r2d_action.images.folders import folders_in
from r2d_action.images.levels import levels, touched, with_children
from r2d_action.images.names import images_of, only_image
from r2d_action.images.pins import pins_from, read_pins, stand_in
from r2d_action.images.records import Record, read_records
from r2d_action.images.values import Folder, Image
from r2d_action.reference import Reference, Repository

DIGEST = f"sha256:{'0123456789abcdef' * 4}"


def images(**bases: str) -> tuple[Image, ...]:
    """Image by image, what its Dockerfile names."""
    folders = [Folder(f"images/{name}", tuple(text.split())) for name, text in bases.items()]
    return images_of(folders, "org/{image}", lambda name: Repository.parse(f"quay.io/{name}"))


def names(found: tuple[tuple[Image, ...], ...]) -> list[list[str]]:
    return [[image.name for image in level] for level in found]


# Folders


def test_usual_folders_are_those_that_repo2docker_can_build(tmp_path: Path) -> None:
    for path in ("images/r/install.R", "images/py/binder/environment.yml", "images/png/logo.png"):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).touch()
    (tmp_path / "images/README.md").touch()
    assert [folder.path for folder in folders_in(tmp_path, ())] == ["images/py", "images/r"]
    assert folders_in(tmp_path / "images/r", ()) == ()


def test_named_folders_are_taken_as_they_are_and_each_once(tmp_path: Path) -> None:
    for path in ("a/one", "a/two", "b"):
        (tmp_path / path).mkdir(parents=True)
    found = folders_in(tmp_path, ("b/", "a/*", "a/one"))
    assert [folder.path for folder in found] == ["b", "a/one", "a/two"]


@pytest.mark.parametrize("glob", ["no/*", "../*", "/"])
def test_folders_that_are_not_there_are_refused(tmp_path: Path, glob: str) -> None:
    with pytest.raises(InputError, match=r"IMAGES:.*names no folder"):
        folders_in(tmp_path, (glob,))


def test_bases_are_read_from_the_dockerfile_that_is_built(tmp_path: Path) -> None:
    for path, base in (("images/a/Dockerfile", "no"), ("images/a/binder/Dockerfile", "yes:1")):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(f"FROM {base}\nCOPY --from=other /x /x\n")
    assert folders_in(tmp_path, ()) == (Folder("images/a", ("yes:1", "other")),)


# Names


def test_image_knows_its_parents_under_any_tag_but_not_by_digest() -> None:
    child = images(
        base="debian", child=f"quay.io/org/base quay.io/org/base:1 quay.io/org/base@{DIGEST}"
    )[1]
    assert child.parents == {"quay.io/org/base": "base", "quay.io/org/base:1": "base"}
    assert child.image_name == "org/child"


def test_image_knows_its_parents_by_any_spelling() -> None:
    folders = [Folder("images/base"), Folder("images/child", ("docker.io/org/base:1",))]
    _, child = images_of(folders, "org/{image}", Repository.parse)
    assert child.parents == {"docker.io/org/base:1": "base"}


@pytest.mark.parametrize("template", ["", "org/name"])
def test_several_images_need_several_names(template: str) -> None:
    with pytest.raises(InputError, match=r"IMAGE_NAME: .*this repository has several"):
        images_of([Folder("images/a")], template, Repository.parse)


def test_folders_of_one_name_are_refused() -> None:
    with pytest.raises(InputError, match="a/r and b/R would both be called R"):
        images_of([Folder("a/r"), Folder("b/R")], "org/{image}", Repository.parse)


def test_one_image_has_no_part_to_fill_in() -> None:
    with pytest.raises(InputError, match="there is one image only"):
        only_image("", "org/{image}", Repository.parse("org/image"))


# Order


def test_images_come_after_those_they_are_built_on() -> None:
    found = images(top="quay.io/org/mid:2", alone="debian", mid="quay.io/org/base", base="debian")
    assert names(levels(found)) == [["alone", "base"], ["mid"], ["top"]]


def test_circle_is_refused_by_name() -> None:
    found = images(outside="quay.io/org/b", a="quay.io/org/b", b="quay.io/org/a")
    with pytest.raises(InputError, match=r"(b → a → b|a → b → a)"):
        levels(found)
    with pytest.raises(InputError, match="a → a"):
        levels(images(a="quay.io/org/a"))


def test_more_levels_than_jobs_are_refused() -> None:
    chain = {f"i{n}": f"quay.io/org/i{n - 1}" for n in range(1, 4)}
    with pytest.raises(InputError, match="i3 would be built after 3 others"):
        levels(images(i0="debian", **chain))


# Changes


def test_change_reaches_its_folder_and_what_is_built_on_it() -> None:
    found = images(base="debian", child="quay.io/org/base", r="debian")
    reached = touched(found, ["images/base/x", "images/r.md", "README.md"], (".github/workflows/",))
    assert reached == ("base",)
    assert [image.name for image in with_children(reached, found)] == ["base", "child"]
    assert touched(found, ["README.md"], ()) == ()


@pytest.mark.parametrize("path", [".github/workflows/image.yml", "appendix"])
def test_change_of_what_all_share_reaches_all(path: str) -> None:
    found = images(a="debian", b="debian")
    assert touched(found, [path], (".github/workflows/", "appendix")) == ("a", "b")
    assert touched(found, [f"{path}.md"], ("appendix",)) == ()


# Records and what later images make of them


def record(result: str = "success", digest: str = DIGEST) -> Mapping[str, Record]:
    outputs = {"IMAGE_NAME": "quay.io/org/base", "IMAGE_DIGEST": digest}
    return {"base": Record("base", result, outputs)}


def test_child_gets_the_parent_just_built() -> None:
    [pin] = pins_from({"quay.io/org/base:1": "base"}, record())
    assert pin == f"quay.io/org/base:1=quay.io/org/base@{DIGEST}"
    assert {name: str(image) for name, image in read_pins([pin]).items()} == {
        "quay.io/org/base:1": f"quay.io/org/base@{DIGEST}"
    }


def test_parent_that_was_not_pushed_is_no_base() -> None:
    assert list(pins_from({"quay.io/org/base": "base"}, record(digest=""))) == []


@pytest.mark.parametrize("records", [{}, record("failure"), record("cancelled")], ids=len)
def test_child_of_a_parent_that_failed_is_not_built(records: Mapping[str, Record]) -> None:
    with pytest.raises(BuildFailed, match="built on base, which was not built"):
        list(pins_from({"quay.io/org/base": "base"}, records))


@pytest.mark.parametrize("pair", ["", "a", "a=", f"=quay.io/b@{DIGEST}", "a=quay.io/b:1", "a=B@x"])
def test_pair_without_a_digest_is_refused(pair: str) -> None:
    with pytest.raises(InputError, match="BASE_IMAGES: "):
        read_pins([pair])


@pytest.mark.parametrize("name", ["org/base", "docker.io/org/base:latest"])
def test_what_stands_in_is_found_by_any_spelling(name: str) -> None:
    image = Reference.parse(f"quay.io/org/base@{DIGEST}")
    pins = {"index.docker.io/org/base": image, "org/other": image}
    assert stand_in(name, pins) == image
    assert stand_in("org/base:1", pins) is None


def test_records_are_read_by_name_whatever_their_folders(tmp_path: Path) -> None:
    for folder, text in (
        ("b", '{"name": "one", "result": "success", "outputs": {"IMAGE_DIGEST": "x"}}'),
        ("a", '{"name": "two", "result": "failure", "outputs": null}'),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "image.json").write_text(text)
    found = read_records(tmp_path)
    assert list(found) == ["two", "one"]
    assert (found["one"].digest, found["two"].result) == ("x", "failure")


def test_what_is_no_record_is_refused(tmp_path: Path) -> None:
    (tmp_path / "image.json").write_text("[]")
    with pytest.raises(InputError, match="no record of an image"):
        read_records(tmp_path)
