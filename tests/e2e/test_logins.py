"""Logins that users leave on the runner: they work, and they stay out of the image."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest

from e2e.act import Run
from e2e.conftest import PASSWORD, USER
from e2e.project import Project
from e2e.registry import RegistryView

# As 65 of the workflows in the wild have it. Nobody expands this variable: docker makes a
# folder of the workspace of it.
UNEXPANDED = """\
on: push
env:
  DOCKER_CONFIG: $HOME/.docker
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: docker/login-action@v3
        with:
          registry: ${{ vars.REGISTRY }}
          username: ann
          password: ${{ secrets.PASSWORD }}
      - run: |
          cp './$HOME/.docker/config.json' "$REPORT/before.json"
          find . -not -path './.git/*' | sort > "$REPORT/before.files"
      - uses: jupyterhub/repo2docker-action@master
        with:
          DOCKER_REGISTRY: ${{ vars.REGISTRY }}
          IMAGE_NAME: logins/unexpanded
      - run: |
          cp './$HOME/.docker/config.json' "$REPORT/after.json"
          find . -not -path './.git/*' | sort > "$REPORT/after.files"
"""
OTHER_FILES = """\
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: google-github-actions/auth@v2
        with:
          credentials_json: ${{ secrets.KEY }}
      - run: |
          echo "machine example.org login ann password $PASSWORD" > .netrc
          mkdir -p data/.docker
          echo "{\\"auths\\": {\\"x\\": {\\"auth\\": \\"$PASSWORD\\"}}}" > data/.docker/config.json
        env:
          PASSWORD: ${{ secrets.TOKEN }}
      - run: ls -A > "$REPORT/workspace"
      - uses: jupyterhub/repo2docker-action@master
        with:
          DOCKER_REGISTRY: ${{ vars.REGISTRY }}
          DOCKER_USERNAME: ann
          DOCKER_PASSWORD: ${{ secrets.PASSWORD }}
          IMAGE_NAME: logins/files
      - run: ls -A > "$REPORT/workspace-after"
"""
TOKEN = "not-for-anybody-0123456789"
KEY = '{"type": "service_account", "private_key": "not-for-anybody-9876543210"}'
PRIVATE_KEY = "not-for-anybody-9876543210"

HELPER = """\
#!/bin/sh
# The protocol of docker-credential-helpers: a host comes in, a login goes out.
read -r host
echo "$1 $host" >> "$REPORT/asked"
case "$1 $host" in
  "get $REGISTRY") cat "$HOME/login.json" ;;
  *) echo "credentials not found in native keychain"; exit 1 ;;
esac
"""


def credential_forms() -> Iterator[bytes]:
    yield PASSWORD.encode()
    yield base64.b64encode(PASSWORD.encode())
    yield base64.b64encode(f"{USER}:{PASSWORD}".encode())


def contents(pushed: RegistryView, project: Project, repository: str) -> list[tuple[str, bytes]]:
    found = list(pushed.files(repository, project.tag))
    # So that no test looks for secrets where there is nothing to look at.
    assert "srv/repo/notebook.ipynb" in {path for path, _ in found}
    return found


def holding(found: list[tuple[str, bytes]], *secrets: bytes) -> list[str]:
    return [path for path, content in found if any(secret in content for secret in secrets)]


@pytest.fixture
def unexpanded(project: Project) -> Run:
    return project.run(UNEXPANDED, secrets={"PASSWORD": PASSWORD}).require_success()


class TestUnexpandedHome:
    def test_login_in_the_workspace_pushes_and_stays_out_of_the_image(
        self, unexpanded: Run, project: Project, pushed: RegistryView
    ) -> None:
        login = unexpanded.evidence("before.json")
        assert list(credential_forms())[2].decode() in login
        assert pushed.tags("logins/unexpanded") == {project.tag, "latest"}
        found = contents(pushed, project, "logins/unexpanded")
        assert holding(found, *credential_forms()) == []
        assert [path for path, _ in found if "$HOME" in path or ".docker" in path] == []
        assert [path for path, _ in found if path.startswith("srv/repo/.git/")] == []
        # The user's own login is left as it was.
        assert unexpanded.evidence("after.json") == login
        assert unexpanded.evidence("after.files") == unexpanded.evidence("before.files")
        warning = next(text for text in unexpanded.annotations("warning") if ".docker" in text)
        assert warning.startswith("$HOME/.docker/config.json holds the login of docker")


class TestOtherCredentialFiles:
    def test_stay_out_of_the_image_and_are_named(
        self, project: Project, pushed: RegistryView
    ) -> None:
        secrets = {"PASSWORD": PASSWORD, "TOKEN": TOKEN, "KEY": KEY}
        run = project.run(OTHER_FILES, secrets=secrets).require_success()
        workspace = run.evidence("workspace").split()
        assert {".netrc", "gha-creds-0123456789abcdef.json", "data"} <= set(workspace)
        assert run.evidence("workspace-after").split() == workspace
        found = contents(pushed, project, "logins/files")
        assert holding(found, TOKEN.encode(), PRIVATE_KEY.encode()) == []
        named = {text.partition(" ")[0] for text in run.annotations("warning")}
        assert {
            ".netrc",
            "gha-creds-0123456789abcdef.json",
            "data/.docker/config.json",
        } <= named


class TestLoginOfTheRunner:
    def test_of_an_earlier_step(self, project: Project, pushed: RegistryView) -> None:
        workflow = UNEXPANDED.replace("env:\n  DOCKER_CONFIG: $HOME/.docker\n", "")
        workflow = workflow.replace("./$HOME", "'\"$HOME\"'").replace("unexpanded", "step")
        run = project.run(workflow, secrets={"PASSWORD": PASSWORD}).require_success()
        assert pushed.tags("logins/step") == {project.tag, "latest"}
        assert run.evidence("after.json") == run.evidence("before.json")

    @pytest.mark.parametrize(
        "config",
        ['{"credHelpers": {"@REGISTRY@": "campus"}}', '{"credsStore": "campus"}'],
        ids=["credHelpers", "credsStore"],
    )
    def test_of_a_credential_helper(
        self, config: str, project: Project, pushed: RegistryView
    ) -> None:
        name = "logins/" + ("helper" if "credHelpers" in config else "store")
        workflow = f"""\
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    env:
      REGISTRY: ${{{{ vars.REGISTRY }}}}
    steps:
      - uses: actions/checkout@v4
      - run: |
          install -D .ci/helper "$HOME/bin/docker-credential-campus"
          echo "$HOME/bin" >> "$GITHUB_PATH"
          mkdir "$HOME/.docker"
          echo '{config.replace("@REGISTRY@", pushed.host)}' > "$HOME/.docker/config.json"
          printf %s "$LOGIN" > "$HOME/login.json"
        env:
          LOGIN: ${{{{ secrets.LOGIN }}}}
      - uses: jupyterhub/repo2docker-action@master
        with:
          DOCKER_REGISTRY: ${{{{ vars.REGISTRY }}}}
          IMAGE_NAME: {name}
"""
        project.write(".ci/helper", HELPER)
        login = json.dumps({"ServerURL": pushed.host, "Username": USER, "Secret": PASSWORD})
        run = project.run(workflow, secrets={"LOGIN": login}).require_success()
        assert pushed.tags(name) == {project.tag, "latest"}
        assert f"get {pushed.host}" in run.evidence("asked").splitlines()
