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

from r2d_action.check.container import TOOLS, config_of, put_tool, start, throw_away
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
NOT_FOUND = 127
# The image's Python may be on the PATH only after its entrypoint has run.
WITH_ANY_PYTHON = """
for python in python3 /opt/conda/bin/python3 /srv/conda/bin/python3 /usr/bin/python3; do
    command -v "$python" >/dev/null && exec "$python" -I "$@"
done
echo "jupyterhub-singleuser: python3 not found" >&2
exit 127
"""


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
        evidence.words,
        answer.jupyterhub if answer else "",
        answer.server_version if answer else "",
    )


def observe(client: docker.DockerClient, image: str, timeout: float) -> Evidence:
    config = config_of(client, image)
    began = time.monotonic()
    with throw_away(client, image, **hub_options(timeout)) as hub:
        put_tool(hub, "hub.py")
        refusal = start(hub)
        opening = first_word(hub, began + timeout)
        if not opening:
            seconds = time.monotonic() - began
            ending = ending_of(hub, refusal)
            require_lack_of_python(image, ending)
            return Evidence(facts_of(config, {}), seconds, **ending)
        facts = facts_of(config, opening["image"])
        options = user_options(image, hub, facts, opening["hub_port"])
        with throw_away(client, image, **options) as user:
            return watch(hub, user, facts, start(user), timeout + GRACE_SECONDS)


def hub_options(seconds: float) -> dict[str, Any]:
    order = {
        "uid": UID,
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
    command = ["-c", WITH_ANY_PYTHON, "sh", f"{TOOLS}/hub.py", json.dumps(order)]
    # As root, who sees what uid 1000 may not; it starts nothing of the image's.
    return {"entrypoint": ["/bin/sh"], "command": command, "user": "0"}


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
    environment = dict(line.split("=", 1) for line in config.get("Env") or () if "=" in line)
    home = seen.get("account_home", "")
    return ImageFacts(
        account=seen.get("account", ""),
        home=home if home.startswith("/") and home != "/" else DEFAULT_HOME,
        home_variable=environment.get("HOME", ""),
        singleuser=seen.get("singleuser", ""),
        usable=seen.get("usable", False),
        start_script=environment.get("R2D_ENTRYPOINT", ""),
        entrypoint=tuple(config.get("Entrypoint") or ()),
    )


def first_word(hub: Container, deadline: float) -> Mapping[str, Any] | None:
    """What the hub's side says before it waits; nothing when it could not begin."""
    while not (words := words_of(hub)):
        if has_ended(hub) or time.monotonic() > deadline:
            return next(iter(words_of(hub)), None)
        time.sleep(POLL_SECONDS)
    return words[0]


def require_lack_of_python(image: str, ending: Mapping[str, Any]) -> None:
    """Anything else that keeps the hub's side from its work is no fault of the image."""
    if not ending["refusal"] and ending["exit_code"] != NOT_FOUND:
        words = " ".join(ending["logs"][-1:])
        raise EngineError(f"The start as on a hub could not be tried with {image}: {words}")


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
    output = hub.logs(stdout=True, stderr=False).decode("utf-8", "replace")
    return [json.loads(line) for line in output.splitlines(keepends=True) if line.endswith("\n")]


def answer_of(seen: Mapping[str, Any] | None) -> Answer | None:
    return Answer(**seen) if seen else None


def has_ended(container: Container) -> bool:
    container.reload()
    return container.status in ("exited", "dead")


def ending_of(container: Container, refusal: str) -> dict[str, Any]:
    ended = has_ended(container) or bool(refusal)
    logs = container.logs(tail=KEPT_LINES).decode("utf-8", "replace").splitlines()
    return {
        "exit_code": int(container.attrs["State"]["ExitCode"]) if ended else None,
        "refusal": refusal,
        "logs": tuple(logs),
    }
