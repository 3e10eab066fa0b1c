"""Logins that users leave on the runner: they work, and they stay out of the image."""

from __future__ import annotations

import base64
import json

import pytest

from e2e.accounts import PASSWORD, USER
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
# As actions/checkout leaves it, for the steps that push.
KEPT_GIT = """\
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: |
          git config http.https://github.com/.extraheader "AUTHORIZATION: basic $TOKEN"
          git config url."https://x-access-token:$TOKEN@github.com/".insteadOf https://github.com/
          cp .git/config "$REPORT/git-config"
        env:
          TOKEN: ${{ secrets.TOKEN }}
      - uses: jupyterhub/repo2docker-action@master
        with:
          DOCKER_REGISTRY: ${{ vars.REGISTRY }}
          DOCKER_USERNAME: ann
          DOCKER_PASSWORD: ${{ secrets.PASSWORD }}
          IMAGE_NAME: logins/git
          KEEP_GIT: true
"""
GOOGLE_LOGIN = "gha-creds-0123456789abcdef.json"
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


def base64_login() -> bytes:
    """What docker keeps in its configuration."""
    return base64.b64encode(f"{USER}:{PASSWORD}".encode())


def contents(pushed: RegistryView, project: Project, repository: str) -> list[tuple[str, bytes]]:
    found = list(pushed.files(repository, project.tag))
    # So that no test looks for secrets where there is nothing to look at.
    assert "srv/repo/notebook.ipynb" in {path for path, _ in found}
    return found


def holding(found: list[tuple[str, bytes]], *secrets: bytes) -> list[str]:
    return [path for path, content in found if any(secret in content for secret in secrets)]


def test_unexpanded_home_works_and_stays_out_of_the_image(
    project: Project, pushed: RegistryView
) -> None:
    run = project.run(UNEXPANDED, secrets={"PASSWORD": PASSWORD}).require_success()
    login = run.evidence("before.json")
    assert base64_login().decode() in login
    assert pushed.tags("logins/unexpanded") == {project.tag, "latest"}
    found = contents(pushed, project, "logins/unexpanded")
    assert holding(found, PASSWORD.encode(), base64_login()) == []
    assert [path for path, _ in found if "$HOME" in path or ".docker" in path] == []
    assert [path for path, _ in found if path.startswith("srv/repo/.git/")] == []
    warning = next(text for text in run.annotations("warning") if ".docker" in text)
    assert warning.startswith("$HOME/.docker/config.json holds the login of docker")
    # The user's own login is left as it was.
    assert run.evidence("after.json") == login
    assert run.evidence("after.files") == run.evidence("before.files")


def test_other_credential_files_stay_out_of_the_image_and_are_named(
    project: Project, pushed: RegistryView
) -> None:
    secrets = {"PASSWORD": PASSWORD, "TOKEN": TOKEN, "KEY": KEY}
    run = project.run(OTHER_FILES, secrets=secrets).require_success()
    workspace = run.evidence("workspace").split()
    assert {".netrc", GOOGLE_LOGIN, "data"} <= set(workspace)
    assert run.evidence("workspace-after").split() == workspace
    found = contents(pushed, project, "logins/files")
    assert holding(found, TOKEN.encode(), PRIVATE_KEY.encode()) == []
    named = {text.partition(" ")[0] for text in run.annotations("warning")}
    assert {".netrc", GOOGLE_LOGIN, "data/.docker/config.json"} <= named


def test_kept_git_folder_has_no_token(project: Project, pushed: RegistryView) -> None:
    run = project.run(KEPT_GIT, secrets={"PASSWORD": PASSWORD, "TOKEN": TOKEN}).require_success()
    assert TOKEN in run.evidence("git-config")
    found = contents(pushed, project, "logins/git")
    assert "srv/repo/.git/config" in {path for path, _ in found}
    assert holding(found, TOKEN.encode()) == []


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
