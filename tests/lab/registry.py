"""Real OCI registries on 127.0.0.1, with a log that tells every request."""

import json
import os
import re
import shlex
import shutil
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from lab.command import run
from lab.errors import LabError
from lab.home import Home, find_home, link
from lab.packages import can_unpack, unpack
from lab.process import Process, spawn, wait_ready

ADDRESS = "127.0.0.1"
START_SECONDS = 60.0
# Where Debian's package cannot be had, an engine runs the same program as a container.
REGISTRY_IMAGE = "registry:2"
STORAGE = "storage"
# The APR libraries' packages have other names since Debian 13.
HTPASSWD_PACKAGES = ("apache2-utils", "libapr1", "libapr1t64", "libaprutil1", "libaprutil1t64")
MANIFEST_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
ACCESS = re.compile(
    r'"(?P<method>[A-Z]+) (?P<path>/v2/\S*) HTTP/[\d.]+" (?P<status>\d{3}) (?P<sent>\d+)'
)


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    """With the query."""
    status: int
    sent: int
    """Bytes of the response's body."""

    @property
    def digest(self) -> str | None:
        """The digest of the blob whose upload this request completed."""
        if self.method != "PUT" or self.status != HTTPStatus.CREATED:
            return None
        return parse_qs(urlsplit(self.path).query).get("digest", [None])[0]


@dataclass(frozen=True)
class RunningRegistry:
    host: str
    process: Process
    log: Path
    tls: bool = False

    @property
    def port(self) -> int:
        return int(self.host.rpartition(":")[2])

    @property
    def answers(self) -> bool:
        return self.process.alive and _answers(self.host, tls=self.tls)

    def requests(self) -> list[Request]:
        """All requests that clients made, in the order of their answers.

        The log may be a moment behind the client that has its answer.
        """
        return requests_in(self.log.read_text(errors="replace"))

    def uploads(self) -> dict[str, int]:
        """The bytes of each blob that clients sent so far, by digest."""
        blobs = self.log.parent / STORAGE / "docker/registry/v2/blobs/sha256"
        digests = [request.digest for request in self.requests() if request.digest]
        words = [digest.partition(":")[2] for digest in digests]
        sizes = [(blobs / word[:2] / word / "data").stat().st_size for word in words]
        return dict(zip(digests, sizes, strict=True))

    def digest(self, repository: str, tag: str) -> str | None:
        """The digest behind a tag, None without such a tag; the registry must let anybody read."""
        connection = HTTPConnection(self.host, timeout=10)
        try:
            accept = {"Accept": ", ".join(MANIFEST_TYPES)}
            connection.request("HEAD", f"/v2/{repository}/manifests/{tag}", headers=accept)
            answer = connection.getresponse()
            found = answer.status == HTTPStatus.OK
            return answer.getheader("Docker-Content-Digest") if found else None
        finally:
            connection.close()

    def stop(self) -> None:
        self.process.stop()


def start_registry(
    directory: Path,
    *,
    htpasswd: Mapping[str, str] | None = None,
    token: Mapping[str, str] | None = None,
    tls: tuple[Path, Path] | None = None,
    in_memory: bool = False,
    port: int | None = None,
) -> RunningRegistry:
    """Start a registry that keeps everything in `directory`, and wait until it answers.

    With `htpasswd`, passwords by user name, it asks for one, with `token`, the settings for its
    token server, for a token; otherwise anybody may do anything. `tls` are the files of a
    certificate and its key. `in_memory` is for many images that nobody wants to keep.
    A `port` that is taken, or none, means any free one.
    """
    (directory / STORAGE).mkdir(parents=True, exist_ok=True)
    if htpasswd is not None:
        _write_htpasswd(directory / "htpasswd", htpasswd)
    chosen = _free_port(port or 0)
    config = _config(directory, protected=htpasswd is not None)
    if token is not None:
        config["auth"] = {"token": dict(token)}
    if tls is not None:
        config["http"] = {"tls": {"certificate": str(tls[0]), "key": str(tls[1])}}
    if in_memory:
        config["storage"] = {"inmemory": {}}
    command = _serve_command(directory, chosen, config)
    log = directory / "registry.log"
    process = spawn(*command, log=log)
    registry = RunningRegistry(f"{ADDRESS}:{chosen}", process, log, tls is not None)
    wait_ready(process, lambda: registry.answers, log=log, patience=START_SECONDS)
    return registry


def unpack_registry(home: Home) -> None:
    """Bring the programs that registries need, on a machine that has Debian packages."""
    if not can_unpack():
        return
    unpack(("docker-registry",), home.packages / "registry")
    link(home.bin / "docker-registry", home.packages / "registry/usr/bin/docker-registry")
    unpack(HTPASSWD_PACKAGES, home.packages / "htpasswd")
    _write_htpasswd_program(home.bin / "htpasswd", home.packages / "htpasswd/usr")


def _write_htpasswd_program(program: Path, tree: Path) -> None:
    libraries = shlex.quote(str(next(tree.glob("lib/*/libapr-1.so.0")).parent))
    real = shlex.quote(f"{tree}/bin/htpasswd")
    program.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH={libraries} exec {real} "$@"\n')
    program.chmod(0o755)


def find_program(name: str, home: Home | None = None) -> str:
    """The lab's program, else the machine's; empty when there is none."""
    return shutil.which(name, path=(home or find_home()).search_path) or ""


def requests_in(log: str) -> list[Request]:
    return [_request(entry) for line in log.splitlines() if (entry := ACCESS.search(line))]


def _request(entry: re.Match[str]) -> Request:
    # The log gives the answer to HEAD the length of the body that was not sent.
    sent = 0 if entry["method"] == "HEAD" else int(entry["sent"])
    return Request(entry["method"], entry["path"], int(entry["status"]), sent)


def _serve_command(directory: Path, port: int, config: dict[str, Any]) -> list[str | Path]:
    file = directory / "config.yml"
    program = find_program("docker-registry")
    http = {**config.get("http", {}), "addr": f"{ADDRESS if program else ''}:{port}"}
    # JSON is YAML, too.
    file.write_text(json.dumps({**config, "http": http}, indent=2))
    if program:
        return [program, "serve", file]
    published, mount = f"{ADDRESS}:{port}:{port}", f"{directory}:{directory}"
    user = f"{os.getuid()}:{os.getgid()}"
    options = ["--rm", "--user", user, "--publish", published, "--volume", mount]
    return ["docker", "run", *options, REGISTRY_IMAGE, "serve", file]


def _config(directory: Path, *, protected: bool) -> dict[str, Any]:
    config: dict[str, Any] = {
        "version": "0.1",
        "log": {"level": "warn", "accesslog": {"disabled": False}},
        "storage": {
            "filesystem": {"rootdirectory": str(directory / STORAGE)},
            "delete": {"enabled": True},
        },
    }
    if protected:
        config["auth"] = {"htpasswd": {"realm": "lab", "path": str(directory / "htpasswd")}}
    return config


def _write_htpasswd(file: Path, passwords: Mapping[str, str]) -> None:
    program = find_program("htpasswd")
    if not program:
        raise LabError("htpasswd is not installed (Debian's package is apache2-utils)")
    lines = (run(program, "-n", "-i", "-B", user, stdin=word) for user, word in passwords.items())
    file.write_text("".join(lines))


def _free_port(wanted: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, wanted))
        except OSError:
            probe.bind((ADDRESS, 0))
        port: int = probe.getsockname()[1]
    return port


def _answers(host: str, *, tls: bool = False) -> bool:
    connection = HTTPConnection(host, timeout=5)
    if tls:
        connection = HTTPSConnection(host, timeout=5, context=_trusting_anybody())
    try:
        # Outside of the interface that clients use, and so not among their requests.
        connection.request("GET", "/")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _trusting_anybody() -> ssl.SSLContext:
    """To see whether something is there at all."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
