from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r2d_action.context import read_context
from r2d_action.key import DIGITS, Material, NoKey, key_of
from r2d_action.key.bases import images_in
from r2d_action.key.files import Known, digest_of, empty_folders
from r2d_action.key.ignore import kept, rules_in
from r2d_action.key.material import BASE_IMAGE, material_of
from r2d_action.plan import BuildPlan

REPO2DOCKER = "jupyter-repo2docker==2026.4.0"
PLAN = BuildPlan(
    user_name="jovyan",
    repo_dir="/home/jovyan",
    appendix="",
    appendix_file="",
    extra_args=(),
    requirement="",
    extra_packages=(),
    labels=(),
    builder="",
)


# Images of a Dockerfile


@pytest.mark.parametrize(
    ("text", "images"),
    [
        ("FROM quay.io/a/b:1\n", ["quay.io/a/b:1"]),
        ("FROM scratch\n", []),
        ("from --platform=$BUILDPLATFORM a AS b\nFROM B\nCOPY --from=b /x /y\n", ["a"]),
        ("FROM a\nFROM c\nCOPY --from=0 /x /y\nCOPY --from=1 /x /y\n", ["a", "c"]),
        ("FROM a\nCOPY --chown=1 --from=ghcr.io/u/uv:1 \\\n /uv /bin/\n", ["a", "ghcr.io/u/uv:1"]),
        ("FROM a\nRUN --mount=type=bind,from=b/c:1,target=/x make\n", ["a", "b/c:1"]),
        ("ARG B=a:1\nFROM ${B}\n", ["a:1"]),
        ('ARG V=1\nARG B="a:$V"\nFROM $B\n', ["a:1"]),
        ("ARG GIVEN\nFROM $GIVEN\n", ["given:2"]),
        ("ARG GIVEN=other\nFROM $GIVEN\n", ["given:2"]),
        ("FROM ${X:-a:3}\n", ["a:3"]),
        ("# syntax=docker/dockerfile:1\n# escape=\\\nFROM a\n", ["docker/dockerfile:1", "a"]),
        ("FROM a\n# syntax=late\n", ["a"]),
        (
            "FROM a\nRUN <<EOF\nFROM no\nimport COPY --from=no\nEOF\nCOPY --from=b /x /\n",
            ["a", "b"],
        ),
        ("FROM a@sha256:00\nFROM a@sha256:00\n", ["a@sha256:00"]),
    ],
)
def test_the_images_that_a_dockerfile_names(text: str, images: list[str]) -> None:
    assert list(images_in(text, {"GIVEN": "given:2"})) == images


def test_an_image_that_depends_on_the_unknown_has_no_name() -> None:
    with pytest.raises(NoKey, match="VERSION"):
        images_in("ARG VERSION\nFROM a:${VERSION}\n", {})


@given(st.text(alphabet="FROM COPY--=<$\\{}\nabc:/#\"'"))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(NoKey):
        images_in(text, {})


# What .dockerignore leaves out


@pytest.mark.parametrize(
    ("rules", "path", "stays"),
    [
        ("data", "data/a/b.csv", False),
        ("/data/", "data/a.csv", False),
        ("data", "more/data", True),
        ("**/data", "more/data/x", False),
        ("*.pyc", "a.pyc", False),
        ("*.pyc", "a/b.pyc", True),
        ("**/*.pyc", "a/b.pyc", False),
        ("a/*/c", "a/b/c/d", False),
        ("*\n!keep", "keep/this", True),
        ("*\n!keep\nkeep/not", "keep/not", False),
        ("# data\n\n  ", "data", True),
        ("a/../data", "data", False),
        ("**", "anything/at/all", False),
        ("file.tx?", "file.txt", False),
    ],
)
def test_rules_of_dockerignore(rules: str, path: str, stays: bool) -> None:
    assert (list(kept([path], rules_in(rules))) == [path]) is stays


# The key


def write(root: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


FILES = {"Dockerfile": "FROM base:1\nCOPY . /\n", "a.py": "1", "b/c.py": "2"}


def key(root: Path, plan: BuildPlan = PLAN, config: str = "", base: str = "sha256:1") -> str:
    return key_of(
        material_of(
            plan,
            read_context(root),
            # Every file is read; what git knows is tested with a real one elsewhere.
            known=lambda: Known({}),
            repo2docker=REPO2DOCKER,
            config=config,
            resolve=lambda _: base,
        )
    ).value


def test_the_key_is_the_same_for_the_same_files(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "a" / "two"
    write(one, FILES)
    write(two, dict(reversed(FILES.items())))
    assert key(one) == key(two)
    assert len(key(one)) == DIGITS


CHANGES: dict[str, Callable[[Path], object]] = {
    "content": lambda root: (root / "a.py").write_text("3"),
    "another file": lambda root: (root / "new").write_text(""),
    "a file less": lambda root: (root / "a.py").unlink(),
    "a name": lambda root: (root / "a.py").rename(root / "z.py"),
    "a folder": lambda root: (root / "b").rename(root / "d"),
    "the executable bit": lambda root: (root / "a.py").chmod(0o755),
    "a link": lambda root: (root / "l").symlink_to("a.py"),
    "an empty folder": lambda root: (root / "empty").mkdir(),
    "the Dockerfile": lambda root: (root / "Dockerfile").write_text("FROM base:1\n"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_of_the_files_changes_the_key(tmp_path: Path, change: str) -> None:
    write(tmp_path, FILES)
    before = key(tmp_path)
    CHANGES[change](tmp_path)
    assert key(tmp_path) != before


@pytest.mark.parametrize(
    "plan",
    [
        replace(PLAN, user_name="ana"),
        replace(PLAN, repo_dir="/srv/repo"),
        replace(PLAN, appendix="RUN x"),
        replace(PLAN, extra_args=("--debug",)),
        replace(PLAN, requirement="jupyter-repo2docker==2025.1"),
        replace(PLAN, extra_packages=("plugin==1",)),
    ],
)
def test_any_change_of_the_build_changes_the_key(tmp_path: Path, plan: BuildPlan) -> None:
    write(tmp_path, FILES)
    assert key(tmp_path, plan) != key(tmp_path)


def test_a_base_image_or_a_configuration_that_moved_changes_the_key(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    assert key(tmp_path, base="sha256:2") != key(tmp_path)
    assert key(tmp_path, config="c.x = 1") != key(tmp_path)


def test_what_does_not_reach_the_image_does_not_matter(tmp_path: Path) -> None:
    write(tmp_path, {**FILES, ".dockerignore": "docs\n"})
    before = key(tmp_path)
    write(tmp_path, {"docs/page.md": "new", ".git/HEAD": "x", ".netrc": "secret"})
    (tmp_path / "a.py").touch()
    labels = (("org.opencontainers.image.created", "later"),)
    assert key(tmp_path, replace(PLAN, labels=labels, appendix_file="renamed")) == before


def test_what_decides_the_steps_counts_even_where_it_is_ignored(tmp_path: Path) -> None:
    write(tmp_path, {**FILES, ".dockerignore": "Dockerfile\nimage-tests\n"})
    before = key(tmp_path)
    write(tmp_path, {"image-tests/test_a.py": "def test_a(): pass"})
    tested = key(tmp_path)
    write(tmp_path, {"Dockerfile": "FROM base:1\nRUN more\nCOPY . /\n"})
    assert len({before, tested, key(tmp_path)}) == 3


@pytest.mark.parametrize(
    ("plan", "config", "word"),
    [
        (replace(PLAN, requirement="jupyter-repo2docker>=2024"), "", "tomorrow"),
        (replace(PLAN, requirement="git+https://github.com/o/r@main"), "", "tomorrow"),
        (replace(PLAN, extra_packages=("plugin",)), "", "tomorrow"),
        (replace(PLAN, requirement="jupyter-repo2docker==2023.1"), "", "base_image"),
        (PLAN, "c.Repo2Docker.base_image = 'x'", "base_image"),
    ],
)
def test_what_cannot_be_named_has_no_key(
    tmp_path: Path, plan: BuildPlan, config: str, word: str
) -> None:
    write(tmp_path, {"requirements.txt": ""})
    with pytest.raises(NoKey, match=word):
        key(tmp_path, plan, config)


@pytest.mark.parametrize(
    ("args", "base"),
    [((), BASE_IMAGE), (("--Repo2Docker.base_image=quay.io/x/y:1",), "quay.io/x/y:1")],
)
def test_the_base_of_what_repo2docker_writes(
    tmp_path: Path, args: tuple[str, ...], base: str
) -> None:
    write(tmp_path, {"requirements.txt": ""})
    asked: list[str] = []

    def resolve(name: str) -> str:
        asked.append(name)
        return "sha256:1"

    material = material_of(
        replace(PLAN, extra_args=args, appendix="COPY --from=tools /a /b"),
        read_context(tmp_path),
        known=lambda: Known({}),
        repo2docker=REPO2DOCKER,
        config="",
        resolve=resolve,
    )
    assert asked == [base, "tools"]
    assert material.platform == platform.machine()


@given(
    st.fixed_dictionaries(
        {
            "files": st.text(),
            "repo2docker": st.text(),
            "user_name": st.text(),
            "repo_dir": st.text(),
            "appendix": st.text(),
            "extra_args": st.lists(st.text()).map(tuple),
            "config": st.text(),
            "platform": st.text(),
            "bases": st.lists(st.tuples(st.text(), st.text())).map(tuple),
        }
    ),
    st.data(),
)
def test_materials_that_differ_in_one_part_have_two_keys(
    parts: dict[str, object], data: st.DataObject
) -> None:
    material = Material(**parts)  # type: ignore[arg-type]
    name = data.draw(st.sampled_from(sorted(parts)))
    value = parts[name]
    other = (*value, "x") if isinstance(value, tuple) else f"{value}x"
    assert key_of(replace(material, **{name: other})) != key_of(material)  # type: ignore[arg-type]
    assert key_of(replace(material)) == key_of(material)


def test_order_and_origin_of_paths_do_not_matter(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    context = read_context(tmp_path)
    paths = [*context.files, *empty_folders(context)]
    from_git = Known({"a.py": "100644 56a6051ca2b02b04ef92d5150c9ef600403cb1de"})
    assert digest_of(context, reversed(paths), Known({})) == digest_of(context, paths, from_git)
