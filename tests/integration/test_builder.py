"""A builder elsewhere builds, and the image ends up in this engine as ever."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import docker
import pytest

from integration.conftest import Lab, forget_images
from lab.__main__ import environment
from lab.home import find_home
from lab.registry import RunningRegistry
from lab.remote_builder import remote_builder
from r2d_action.event import Event
from r2d_action.inputs import read_inputs
from r2d_action.outcome import Outcome
from r2d_action.process import capture
from r2d_action.runner import Runner
from r2d_action.stages.build import built
from r2d_action.stages.plan import planned
from r2d_action.stages.publish import published
from r2d_action.stages.site import Site
from r2d_action.walk import walk

NAME = "r2d-action-elsewhere"
# The second stage copies one file: what the first one installed is not in the image.
DOCKERFILE = """\
FROM {base} AS compiler
RUN echo compiled > /tmp/program
FROM {base}
COPY --from=compiler /tmp/program /program
"""


@dataclass(frozen=True)
class Elsewhere:
    checkout: Path
    lab: Lab
    registry: RunningRegistry
    said: io.StringIO

    def build(self, **inputs: str) -> Outcome:
        given = {
            "R2D_IMAGE_NAME": "org/elsewhere",
            "R2D_DOCKER_REGISTRY": self.registry.host,
            "R2D_BUILDER": NAME,
            **{f"R2D_{name}": text for name, text in inputs.items()},
        }
        site = Site(
            inputs=read_inputs(given),
            event=Event(workspace=self.checkout, name="push", ref="refs/heads/main"),
            env=self.lab.env,
            temporary=self.checkout.parent / "temporary",
            runner=Runner(stream=self.said),
            now=datetime(2026, 8, 3, tzinfo=timezone.utc),
        )
        return walk((planned, built, published), site)


@pytest.fixture
def elsewhere(
    lab: Lab,
    engine: docker.DockerClient,
    tmp_path: Path,
    new_registry: Callable[..., RunningRegistry],
) -> Iterator[Elsewhere]:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / "Dockerfile").write_text(DOCKERFILE.format(base=lab.plain_image))
    # Only the containerd store can export what it built to other engines.
    other = environment(find_home(), "containerd")["DOCKER_HOST"]
    with remote_builder(other) as address:
        create = ["docker", "buildx", "create", "--name", NAME, "--driver", "remote", address]
        capture(create, env=lab.env).require_success()
        yield Elsewhere(checkout, lab, new_registry(), io.StringIO())
        capture(["docker", "buildx", "rm", NAME], env=lab.env).require_success()
    forget_images(engine, "/org/elsewhere")


def test_the_image_is_in_this_engine_under_all_its_tags(
    elsewhere: Elsewhere, engine: docker.DockerClient
) -> None:
    outcome = elsewhere.build(NO_PUSH="true")
    assert outcome.failure is None, elsewhere.said.getvalue()
    assert 'building with "r2d-action-elsewhere"' in elsewhere.said.getvalue()
    assert outcome.plan
    names = [f"{outcome.plan.repository}:{one.tag}" for one in outcome.plan.tags]
    assert len({engine.images.get(name).id for name in names}) == 1
    assert elsewhere.registry.digest("org/elsewhere", "r2d-cache-main") is None


def test_all_layers_are_kept_for_the_next_run(elsewhere: Elsewhere) -> None:
    outcome = elsewhere.build()
    assert outcome.published, elsewhere.said.getvalue()
    image = outcome.published.digest
    cache = elsewhere.registry.digest("org/elsewhere", "r2d-cache-main")
    assert cache not in (None, str(image))
    assert elsewhere.registry.digest("org/elsewhere", "latest") == str(image)


def test_a_builder_that_does_not_exist_is_refused(elsewhere: Elsewhere) -> None:
    failure = elsewhere.build(BUILDER="nowhere").failure
    assert failure
    assert "BUILDER: there is no builder 'nowhere'" in failure.what
    assert "docker/setup-buildx-action" in failure.what


def test_an_engine_is_no_builder(elsewhere: Elsewhere) -> None:
    failure = elsewhere.build(BUILDER="default").failure
    assert failure
    assert "'default' is an engine itself" in failure.what
    assert elsewhere.registry.digest("org/elsewhere", "latest") is None
