"""What `init` writes is built and checked for real; what cannot be built here is rendered. The
linters of the field find nothing in the workflows."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from http import HTTPStatus
from pathlib import Path
from typing import Any

import docker
import pytest
import requests
import yaml

from integration.conftest import Lab, forget_images
from integration.hub.parts import containers_of, eventually
from lab.home import find_home
from lab.hub import VERIFY_USER, RunningHub, start_hub
from r2d_action.environments import repo2docker_command
from r2d_action.event import Event
from r2d_action.git import Git
from r2d_action.init.answers import Answers, Given, answers, nobody_to_ask
from r2d_action.init.conversion import converted
from r2d_action.init.repository import repository_files, write_new
from r2d_action.init.ways import COMMUNITY, WAYS, WORKFLOW
from r2d_action.inputs import ENV_PREFIX, read_inputs
from r2d_action.outcome import Outcome
from r2d_action.runner import Runner
from r2d_action.stages.site import Site
from r2d_action.walk import BUILD, walk

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "src"
CASES = ROOT / "tests" / "unit" / "init_cases"
# The template's own names, and those of a registry that needs more permissions.
IMAGES = ("quay.io/init-test/image", "ghcr.io/init-test/image", "campus.azurecr.io/init-test")
HOST = "localhost/init-test"
BINARIES = Path(sys.executable).parent
# Our releases are tags that never move; a community's own zizmor is told so, or it objects.
TRUSTED = """\
rules:
  unpinned-uses:
    config:
      policies:
        jupyterhub/r2d-action/*: ref-pin
        "*": hash-pin
"""


def wanted(way: str, base: str | None = None, image: str = IMAGES[0]) -> Answers:
    name = None if way == COMMUNITY.name else image
    return answers(
        Given(way=way, base=base, image=name, hub_repo=name and "team/hub"), nobody_to_ask
    )


def built(folder: Path, lab: Lab) -> Outcome:
    """As a run of the workflow in ``folder`` builds and checks it."""
    git = Git(folder, lab.env)
    git.run("init", "-q", "-b", "main")
    git.run("add", "-A")
    git.run("-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "Start")
    given = yaml.safe_load((folder / WORKFLOW).read_text())["jobs"]["image"]["with"]
    own = {**given, "DOCKER_REGISTRY": "", "IMAGE_NAME": f"{HOST}/{folder.name}", "CACHE": "false"}
    said = io.StringIO()
    site = Site(
        inputs=read_inputs({ENV_PREFIX + name: str(text) for name, text in own.items()}),
        event=Event(workspace=folder, name="push", repository="org/repo", ref="refs/heads/main"),
        env=lab.env,
        temporary=folder.parent / "temporary",
        runner=Runner(stream=said),
        now=datetime(2026, 8, 3, tzinfo=timezone.utc),
    )
    with site.session:
        outcome = walk(BUILD, site)
    assert outcome.failure is None, (outcome.failure, said.getvalue())
    return outcome


@pytest.fixture(scope="module")
def hub(
    lab: Lab, engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningHub]:
    """A real one, of the newest JupyterHub."""
    running = start_hub(
        find_home(),
        tmp_path_factory.mktemp("hub") / "hub",
        bridge_address=lab.env["R2D_LAB_BRIDGE_ADDRESS"],
        image=lab.community_image,
    )
    yield running
    running.stop()
    for container in containers_of(running, engine):
        container.remove(force=True)


def lets_a_user_in(hub: RunningHub, image: str) -> bool:
    """Whether a server of ``image`` starts there, and asks the hub who its visitor is."""
    hub.configure(image)
    hub.ask("POST", f"users/{VERIFY_USER}/server")
    eventually("the server is ready", lambda: hub.servers()[""]["ready"])
    answer = requests.get(
        f"{hub.url}/user/{VERIFY_USER}/api/status",
        headers={"Authorization": f"token {hub.admin_token}"},
        timeout=30,
    )
    hub.ask("DELETE", f"users/{VERIFY_USER}/server")
    eventually("the server is stopped", lambda: not hub.servers())
    return answer.status_code == HTTPStatus.OK


@pytest.fixture(autouse=True)
def _no_images_left(engine: docker.DockerClient) -> Iterator[None]:
    yield
    forget_images(engine, f"{HOST}/")


@pytest.mark.parametrize(
    ("way", "tests"),
    [
        ("community", ["test_notebook.ipynb", "test_packages.py", "test_packages.py"]),
        ("inherit", ["test_notebook.ipynb", "test_packages.py", "test_start.py"]),
        ("own", ["test_notebook.ipynb", "test_packages.py"]),
    ],
)
def test_a_dockerfile_is_built_and_passes_its_checks_and_starts_on_a_hub(
    way: str, tests: list[str], lab: Lab, hub: RunningHub, tmp_path: Path
) -> None:
    folder = tmp_path / way
    takes_base = way != "own"
    write_new(folder, repository_files(wanted(way, lab.community_image if takes_base else None)))
    if not takes_base:
        dockerfile = folder / "Dockerfile"
        text = re.sub(r"(?m)^FROM .*", f"FROM {lab.base_image}", dockerfile.read_text())
        dockerfile.write_text(text)
    outcome = built(folder, lab)
    checked = outcome.checked
    assert checked is not None
    assert checked.hub_start is not None
    assert checked.hub_start.ok
    assert checked.tests is not None
    assert sorted(one.name.split("::")[0].split("/")[-1] for one in checked.tests.tests) == tests
    assert outcome.plan is not None
    assert lets_a_user_in(hub, outcome.plan.commit_reference.tagged_name)


def test_packages_of_conda_become_a_dockerfile(lab: Lab, tmp_path: Path) -> None:
    folder = tmp_path / "image"
    write_new(folder, repository_files(wanted("repo2docker")))
    command = repo2docker_command(
        "", (), env=lab.env, temporary=tmp_path, cwd=folder, say=lambda _text: None
    )
    argv = [*command, "--no-build", "--debug", "--target-repo-dir=/srv/repo", str(folder)]
    done = subprocess.run(argv, capture_output=True, text=True, env=dict(lab.env))
    assert done.returncode == 0, done.stderr
    rendered = done.stdout + done.stderr
    assert "python=3.12" in rendered
    assert 'env update -p ${NB_PYTHON_PREFIX} --file "environment.yml"' in rendered
    assert "src/environment.yml ${REPO_DIR}/environment.yml" in rendered


def test_at_a_terminal_it_asks(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    os.write(ours, b"none of these\nown\nteam/image\nghcr.io\n\n")
    code = "from r2d_action.cli import init, main; main.main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "init", tmp_path / "image"],
        stdin=theirs,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
    )
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["way"] == "own"
    assert "  own          write the whole Dockerfile yourself\n" in done.stderr
    assert "'none of these' is not one of" in done.stderr
    assert "Which registry? [quay.io] " in done.stderr
    workflow = (tmp_path / "image" / WORKFLOW).read_text()
    assert "DOCKER_REGISTRY: ghcr.io\n      IMAGE_NAME: team/image\n" in workflow


# The linters ---------------------------------------------------------------------------------


def lint(*arguments: Any) -> str:
    """What a linter finds; empty when it finds nothing."""
    name, *rest = map(str, arguments)
    done = subprocess.run([BINARIES / name, *rest], capture_output=True, text=True)
    return done.stdout + done.stderr if done.returncode else ""


def schema(*files: Path, name: str = "workflows") -> str:
    return lint("check-jsonschema", "--builtin-schema", f"vendor.{name}", *files)


def zizmor(folder: Path, *files: Path) -> str:
    config = folder / "trusted.yml"
    config.write_text(TRUSTED)
    arguments = ("--quiet", "--offline", "--persona", "pedantic", "--config", config)
    return lint("zizmor", *arguments, *files)


def test_workflows_of_each_way_are_in_order(tmp_path: Path) -> None:
    for way in WAYS:
        for number, image in enumerate(IMAGES):
            write_new(tmp_path / f"{way}-{number}", repository_files(wanted(way, image=image)))
    workflows = sorted(tmp_path.glob(f"*/{WORKFLOW}"))
    dependabot = sorted(tmp_path.glob("*/.github/dependabot.yml"))
    assert len(workflows) == len(dependabot) == len(WAYS) * len(IMAGES)
    assert schema(*workflows, name="github-workflows") == ""
    assert schema(*dependabot, name="dependabot") == ""
    assert zizmor(tmp_path, *workflows, *dependabot) == ""


def test_converted_workflows_are_as_good_as_before(tmp_path: Path) -> None:
    # This linter's parser knows no tabs before comments, which YAML allows.
    before = [path for path in sorted(CASES.glob("*/before.yml")) if path.parent.name != "tabs"]
    assert schema(*before, name="github-workflows") == ""
    after = []
    for case in before:
        result = converted(case.read_bytes().decode(), WORKFLOW)
        assert result is not None
        folder = tmp_path / case.parent.name / ".github" / "workflows"
        folder.mkdir(parents=True)
        (folder / "image.yml").write_bytes(result.text.encode())
        after.append(folder / "image.yml")
    assert schema(*after, name="github-workflows") == ""


def test_a_workflow_without_a_finding_still_has_none(tmp_path: Path) -> None:
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    case = CASES / "pinned-commit"
    for name in ("before", "after"):
        (folder / f"{name}.yml").write_bytes((case / f"{name}.yml").read_bytes())
    assert zizmor(tmp_path, folder / "before.yml") == ""
    assert zizmor(tmp_path, folder / "after.yml") == ""
