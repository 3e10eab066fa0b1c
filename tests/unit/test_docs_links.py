"""The links of all pages: those to files and headings lead there, those to elsewhere can.

Whether there is something elsewhere is asked by `script/docs linkcheck`, once a week.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from pages import DOCS, EXAMPLES, PAGES, README, ROOT, TEMPLATE, each_page, named, prose_in
from r2d_action import HOME
from r2d_action.init import logins
from r2d_action.init.answers import IMAGE, Given, answers, nobody_to_ask
from r2d_action.init.repository import repository_files
from r2d_action.init.ways import COMMUNITY, WAYS

SOURCES = sorted(
    path
    for pattern in ("src/**/*.py", "src/**/*.in", "action.yml", ".github/workflows/*.yml")
    for path in ROOT.glob(pattern)
)
HOSTS = (
    "quay.io",
    "docker.io",
    "ghcr.io",
    "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
    "europe-west4-docker.pkg.dev",
    "campus.azurecr.io",
    "registry.example.org",
)
HERE = re.compile(rf"https://github\.com/{HOME}/(?:blob|tree)/main/([^\s)\"'{{}}]+)")
# Code is not looked at for links: `[text](address)` may be an example.
SPAN = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)


def addresses_in(text: str) -> Iterator[str]:
    """Of links in all their forms. Raises :class:`KeyError` for one that is defined nowhere."""
    prose = SPAN.sub("code", prose_in(text))
    defined = dict(re.findall(r"^\[([^\]]+)\]: (\S+)$", prose, re.MULTILINE))
    yield from defined.values()
    yield from re.findall(r"\]\(([^)\s]+)\)", prose)
    yield from re.findall(r"<(\w+:[^>\s]+)>", prose)
    yield from re.findall(r"\b(?:href|src)=\"([^\"]+)\"", prose)
    for label in re.findall(r"\]\[([^\]]+)\]", prose):
        yield defined[label]


def is_outside(address: str) -> bool:
    return re.match(r"\w+:", address) is not None


def targets_of(page: Path) -> Iterator[tuple[Path, str]]:
    """File and anchor of each link that stays in the repository."""
    for address in addresses_in(page.read_text()):
        here = HERE.match(address)
        if here or not is_outside(address):
            path, _, anchor = (here[1] if here else address).partition("#")
            home = ROOT if here else page.parent
            yield (home / unquote(path)).resolve() if path else page, anchor


@cache
def anchors_of(page: Path) -> frozenset[str]:
    """The names that GitHub gives to headings: of equal ones, the second gets a number."""
    headings = re.findall(r"^#+ (.+)$", prose_in(page.read_text()), re.MULTILINE)
    texts = (re.sub(r"\[(.*?)\]\(.*?\)", r"\1", heading) for heading in headings)
    slugs = [re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in texts]
    seen: Counter[str] = Counter()
    anchors = []
    for slug in slugs:
        anchors.append(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return frozenset(anchors)


def require_files_and_headings(page: Path) -> None:
    for target, anchor in targets_of(page):
        assert target.exists(), target
        assert not anchor or anchor in anchors_of(target), f"{target}#{anchor}"


def require_whole_and_safe(page: Path) -> None:
    for address in filter(is_outside, addresses_in(page.read_text())):
        parts = urlsplit(address)
        assert parts.scheme == "https", address
        assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", parts.netloc), address
        assert re.fullmatch(r"[!-~]+[^.,;:]", address), address


@each_page
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    require_files_and_headings(page)


@each_page
def test_links_to_elsewhere_are_whole_and_safe(page: Path) -> None:
    require_whole_and_safe(page)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("host", HOSTS)
def test_links_in_the_readme_of_a_new_repository(way: str, host: str, tmp_path: Path) -> None:
    given = Given(way=way) if way == COMMUNITY.name else Given(way=way, registry=host, image=IMAGE)
    page = tmp_path / "README.md"
    page.write_text(repository_files(answers(given, nobody_to_ask))[page.name])
    require_files_and_headings(page)
    require_whole_and_safe(page)


def test_the_readme_of_the_template_links_to_nothing_that_a_community_does_not_get() -> None:
    page = TEMPLATE / "README.md"
    paths = [one for one in addresses_in(page.read_text()) if not is_outside(one)]
    assert all((page.parent / path).resolve().is_relative_to(TEMPLATE) for path in paths)


def test_there_are_links_to_look_at() -> None:
    found = [address for page in PAGES for address in addresses_in(page.read_text())]
    assert len([one for one in found if is_outside(one)]) > 50
    assert len([one for one in found if not is_outside(one)]) > 200


@pytest.mark.parametrize("source", SOURCES, ids=named)
def test_pages_that_the_code_names_exist(source: Path) -> None:
    text = source.read_text().replace("{DOCS}", logins.DOCS).replace("%{home}", HOME)
    text = text.replace("{HOME}", HOME)
    for address in (*HERE.findall(text), *re.findall(r"(?<![\w/.])docs/[\w/-]+\.md\b", text)):
        path, _, anchor = address.rstrip(".,`").partition("#")
        if "{" not in path:
            assert (ROOT / path).exists(), address
            assert not anchor or anchor in anchors_of(ROOT / path), address


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_every_example_is_linked_from_a_page(example: Path) -> None:
    assert any(example in (target for target, _ in targets_of(page)) for page in PAGES)


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), [README]
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            waiting += [target for target, _ in targets_of(page) if target.suffix == ".md"]
    assert set(DOCS.glob("**/*.md")) <= reached
