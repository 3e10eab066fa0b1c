from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress

import docker
import pytest

from integration.check_images import Kitchen, kitchen
from integration.conftest import Lab
from r2d_action.check.container import throw_away
from r2d_action.check.diagnosis import Reason
from r2d_action.check.hub_start import HubStart, start_as_on_a_hub
from r2d_action.errors import EngineError
from r2d_action.runner import Runner

# Of a slow machine; only the image that never answers uses up its own, shorter time.
PATIENCE = 120.0
BRIEF = 12.0
ENGINES_OWN = ("OCI runtime", "runc", "shim task", "unable to start container process")


@pytest.fixture(scope="module")
def images(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kitchen]:
    folder = tmp_path_factory.mktemp("images") / "check"
    bases = {"COMMUNITY": lab.community_image, "PLAIN": lab.plain_image}
    with kitchen(folder, lab.env, **bases) as opened:
        yield opened


def start(engine: docker.DockerClient, image: str, timeout: float = PATIENCE) -> HubStart:
    return start_as_on_a_hub(engine, image, timeout=timeout, runner=Runner(stream=io.StringIO()))


@pytest.fixture
def community(engine: docker.DockerClient, lab: Lab) -> str:
    image = str(lab.community_image)
    engine.images.pull(image)
    return image


def test_a_community_image_starts(engine: docker.DockerClient, community: str) -> None:
    result = start(engine, community)
    assert result.ok, result
    assert result.jupyterhub
    assert result.jupyter_server
    assert not [line for line in result.last_lines if "no version header" in line]


@pytest.mark.parametrize(
    "stage", ["repo2docker", "docker-stacks", "no-shell", "greeting-python", "busy"]
)
def test_images_that_hubs_start_do_start(
    engine: docker.DockerClient, images: Kitchen, stage: str
) -> None:
    assert start(engine, images.image(stage)).ok
    assert not engine.containers.list(all=True, filters={"ancestor": images.image(stage)})


# The last column: what the reader must find, because it is what they have to change.
@pytest.mark.parametrize(
    ("stage", "reason", "named"),
    [
        ("start-hidden", Reason.START_SCRIPT_HIDDEN, "REPO_DIR: /srv/repo"),
        ("start-ends", Reason.CRASHED, 'exec "$@"'),
        ("start-fails", Reason.CRASHED, "no database at example.org"),
        ("other-port", Reason.WRONG_ADDRESS, "port 9999"),
        ("loopback-only", Reason.WRONG_ADDRESS, "127.0.0.1 only"),
        ("other-server", Reason.WRONG_ADDRESS, "under /,"),
        ("turns-users-away", Reason.VERSION, "turns away users"),
        ("old-jupyterhub", Reason.VERSION, "--upgrade jupyterhub"),
        ("no-singleuser", Reason.NO_SINGLEUSER, "environment.yml"),
        ("no-python", Reason.NO_SINGLEUSER, "no Python that can be run"),
        ("foreign-python", Reason.NO_SINGLEUSER, "no Python that can be run"),
        ("from-scratch", Reason.NO_SINGLEUSER, "no Python that can be run"),
        ("singleuser-in-home", Reason.NO_SINGLEUSER, "/home/jovyan/.local/bin"),
        ("volume-in-home", Reason.HOME_PERMISSION, "VOLUME"),
        ("other-home", Reason.HOME_PERMISSION, "ENV HOME=/home/jovyan"),
        ("no-account", Reason.WRONG_USER, "useradd"),
        ("insists-on-root", Reason.WRONG_USER, "USER jovyan"),
        ("files-of-others", Reason.WRONG_USER, "chmod a+rx /opt/env/bin/jupyterhub-singleuser"),
        ("singleuser-cannot-run", Reason.WRONG_USER, "chmod a+rx /opt/env/bin/jupyterhub-single"),
        ("environment-closed", Reason.WRONG_USER, "chmod -R a+rX /opt/env`"),
        ("becomes-another-user", Reason.WRONG_USER, "insists on being root"),
        ("environment-moved", Reason.ENTRYPOINT, "/opt/elsewhere/bin/python"),
        ("start-of-windows", Reason.ENTRYPOINT, "`start text eol=lf`"),
        ("script-of-windows", Reason.ENTRYPOINT, "/srv/entry was saved with"),
        ("entrypoint-missing", Reason.ENTRYPOINT, "install tini"),
        ("entrypoint-closed", Reason.ENTRYPOINT, "chmod a+rx /srv/entry"),
        ("entrypoint-no-program", Reason.ENTRYPOINT, "#!/bin/bash"),
        ("entrypoint-hidden", Reason.START_SCRIPT_HIDDEN, "in ENTRYPOINT"),
        ("shell-form", Reason.ENTRYPOINT, "`exec start-notebook.sh`"),
        ("starts-a-server", Reason.ENTRYPOINT, "Write CMD for ENTRYPOINT"),
        ("starts-python", Reason.ENTRYPOINT, "Write CMD for ENTRYPOINT"),
        ("installed-by-root", Reason.WRONG_USER, "not in /root"),
    ],
)
def test_the_reason_is_told(
    engine: docker.DockerClient, images: Kitchen, stage: str, reason: Reason, named: str
) -> None:
    result = start(engine, images.image(stage))
    assert not engine.containers.list(all=True, filters={"ancestor": images.image(stage)})
    assert not result.ok
    assert result.reason is reason, result
    told = f"{result.explanation}\n{result.remedy}"
    assert named in told
    assert not [word for word in ENGINES_OWN if word in "\n".join((told, *result.last_lines))]


def test_a_plain_image_has_nothing_to_start(engine: docker.DockerClient, lab: Lab) -> None:
    engine.images.pull(lab.plain_image)
    assert start(engine, lab.plain_image).reason is Reason.NO_SINGLEUSER


@pytest.mark.parametrize(
    ("stage", "seen"),
    [("start-hangs", "opened no port"), ("other-service", "listened on 0.0.0.0:5555 only")],
)
def test_a_server_that_never_answers_is_given_up(
    engine: docker.DockerClient, images: Kitchen, stage: str, seen: str
) -> None:
    result = start(engine, images.image(stage), BRIEF)
    assert result.reason is Reason.NO_ANSWER
    assert seen in result.explanation


def test_the_last_lines_of_a_crash_are_kept_and_said(
    engine: docker.DockerClient, images: Kitchen
) -> None:
    stream = io.StringIO()
    image = images.image("start-fails")
    result = start_as_on_a_hub(engine, image, timeout=PATIENCE, runner=Runner(stream=stream))
    assert "no database at example.org" in result.last_lines
    assert "\n  no database at example.org\n" in stream.getvalue()


def test_what_was_said_at_length_is_cut(engine: docker.DockerClient, images: Kitchen) -> None:
    result = start(engine, images.image("start-fails-at-length"))
    *_, line, progress = result.last_lines
    assert progress == "99"
    assert line.startswith("xxx")
    assert len(line) < 500


def test_the_home_is_empty_writable_and_the_users(
    engine: docker.DockerClient, images: Kitchen
) -> None:
    """The image's script looks round as uid 1000 and then fails, so that its words are kept."""
    result = start(engine, images.image("looks-round"))
    assert "uid=1000(jovyan)" in result.last_lines[0]
    assert "100(users)" in result.last_lines[0]
    assert result.last_lines[1:] == ("0 files at home", "wrote there", "jupyterhub-singleuser")


def test_nothing_stays_of_a_container_that_is_thrown_away(
    engine: docker.DockerClient, images: Kitchen
) -> None:
    image = images.image("volume-in-home")
    with suppress(KeyboardInterrupt), throw_away(engine, image) as container:
        volume = container.attrs["Mounts"][0]["Name"]
        raise KeyboardInterrupt
    with pytest.raises(docker.errors.NotFound):
        engine.containers.get(str(container.id))
    with pytest.raises(docker.errors.NotFound):
        engine.volumes.get(volume)


def test_what_the_engine_refuses_is_its_error(engine: docker.DockerClient) -> None:
    with pytest.raises(EngineError, match="r2d-action-tests/none"):
        start(engine, "r2d-action-tests/none")
