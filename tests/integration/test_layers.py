"""Layers of earlier images serve again, on engines that have never seen them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import requests

from integration.conftest import Lab
from integration.repo import IMAGE, NOON, Repo, repo
from lab.engine import STORES, start_engine, stop_engine
from lab.home import Home, find_home
from r2d_action.registry.manifest import MANIFEST_TYPES
from r2d_action.walk import RUN, walk

__all__ = ["repo"]


@dataclass(frozen=True)
class Runners(Home):
    """Where an engine lives that is as new as a hosted runner's, time and again."""

    def engine(self, store: str) -> Path:
        return self.root / f"runner-{store}"


@pytest.fixture
def on_a_new_runner(repo: Repo, lab: Lab) -> Iterator[Callable[[], list[str]]]:
    """Runs, and gives the digests of the image's layers. A step that is carried out again makes
    another one: the time is in it. (What the builder says of a step does not tell: a layer that
    it fetched late is not called cached.)"""
    home = Runners(find_home().root)
    (store,) = (store for store in STORES if store == lab.env["R2D_LAB_STORE"])

    def run() -> list[str]:
        shutil.rmtree(home.engine(store), ignore_errors=True)
        engine = start_engine(home, store)
        try:
            env = {**lab.env, **engine.environment(home)}
            replace(repo, lab=replace(lab, env=env)).run()
        finally:
            stop_engine(home, engine)
        accept = {"Accept": ", ".join(MANIFEST_TYPES)}
        url = f"http://{repo.registry.host}/v2/{IMAGE}/manifests/latest"
        manifest = requests.get(url, headers=accept, timeout=30).json()
        return [layer["digest"] for layer in manifest["layers"]]

    yield run
    shutil.rmtree(home.engine(store))


def test_layers_of_the_branch_serve_again(
    repo: Repo, lab: Lab, on_a_new_runner: Callable[[], list[str]]
) -> None:
    """Also those that the newest image took from an earlier one, of which it does not tell where
    the engine has the older kind of image store."""
    (repo.checkout / "Dockerfile").write_text(
        f"FROM {lab.plain_image}\nRUN id > /tmp/id\n"
        "COPY environment.yml /tmp/\nRUN cp /tmp/environment.yml /tmp/installed\n"
        "COPY data.txt /data.txt\n"
    )
    repo.commit(environment_yml="1")
    *first, _ = on_a_new_runner()
    for text in ("other", "yet another"):
        repo.commit(data_txt=text)
        assert on_a_new_runner()[:-1] == first
    repo.commit(environment_yml="2")
    *second, _ = on_a_new_runner()
    assert second[:-2] == first[:-2]
    assert not set(second[-2:]) & set(first)
    for text in ("something", "something else"):
        repo.commit(data_txt=text)
        assert on_a_new_runner()[:-1] == second


def test_a_new_branch_starts_from_the_branch_that_it_comes_from(repo: Repo) -> None:
    repo.git.run("push", "-q", "origin", "HEAD:staging")
    site = repo.site("push", NOON, {}, {})
    staging = replace(site, event=replace(site.event, ref="refs/heads/staging"))
    assert walk(RUN, staging).published
    clone = repo.clone(repo.checkout.parent / "clone")
    commit = repo.git.head[:12]
    clone.commit(data_txt="of a new branch")
    site = clone.site("push", NOON, {}, {})
    walk(RUN, replace(site, event=replace(site.event, ref="refs/heads/new")))
    there = f"{repo.registry.host}/{IMAGE}@{repo.digest(commit)}"
    assert f"importing cache manifest from {there}" in clone.said.getvalue()
