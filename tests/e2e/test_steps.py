"""Several steps of ours in one job: none of them leaves anything but its image behind."""

from __future__ import annotations

import docker
import pytest

from e2e.conftest import PASSWORD
from e2e.project import Project
from e2e.registry import RegistryView

STEP = """
      - uses: jupyterhub/repo2docker-action@master
        with:
          DOCKER_REGISTRY: ${{ vars.REGISTRY }}
          DOCKER_USERNAME: ann
          DOCKER_PASSWORD: ${{ secrets.PASSWORD }}
          IMAGE_NAME: @ACCOUNT@/@NAME@
          @MORE@"""
# Owner, mode, size, time and links of everything, and the bytes of every file.
SNAPSHOT = """
      - run: |
          {
            find . -not -path './.git*/*' -printf '%p %y %m %U:%G %s %T@ %n %l\\n' | sort
            find . -type f -not -path './.git/*' -exec sha256sum {} + | sort
            sha256sum .git/config .git/HEAD .git/refs/heads/main
          } > "$REPORT/@NAME@"
"""
WORKFLOW = """\
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: |
          chmod 640 notebook.ipynb
          chown -R 1234:4321 .
""" + SNAPSHOT.replace("@NAME@", "before")
AFTER = (
    SNAPSHOT.replace("@NAME@", "after")
    + """
      - run: |
          git -c safe.directory='*' status --porcelain --ignored > "$REPORT/status"
          find "$RUNNER_TEMP" "$TMPDIR" -mindepth 1 > "$REPORT/temporary"
"""
)
# Images built on one another, from folders of their own.
FOLDERS = {"base": "SUBDIR: images/base", "top": "REPO2DOCKER_EXTRA_ARGS: --subdir images/top"}


def step(account: str, name: str) -> str:
    text = STEP.replace("@ACCOUNT@", account).replace("@NAME@", name)
    return text.replace("@MORE@", FOLDERS.get(name, ""))


def containers(engine: docker.DockerClient) -> set[str]:
    """Of these tests: a machine's engine may have others come and go."""
    found = engine.containers.list(all=True, ignore_removed=True)
    return {one.name or "" for one in found if "/steps-" in str(one.attrs["Config"]["Image"])}


@pytest.mark.parametrize("names", [("base", "top"), ("base", "top", "whole")], ids=len)
def test_steps_of_one_job(
    names: tuple[str, ...], project: Project, pushed: RegistryView, engine: docker.DockerClient
) -> None:
    account = f"steps-{len(names)}"
    base = (project.directory / "Dockerfile").read_text()
    project.write("images/base/Dockerfile", base)
    project.write("images/top/Dockerfile", f"FROM {pushed.host}/{account}/base\nCOPY . /top\n")
    (project.directory / "link").symlink_to("notebook.ipynb")
    steps = "".join(step(account, name) for name in names)
    run = project.run(WORKFLOW + steps + AFTER, secrets={"PASSWORD": PASSWORD}).require_success()
    assert run.evidence("after") == run.evidence("before")
    assert " 1234:4321 " in run.evidence("after")
    # The change of mode is what the workflow itself has made.
    assert run.evidence("status").splitlines() == []
    assert run.evidence("temporary") == ""
    assert containers(engine) == set()
    for name in names:
        assert pushed.tags(f"{account}/{name}") == {project.tag, "latest"}
