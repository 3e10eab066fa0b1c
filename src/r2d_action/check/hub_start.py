"""Does the image start as on a hub?

Two containers of the image share one network, as in a pod of a Kubernetes hub: the
user's, which runs as Zero to JupyterHub runs it, and one with a small hub of our own that
it can talk to and that asks it for an answer. No port is published, so that the engine
may be on another machine.
https://z2jh.jupyter.org/en/stable/resources/reference.html
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import docker
from docker.models.containers import Container

from r2d_action.check.container import (
    TOOLS,
    config_of,
    objects_in,
    plain_lines,
    put_tool,
    start,
    throw_away,
)
from r2d_action.check.diagnosis import (
    PORT,
    SINGLEUSER,
    Answer,
    Diagnosis,
    Evidence,
    ImageFacts,
    Reason,
    diagnose,
)
from r2d_action.check.entrypoint import CANNOT_RUN, read_refusal
from r2d_action.errors import EngineError
from r2d_action.runner import Runner

UID, SHARED_GID = 1000, 100
DEFAULT_HOME = "/home/jovyan"
USER = "r2d-check"
PREFIX = f"/user/{USER}/"
ACCESS = f"access:servers!server={USER}/"
HUB_VERSION = "6.1.1"
# singleuser.startTimeout of Zero to JupyterHub.
HUB_PATIENCE = 300.0
POLL_SECONDS = 0.2
# The hub's side keeps to the time itself and then tells what it saw.
GRACE_SECONDS = 15.0
KEPT_LINES = 40
# The image's Python may be on the PATH only after its entrypoint has run. No shell looks for
# it: an image may do without one.
PYTHONS = ("python3", "/opt/conda/bin/python3", "/srv/conda/bin/python3", "/usr/bin/python3")


@dataclass(frozen=True, slots=True)
class HubStart:
    """``jupyterhub`` and ``jupyter_server`` are the versions that the image answered with."""

    reason: Reason
    explanation: str
    remedy: str
    seconds: float
    last_lines: tuple[str, ...]
    jupyterhub: str = ""
    jupyter_server: str = ""

    @property
    def ok(self) -> bool:
        return self.reason is Reason.STARTED


def start_as_on_a_hub(
    client: docker.DockerClient, image: str, *, timeout: float, runner: Runner
) -> HubStart:
    """Wait at most ``timeout`` seconds for an answer, and no longer than hubs do.

    Raises :class:`EngineError`.
    """
    runner.say(f"Starting {image} as a hub does: uid {UID}, an empty home, {SINGLEUSER}")
    evidence = observe(client, image, min(timeout, HUB_PATIENCE))
    result = conclude(evidence, diagnose(evidence))
    for line in result.last_lines if not result.ok else ():
        runner.say(f"  {line}")
    runner.say(result.explanation)
    return result


def conclude(evidence: Evidence, diagnosis: Diagnosis) -> HubStart:
    answer = evidence.asked or evidence.elsewhere
    return HubStart(
        diagnosis.reason,
        diagnosis.explanation,
        diagnosis.remedy,
        evidence.seconds,
        # The engine's words are told in the explanation, as far as they are understood.
        evidence.words if diagnosis.reason is Reason.CRASHED else evidence.logs,
        answer.jupyterhub if answer else "",
        answer.server_version if answer else "",
    )


def observe(client: docker.DockerClient, image: str, timeout: float) -> Evidence:
    config = config_of(client, image)
    began = time.monotonic()
    for python in PYTHONS:
        options = hub_options(python, programs_of(config), timeout)
        with throw_away(client, image, **options) as hub:
            put_tool(hub, "hub.py")
            if start(hub) or not (opening := first_word(hub, began + timeout)):
                continue
            facts = facts_of(config, opening["image"])
            options = user_options(image, hub, facts, opening["hub_port"])
            with throw_away(client, image, **options) as user:
                return watch(hub, user, facts, start(user), timeout + GRACE_SECONDS)
    seconds = time.monotonic() - began
    return Evidence(facts_of(config, {"python": False}), seconds)


def programs_of(config: Mapping[str, Any]) -> list[str]:
    """What may be a script of the image's, of all that starts a server."""
    return [*(config.get("Entrypoint") or ())[:1], environment_of(config).get("R2D_ENTRYPOINT", "")]


def hub_options(python: str, programs: list[str], seconds: float) -> dict[str, Any]:
    order = {
        "uid": UID,
        "programs": programs,
        "hub_version": HUB_VERSION,
        "port": PORT,
        "prefix": PREFIX,
        "seconds": seconds,
        "user_token": secrets.token_hex(16),
        # https://jupyterhub.readthedocs.io/en/stable/reference/rest-api.html
        "user_model": {
            "kind": "user",
            "name": USER,
            "admin": False,
            "groups": [],
            "scopes": [ACCESS],
        },
    }
    command = ["-I", f"{TOOLS}/hub.py", json.dumps(order)]
    # As root, who sees what uid 1000 may not; it starts nothing of the image's.
    return {"entrypoint": [python], "command": command, "user": "0"}


def user_options(image: str, hub: Container, facts: ImageFacts, hub_port: int) -> dict[str, Any]:
    """What Zero to JupyterHub asks of Kubernetes for a user's container, in Docker's words."""
    return {
        "command": [SINGLEUSER],
        "user": str(UID),
        "group_add": [str(SHARED_GID)],
        "security_opt": ["no-new-privileges"],
        "network_mode": f"container:{hub.id}",
        # Not a volume: Docker would copy what the image has in the home into that.
        "tmpfs": {facts.home: f"rw,exec,uid={UID},gid={SHARED_GID},mode=0775"},
        "environment": hub_environment(image, f"http://127.0.0.1:{hub_port}/hub/api"),
    }


def hub_environment(image: str, api_url: str) -> dict[str, str]:
    """What JupyterHub 5 and 6 set, and Kubernetes' spawner adds.

    https://jupyterhub.readthedocs.io/en/stable/reference/spawners.html
    """
    token = secrets.token_hex(16)
    scopes = json.dumps([ACCESS])
    return {
        "JUPYTERHUB_API_TOKEN": token,
        "JPY_API_TOKEN": token,
        "JUPYTERHUB_CLIENT_ID": f"jupyterhub-user-{USER}",
        "JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED": "0",
        "JUPYTERHUB_HOST": "",
        "JUPYTERHUB_OAUTH_CALLBACK_URL": f"{PREFIX}oauth_callback",
        "JUPYTERHUB_OAUTH_SCOPES": scopes,
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES": scopes,
        "JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES": "[]",
        "JUPYTERHUB_USER": USER,
        "JUPYTERHUB_SERVER_NAME": "",
        "JUPYTERHUB_API_URL": api_url,
        "JUPYTERHUB_ACTIVITY_URL": f"{api_url}/users/{USER}/activity",
        "JUPYTERHUB_BASE_URL": "/",
        "JUPYTERHUB_SERVICE_PREFIX": PREFIX,
        "JUPYTERHUB_SERVICE_URL": f"http://0.0.0.0:{PORT}{PREFIX}",
        "JUPYTERHUB_PUBLIC_URL": "",
        "JUPYTERHUB_PUBLIC_HUB_URL": "",
        "JUPYTER_IMAGE": image,
        "JUPYTER_IMAGE_SPEC": image,
    }


def facts_of(config: Mapping[str, Any], seen: Mapping[str, Any]) -> ImageFacts:
    """``config`` is the image's own, ``seen`` what its container tells about itself."""
    environment = environment_of(config)
    home = seen.get("account_home", "")
    return ImageFacts(
        account=seen.get("account", ""),
        home=home if home.startswith("/") and home != "/" else DEFAULT_HOME,
        home_variable=environment.get("HOME", ""),
        singleuser=seen.get("singleuser", ""),
        closed=seen.get("closed", ""),
        start_script=environment.get("R2D_ENTRYPOINT", ""),
        entrypoint=tuple(config.get("Entrypoint") or ()),
        odd_scripts=tuple((program, line) for program, line in seen.get("odd_scripts", ())),
        python=seen.get("python", True),
    )


def environment_of(config: Mapping[str, Any]) -> dict[str, str]:
    return dict(line.split("=", 1) for line in config.get("Env") or () if "=" in line)


def first_word(hub: Container, deadline: float) -> Mapping[str, Any] | None:
    """What the hub's side says before it waits; nothing when this Python cannot be run.

    Raises :class:`EngineError`: what else keeps it from its work is no fault of the image.
    """
    while not (words_of(hub) or has_ended(hub) or time.monotonic() > deadline):
        time.sleep(POLL_SECONDS)
    if words := words_of(hub):
        return words[0]
    ending = ending_of(hub, "")
    said = ending["logs"][-1] if ending["logs"] else "nothing was said"
    if ending["exit_code"] in CANNOT_RUN or read_refusal(said):
        return None
    raise EngineError(
        f"The start as on a hub could not be tried, since our helper in the image ended with: "
        f"{said}. Run the job again; if it stays so, `HUB_START_CHECK: false` goes on without."
    )


def watch(
    hub: Container, user: Container, facts: ImageFacts, refusal: str, seconds: float
) -> Evidence:
    """Wait until the hub's side has decided, or the user's container has ended."""
    began = time.monotonic()
    deadline = began + seconds
    while not (refusal or has_ended(hub) or has_ended(user) or time.monotonic() > deadline):
        time.sleep(POLL_SECONDS)
    seen = [*words_of(hub), {}, {}][1]
    return Evidence(
        facts,
        time.monotonic() - began,
        asked=answer_of(seen.get("asked")),
        elsewhere=answer_of(seen.get("elsewhere")),
        logged_in=answer_of(seen.get("logged_in")),
        listening=tuple((host, port) for host, port in seen.get("listening", ())),
        **ending_of(user, refusal),
    )


def words_of(hub: Container) -> list[dict[str, Any]]:
    return list(objects_in(hub.logs(stdout=True, stderr=False)))


def answer_of(seen: Mapping[str, Any] | None) -> Answer | None:
    return Answer(**seen) if seen else None


def has_ended(container: Container) -> bool:
    container.reload()
    return container.status in ("exited", "dead")


def ending_of(container: Container, refusal: str) -> dict[str, Any]:
    ended = has_ended(container) or bool(refusal)
    logs = plain_lines(container.logs(tail=KEPT_LINES))
    return {
        "exit_code": int(container.attrs["State"]["ExitCode"]) if ended else None,
        "refusal": refusal,
        "logs": tuple(logs[-KEPT_LINES:]),
    }
