"""What makes a workflow run decides what is built, what is pushed and what it is called."""

from __future__ import annotations

import pytest

from e2e.accounts import PASSWORD
from e2e.act import Run
from e2e.project import NEEDS, REPOSITORY, Project
from e2e.registry import RegistryView

WORKFLOW = """\
on: [push, pull_request, workflow_dispatch]
jobs:
  build:
    runs-on: ubuntu-latest
    outputs:
      IMAGE_SHA_TAG: ${{ steps.image.outputs.IMAGE_SHA_TAG }}
      IMAGE_TAGS: ${{ steps.image.outputs.IMAGE_TAGS }}
      PUSH_STATUS: ${{ steps.image.outputs.PUSH_STATUS }}
    steps:
      - uses: actions/checkout@v4
        with: @WITH@
      - id: image
        uses: jupyterhub/repo2docker-action@master
        with:
          DOCKER_REGISTRY: ${{ vars.REGISTRY }}
          DOCKER_USERNAME: ${{ secrets.USERNAME }}
          DOCKER_PASSWORD: ${{ secrets.PASSWORD }}
          IMAGE_NAME: @NAME@
          TAGS: "{branch} pr-{pr}"
      - run: |
          echo "$GITHUB_SHA" > "$REPORT/event-sha"
          docker image inspect "$IMAGE" > "$REPORT/image.json"
          docker run --rm "$IMAGE" ls /srv/repo > "$REPORT/built-from"
        env:
          IMAGE: ${{ steps.image.outputs.IMAGE_SHA_NAME }}
  last:""" + NEEDS.format(jobs="build")
DEPENDABOT = "dependabot[bot]"
LOGIN = {"USERNAME": "ann", "PASSWORD": PASSWORD}
HEAD_OF_THE_BRANCH = "{ ref: '${{ github.event.pull_request.head.sha }}' }"


def workflow(name: str, checkout: str = "{}") -> str:
    return WORKFLOW.replace("@NAME@", f"events/{name}").replace("@WITH@", checkout)


def start_pull_request(project: Project, text: str) -> str:
    """Leave the trial merge checked out, as GitHub does; the answer is the branch's head."""
    project.save_workflow(text)
    project.git("checkout", "--quiet", "-b", "idea")
    project.write("idea.txt", "idea\n")
    head = project.commit("Idea")
    project.git("checkout", "--quiet", "main")
    project.write("base.txt", "base\n")
    project.commit("Meanwhile")
    project.git("checkout", "--quiet", "--detach")
    project.git("merge", "--quiet", "--no-ff", "-m", "Trial merge", "idea")
    return head


def test_push(project: Project, pushed: RegistryView) -> None:
    run = project.run(workflow("push"), secrets=LOGIN).require_success()
    assert pushed.tags("events/push") == {project.tag, "latest", "main"}
    assert run.evidence("event-sha").strip() == project.head


REUSING = """\
on: [push, workflow_dispatch]
jobs:
  build:
    runs-on: ubuntu-latest
    outputs:
      BUILD_STATUS: ${{ steps.image.outputs.BUILD_STATUS }}
      IMAGE_SHA_TAG: ${{ steps.image.outputs.IMAGE_SHA_TAG }}
    steps:
      - uses: actions/checkout@v4
      - id: image
        uses: jupyterhub/repo2docker-action@master
        with:
          DOCKER_REGISTRY: ${{ vars.REGISTRY }}
          DOCKER_USERNAME: ${{ secrets.USERNAME }}
          DOCKER_PASSWORD: ${{ secrets.PASSWORD }}
          IMAGE_NAME: events/reuse
  last:""" + NEEDS.format(jobs="build")


def test_push_of_the_same_files_is_not_built_again_but_a_rebuild_is(
    project: Project, pushed: RegistryView
) -> None:
    project.write(".dockerignore", "docs\n.github\n")
    first = project.run(REUSING, secrets=LOGIN).require_success()
    assert first.outputs("build")["BUILD_STATUS"] == "built"
    digest = pushed.digest("events/reuse", project.tag)
    project.write("docs/page.md", "words\n")
    project.commit()
    second = project.happen(project.push(), LOGIN).require_success()
    assert second.outputs("build")["BUILD_STATUS"] == "reused"
    assert pushed.digest("events/reuse", project.tag) == digest
    assert pushed.digest("events/reuse", "latest") == digest
    assert "Nothing was built" in second.summary
    rebuilt = project.happen(project.workflow_dispatch(), LOGIN).require_success()
    outputs = rebuilt.outputs("build")
    assert outputs["BUILD_STATUS"] == "built"
    assert outputs["IMAGE_SHA_TAG"].startswith(f"{project.tag}-")
    assert outputs["IMAGE_SHA_TAG"] in pushed.tags("events/reuse")


def test_workflow_dispatch(project: Project, pushed: RegistryView) -> None:
    project.save_workflow(workflow("dispatch"))
    project.happen(project.workflow_dispatch(), LOGIN).require_success()
    assert pushed.tags("events/dispatch") == {project.tag, "latest", "main"}


class TestPullRequestOfTheSameRepository:
    def test_pushes_its_commit_and_leaves_latest_alone(
        self, project: Project, pushed: RegistryView
    ) -> None:
        head = start_pull_request(project, workflow("same"))
        run = project.happen(project.pull_request(head=head), LOGIN).require_success()
        assert pushed.tags("events/same") == {project.tag, "pr-7"}
        assert run.evidence("built-from").split() == [
            "Dockerfile",
            "base.txt",
            "idea.txt",
            "notebook.ipynb",
        ]
        # In the engine the image has the tag all the same: later steps ask for it.
        assert f"{pushed.host}/events/same:latest" in run.evidence("image.json")
        assert set(run.outputs("build")["IMAGE_TAGS"].split()) == {project.tag, "pr-7"}

    def test_tag_names_the_commit_that_is_checked_out(
        self, project: Project, pushed: RegistryView
    ) -> None:
        head = start_pull_request(project, workflow("head", HEAD_OF_THE_BRANCH))
        use_as_remote(project)
        run = project.happen(project.pull_request(head=head), LOGIN).require_success()
        assert run.evidence("event-sha").strip() == project.head != head
        assert run.evidence("built-from").split() == ["Dockerfile", "idea.txt", "notebook.ipynb"]
        assert pushed.tags("events/head") == {head[:12], "pr-7"}
        assert run.outputs("build")["IMAGE_SHA_TAG"] == head[:12]


def use_as_remote(project: Project) -> None:
    """Let what GitHub has be the project itself."""
    address = f"url.{project.directory.as_uri()}.insteadOf"
    project.git("config", "--global", address, f"https://github.com/{REPOSITORY}")


class TestWithoutSecrets:
    def build(self, project: Project, name: str, of: str, actor: str) -> Run:
        head = start_pull_request(project, workflow(name))
        event = project.pull_request(head=head, of=of, actor=actor)
        return project.happen(event).require_success()

    @pytest.mark.parametrize(
        ("of", "actor", "reason"),
        [
            ("visitor/Course-Image", "visitor", "comes from a fork"),
            (REPOSITORY, DEPENDABOT, "Dependabot started this run"),
        ],
        ids=["fork", "dependabot"],
    )
    def test_builds_says_why_nothing_is_pushed_and_succeeds(
        self, of: str, actor: str, reason: str, project: Project, pushed: RegistryView
    ) -> None:
        name = "dependabot" if of == REPOSITORY else "fork"
        run = self.build(project, name, of, actor)
        assert any(line.startswith("push ") and reason in line for line in run.lines)
        assert reason in run.summary
        assert pushed.tags(f"events/{name}") == set()
        assert run.evidence("built-from").split() == [
            "Dockerfile",
            "base.txt",
            "idea.txt",
            "notebook.ipynb",
        ]
        assert run.outputs("build")["PUSH_STATUS"] == "false"
        assert run.outputs("build")["IMAGE_SHA_TAG"] == project.tag

    def test_fork_publishes_nothing_even_with_a_password(
        self, project: Project, pushed: RegistryView
    ) -> None:
        head = start_pull_request(project, workflow("trusting-fork"))
        event = project.pull_request(head=head, of="visitor/Course-Image", actor="visitor")
        run = project.happen(event, LOGIN).require_success()
        assert pushed.tags("events/trusting-fork") == set()
        assert run.outputs("build")["PUSH_STATUS"] == "false"

    def test_dependabot_pushes_nothing_on_a_push_either(
        self, project: Project, pushed: RegistryView
    ) -> None:
        project.save_workflow(workflow("dependabot-push"))
        run = project.happen(project.push(actor=DEPENDABOT)).require_success()
        assert pushed.tags("events/dependabot-push") == set()
        assert run.outputs("build")["PUSH_STATUS"] == "false"
