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
from r2d_action.key.bases import images_in, place_of
from r2d_action.key.files import Known, digest_of
from r2d_action.key.ignore import BuilderRules, LibraryRules, kept, rules_of, stays
from r2d_action.key.material import BASE_IMAGE, checks_of, files_of, has_passed, material_of
from r2d_action.plan import BuildPlan, CheckPlan

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
        # As the builder reads it: comments and empty lines in between, an end without a line's end.
        ("FROM a\nCOPY \\\n# why\n\n  --from=b /x /\n", ["a", "b"]),
        ("FROM a\nRUN echo \\\\\nFROM b", ["a", "b"]),
        ("FROM a\nCOPY --from=b /x / \\", ["a", "b"]),
        ("FROM \\\n a\n", ["a"]),
        ("# escape=`\nFROM a\nCOPY `\n --from=b c:\\\nCOPY --from=d /x /\n", ["a", "b", "d"]),
        ("\ufeff# syntax=s:1 more\r\nFROM a\r\nCOPY --from=b /x /\r\n", ["s:1", "a", "b"]),
        ("#!/usr/bin/x\n# syntax=s:1\nFROM a\n", ["s:1", "a"]),
        # What only looks like the beginning of a script.
        ("FROM a\nRUN cat <<<x\nCOPY --from=b /x /\n", ["a", "b"]),
        ("FROM a\nRUN echo $((1<<x))\nCOPY --from=b /x /\n", ["a", "b"]),
        ('FROM a\nRUN echo "1 <<x"\nFROM b\n', ["a", "b"]),
        ("FROM a\nENV X=<<x\nFROM b\n", ["a", "b"]),
        ("FROM a\nRUN <<-'EOF' cat >x && \\\n y\nFROM no\n\tEOF\nFROM b\n", ["a", "b"]),
        ("FROM a\nCOPY <<x <<y /d/\nFROM no\nx\nFROM no\ny\nFROM b\n", ["a", "b"]),
        # What only looks like an option.
        ("FROM a\nRUN tool --from=no --mount=from=no\n", ["a"]),
        ("FROM a\nONBUILD COPY --from=no /x /\n", ["a"]),
        ('FROM a\nRUN --network=none --mount="type=bind,FROM=b" make\n', ["a", "b"]),
        ("FROM a\nADD --checksum=sha256:1 https://x/y /z\n", ["a"]),
        (f"FROM a\nADD https://x/y.git#{'0a' * 20} /z\n", ["a"]),
        ("FROM a\nADD git@home . /z\nADD x.tar https://x/\n", ["a"]),
        ('FROM a\nADD ["x.tar","https://x/"]\n', ["a"]),
    ],
)
def test_the_images_that_a_dockerfile_names(text: str, images: list[str]) -> None:
    assert list(images_in(text, {"GIVEN": "given:2"})) == images


def test_the_syntax_may_be_a_build_argument() -> None:
    text = "# syntax=s:1\nFROM a\n"
    assert list(images_in(text, {"BUILDKIT_SYNTAX": "s:2"})) == ["s:2", "a"]


@pytest.mark.parametrize(
    "text",
    [
        "ARG VERSION\nFROM a:${VERSION}\n",
        # The builder gives it the kind of processor that it builds for.
        "FROM a:${TARGETARCH:-VERSION}\n",
        "ARG BUILDPLATFORM\nFROM a:${BUILDPLATFORM:-VERSION}\n",
    ],
)
def test_an_image_that_depends_on_the_unknown_has_no_name(text: str) -> None:
    with pytest.raises(NoKey, match="names an image by"):
        images_in(text, {})


def test_what_the_dockerfile_itself_says_of_the_platform_counts() -> None:
    assert images_in("ARG TARGETARCH=x\nFROM a:${TARGETARCH:-y}\n", {}) == ("a:x",)


@pytest.mark.parametrize(
    "source",
    [
        "https://x/y.tar",
        "HTTP://x/y",
        "git@github.com:o/r.git",
        "https://github.com/o/r.git#main",
        "ssh://git@x/r",
        "$URL",
    ],
)
def test_what_comes_from_elsewhere_may_be_another_file_tomorrow(source: str) -> None:
    for words in (f"{source} /z", f'["{source}", "/z"]', f'--chown=1 ["x","{source}","/z"]'):
        with pytest.raises(NoKey, match="tomorrow"):
            images_in(f"FROM a\nADD {words}\n", {})


def test_a_dockerfile_without_a_stage_has_no_images(tmp_path: Path) -> None:
    write(tmp_path, {"Dockerfile": "COPY . /\n"})
    with pytest.raises(NoKey, match="FROM"):
        key(tmp_path)


@given(st.text(alphabet="FROM COPY--=<$\\{}\nabc:/#\"'"))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(NoKey):
        images_in(text, {})


# What .dockerignore leaves out


@pytest.mark.parametrize(
    ("rules", "path", "is_in"),
    [
        ("data", "data/a/b.csv", False),
        ("/data/", "data/a.csv", False),
        ("data", "more/data", True),
        ("data", "database", True),
        ("**/data", "more/data/x", False),
        ("*.pyc", "a.pyc", False),
        ("*.pyc", "a/b.pyc", True),
        ("**/*.pyc", "a/b.pyc", False),
        ("**.pyc", "a/b.pyc", False),
        ("*.py[cod]", "a.pyo", False),
        ("*.py[cod]", "a.py", True),
        ("a/*/c", "a/b/c/d", False),
        ("*\n!keep", "keep/this", True),
        ("*\n!keep/this", "keep/that", False),
        ("*\n!keep\nkeep/not", "keep/not", False),
        ("*\n!**.md", "deep/er/a.md", True),
        ("*\n! /keep/", "keep", True),
        # What was out already is not said to be out again, so that it stays in.
        ("a\n!a/b/c\na/b", "a/b/c", True),
        # An exception for a folder that is in brings nothing back of what is out in it.
        ("*/b\n!a", "a/b", False),
        ("# data\n\n  ", "data", True),
        (" # data", "data", True),
        (" # data", "# data", False),
        ("\ufeffdata\r\nmore\r\n", "data", False),
        ("a/../data", "data", False),
        ("../data", "data", True),
        ("/../data", "data", False),
        ("Data", "data", True),
        ("**", "anything/at/all", False),
        ("file.tx?", "file.txt", False),
        (r"\*", "a", True),
        (r"\*", "*", False),
    ],
)
def test_rules_of_dockerignore(rules: str, path: str, is_in: bool) -> None:
    assert stays(path, BuilderRules.read(rules)) is is_in


@pytest.mark.parametrize(
    ("rules", "path", "is_in"),
    [
        ("data\n", "data/a.csv", False),
        ("*\n!README.md", "readme.MD", True),
        ("../data", "data", False),
        ("*", "Dockerfile", True),
        ("data\n!**/keep", "data/keep", False),
        ("data\n!data/keep", "data/keep", True),
    ],
)
def test_repo2docker_has_rules_of_its_own(rules: str, path: str, is_in: bool) -> None:
    assert stays(path, LibraryRules.read(rules)) is is_in


@pytest.mark.parametrize("pattern", [r"a\d", "a[b", "[z-a]", "a\\"])
def test_a_rule_that_means_something_else_elsewhere_is_not_guessed(pattern: str) -> None:
    with pytest.raises(NoKey, match=r"\.dockerignore"):
        BuilderRules.read(pattern)


@given(st.text(alphabet="ab*?/!.[]^-\\# \n"), st.text(alphabet="ab/.", min_size=1))
def test_any_rules_are_read_or_refused(rules: str, path: str) -> None:
    path = "/".join(part for part in path.split("/") if part) or "a"
    for read in (BuilderRules.read, LibraryRules.read):
        with suppress(NoKey):
            assert stays(path, read(rules)) in {True, False}


@pytest.mark.parametrize(
    ("files", "read"),
    [
        (("Dockerfile", ".dockerignore"), ".dockerignore"),
        (("Dockerfile", "Dockerfile.dockerignore", ".dockerignore"), "Dockerfile.dockerignore"),
        (("binder/Dockerfile", ".dockerignore"), ".dockerignore"),
        (("binder/apt.txt", "binder/.containerignore", ".dockerignore"), "binder/.containerignore"),
        (("apt.txt", ".dockerignore"), ".dockerignore"),
    ],
)
def test_the_file_that_the_builder_reads_decides(
    tmp_path: Path, files: tuple[str, ...], read: str
) -> None:
    write(tmp_path, {**dict.fromkeys(files, "FROM a\n"), read: "data\n", "data": ""})
    context = read_context(tmp_path)
    assert "data" not in kept(context.files, context.folders, rules_of(context))


# The key


def write(root: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


FILES = {
    "Dockerfile": "FROM base:1\nCOPY . /\n",
    ".dockerignore": "**/*.log\n",
    "a.py": "1",
    "b/c.py": "2",
}


def material(
    root: Path, plan: BuildPlan = PLAN, config: str = "", base: str = "sha256:1"
) -> Material:
    context = read_context(root)
    return material_of(
        plan,
        context,
        # Every file is read; what git knows is tested with a real one elsewhere.
        files=files_of(context, lambda: Known({})),
        repo2docker=REPO2DOCKER,
        config=config,
        resolve=lambda _: base,
        checks="",
    )


def key(root: Path, plan: BuildPlan = PLAN, config: str = "", base: str = "sha256:1") -> str:
    return key_of(material(root, plan, config, base)).value


def images_of(root: Path, plan: BuildPlan = PLAN) -> list[str]:
    return [name for name, _ in material(root, plan).bases]


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
    "a folder of what is ignored": lambda root: write(root, {"new/ignored.log": ""}),
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


def test_the_content_of_a_link_counts_where_repo2docker_reads_it(tmp_path: Path) -> None:
    write(tmp_path, {"docker/Dockerfile": "FROM a\n", ".dockerignore": "docker\n"})
    (tmp_path / "Dockerfile").symlink_to("docker/Dockerfile")
    before = key(tmp_path)
    write(tmp_path, {"docker/Dockerfile": "FROM a\nRUN more\n"})
    assert key(tmp_path) != before


def test_a_configuration_folder_may_be_a_link(tmp_path: Path) -> None:
    write(tmp_path, {"docker/Dockerfile": "FROM own:1\n", "requirements.txt": ""})
    (tmp_path / ".binder").symlink_to("docker")
    assert images_of(tmp_path) == ["own:1"]


@pytest.mark.parametrize("name", [".dockerignore", "image-tests", "Dockerfile"])
def test_a_link_to_itself_does_no_harm(tmp_path: Path, name: str) -> None:
    write(tmp_path, {"requirements.txt": "", "a/Dockerfile": "FROM a\n"})
    (tmp_path / name).symlink_to(name)
    if name == ".dockerignore":
        write(tmp_path, {"Dockerfile": "FROM a\n"})
    assert key(tmp_path)


def test_rules_behind_a_way_out_are_not_guessed(tmp_path: Path) -> None:
    write(tmp_path, {"rules": "a.py\n", "repo/a.py": "1", "repo/Dockerfile": "FROM a\n"})
    (tmp_path / "repo" / ".dockerignore").symlink_to("../rules")
    with pytest.raises(NoKey, match="leads out"):
        key(tmp_path / "repo")


@pytest.mark.parametrize(
    ("plan", "config", "word"),
    [
        (replace(PLAN, extra_args=("--config=other.py",)), "", "EXTRA"),
        (
            replace(PLAN, extra_args=("--DockerEngine.extra_buildx_build_args=--build-arg=X",)),
            "",
            "EXTRA",
        ),
        (replace(PLAN, extra_args=("--Repo2Docker.extra_build_args=BASE=x",)), "", "EXTRA"),
        (replace(PLAN, requirement="jupyter-repo2docker>=2024"), "", "tomorrow"),
        (replace(PLAN, requirement="git+https://github.com/o/r@main"), "", "tomorrow"),
        (replace(PLAN, extra_packages=("plugin",)), "", "tomorrow"),
        (replace(PLAN, requirement="jupyter-repo2docker==2023.1"), "", "base_image"),
        (PLAN, "c.Repo2Docker.base_image = 'x'", "base_image"),
        (PLAN, "import os\nc.Repo2Docker.labels = {'x': os.environ['X']}", "more than"),
        (PLAN, "c.Repo2Docker.appendix = open('x').read()", "more than"),
        (PLAN, "load_subconfig('x.py')", "more than"),
        (PLAN, "c = (", "more than"),
        (PLAN, "c.DockerEngine.extra_buildx_build_args = ['--build-arg=X']", "not known"),
        (PLAN, "c.Repo2Docker.extra_build_args = {'BASE': 'x'}", "not known"),
        (PLAN, "c.Repo2Docker.subdir = 'x'", "not known"),
        (PLAN, "c.Repo2Docker.appendix = 'COPY --from=tools:latest /a /b'", "not known"),
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
    plan = replace(PLAN, extra_args=args, appendix="COPY --from=tools /a /b")
    assert images_of(tmp_path, plan) == [base, "tools"]


def test_settings_of_repo2docker_are_what_they_say(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    config = (
        '"""Ours"""\n# why\nc.Repo2Docker.memory_limit = "4G"\nc.Repo2Docker.labels = {"a": "b"}\n'
    )
    assert key(tmp_path, config=config) != key(tmp_path)


def test_an_image_that_passed_other_checks_is_another_one(tmp_path: Path) -> None:
    write(tmp_path, {"a/Dockerfile": "FROM base:1\n", "image-tests/test_a.py": "1"})
    context = read_context(tmp_path / "a")

    def checks(hub_start: str) -> str:
        return checks_of(CheckPlan(hub_start=hub_start, timeout=1), context, tmp_path)

    first = checks("auto")
    assert first == checks("false") != checks("true")
    write(tmp_path, {"image-tests/test_a.py": "2"})
    assert first != checks("auto")
    second = checks("auto")
    write(tmp_path, {"a/image-tests/test_a.py": "1"})
    assert second != checks("auto")
    inside = checks("auto")
    write(tmp_path, {"image-tests/test_a.py": "3"})
    assert inside == checks("auto")


def test_an_image_may_have_passed_more_than_is_asked(tmp_path: Path) -> None:
    write(tmp_path, {"a/Dockerfile": "FROM base:1\n", "image-tests/test_a.py": "1"})
    context = read_context(tmp_path / "a")
    more, less = (
        checks_of(CheckPlan(hub_start=hub_start, timeout=1), context, tmp_path)
        for hub_start in ("true", "auto")
    )
    assert has_passed(more, less)
    assert has_passed(more, more)
    assert not has_passed(less, more)
    assert not has_passed("", less)
    write(tmp_path, {"image-tests/test_a.py": "2"})
    others = checks_of(CheckPlan(hub_start="auto", timeout=1), context, tmp_path)
    assert not has_passed(more, others)


def test_tests_behind_a_link_count_too(tmp_path: Path) -> None:
    write(tmp_path, {**FILES, ".dockerignore": "more\n", "more/tests/test_a.py": "1"})
    (tmp_path / "image-tests").symlink_to("more/tests")
    before = key(tmp_path)
    write(tmp_path, {"more/tests/test_a.py": "2", "more/other": ""})
    assert key(tmp_path) != before


def test_the_machine_counts(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    assert material(tmp_path).platform == platform.machine()


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
            "checks": st.text(),
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
    paths = kept(context.files, context.folders, None)
    from_git = Known({"a.py": "100644 56a6051ca2b02b04ef92d5150c9ef600403cb1de"})
    assert digest_of(context, reversed(paths), Known({})) == digest_of(context, paths, from_git)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("quay.io/org/base", "quay.io/org/base:latest", True),
        ("debian:12", "docker.io/library/debian:12", True),
        ("org/base", "index.docker.io/org/base:latest", True),
        ("org/base:1", "org/base:2", False),
        ("quay.io/org/base", "org/base", False),
        ("$X", "$X", True),
    ],
)
def test_names_of_one_image(one: str, other: str, same: bool) -> None:
    assert (place_of(one) == place_of(other)) is same
