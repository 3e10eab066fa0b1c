"""Docker engines: the machine's own where it has one, else one unpacked and started here."""

import hashlib
import json
import os
import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from lab.command import run, succeeds
from lab.errors import LabError
from lab.home import Home, link, path_with
from lab.network import PREFIX, ensure_bridge, ensure_ways_out, remove_bridge
from lab.packages import Apt, Source, apt_of, can_unpack, install, machine_source, unpack
from lab.process import Process, spawn, wait_ready
from lab.talk import step

Store = Literal["graphdriver", "containerd"]
STORES: tuple[Store, ...] = get_args(Store)

# Debian 12's engine is too old for repo2docker and has no buildx. The next release's runs there,
# except runc, which wants a newer libc.
NEWER_SUITES = {"bookworm": "trixie"}
# With pigz beside it, an engine unpacks layers faster, as those of hosted runners do.
ENGINE_PACKAGES = ("docker.io", "docker-cli", "docker-buildx", "containerd", "tini", "pigz")
NETWORK_PACKAGES = {"iptables": "iptables", "ip": "iproute2"}

# docker looks for plugins here and below DOCKER_CONFIG, which tests vary.
PLUGIN_LINK = Path("/usr/local/lib/docker/cli-plugins/docker-buildx")
START_SECONDS = 60.0
# A busy machine is no reason to take an engine for dead.
ANSWER_SECONDS = 30.0


@dataclass(frozen=True)
class Engine:
    store: Store
    docker_host: str
    bridge_address: str
    process: Process | None = None
    """None when it is the machine's own engine, which is not ours to stop."""

    @property
    def answers(self) -> bool:
        """Whether an engine of the lab's own is there to be talked to."""
        return self.process is not None and self.process.alive and _ping(self.docker_host)

    def environment(self, home: Home) -> Mapping[str, str]:
        """What a command needs, beyond the ambient environment, to use this engine."""
        # Built by the engine itself: a builder in a container could not reach 127.0.0.1.
        builder = {"BUILDX_BUILDER": "default"}
        if self.process is None:
            return builder | outside(home) | {"DOCKER_HOST": self.docker_host}
        config = {"DOCKER_CONFIG": str(home.cache / "docker-config")}
        return builder | config | {"DOCKER_HOST": self.docker_host, "PATH": home.search_path}


def outside(home: Home) -> dict[str, str]:
    """The part of the environment that says which engine is used, as it is without the lab."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    host = os.environ.get("DOCKER_HOST", "")
    return {
        "PATH": os.pathsep.join(folder for folder in folders if folder != str(home.bin)),
        "DOCKER_HOST": "" if home.contains(host.removeprefix("unix://")) else host,
    }


def find_machine_engine(home: Home) -> Engine | None:
    ambient = outside(home)
    for needed in (("docker", "version"), ("docker", "buildx", "version")):
        if not succeeds(*needed, extra_env=ambient):
            return None
    driver = run("docker", "info", "--format", "{{json .DriverStatus}}", extra_env=ambient)
    gateway = "{{(index .IPAM.Config 0).Gateway}}"
    return Engine(
        "containerd" if "io.containerd.snapshotter" in driver else "graphdriver",
        ambient["DOCKER_HOST"] or _context_host(ambient),
        run(
            "docker", "network", "inspect", "bridge", "--format", gateway, extra_env=ambient
        ).strip(),
    )


def _context_host(ambient: Mapping[str, str]) -> str:
    endpoint = "{{.Endpoints.docker.Host}}"
    return run("docker", "context", "inspect", "--format", endpoint, extra_env=ambient).strip()


def start_engine(home: Home, store: Store, earlier: Engine | None = None) -> Engine:
    """Start an engine of the lab's own, in place of one that does not answer any more."""
    if not can_unpack():
        raise LabError(
            f"no Docker engine with buildx and the {store} image store answers: install Docker "
            "Engine and its buildx plugin, or be root on Debian or Ubuntu for one of the lab's own"
        )
    unpack_engine(home)
    install(NETWORK_PACKAGES)
    if earlier and earlier.process:
        earlier.process.stop()
    directory = home.engine(store)
    directory.mkdir(parents=True, exist_ok=True)
    with step(f"starting dockerd ({store})"):
        bridge = _bridge(directory)
        address = ensure_bridge(bridge)
        process = _start_dockerd(home, directory, _daemon_config(directory, store, bridge))
        ensure_ways_out()
    return Engine(store, f"unix://{directory}/docker.sock", address, process)


def stop_engine(home: Home, engine: Engine) -> None:
    """End the engine, its containers, and what it left in the kernel."""
    if engine.process is None:
        return
    directory = home.engine(engine.store)
    if not engine.answers and engine.process.of_this_boot:
        # Only the engine knows the containers that outlived it.
        engine = start_engine(home, engine.store, engine)
    with step(f"stopping dockerd ({engine.store})"):
        if engine.process is not None:
            engine.process.stop(patience=60.0)
        for mount in mounts_below(directory, Path("/proc/self/mounts").read_text()):
            run("umount", "--lazy", mount)
        remove_bridge(_bridge(directory))
        ensure_ways_out()
        shutil.rmtree(directory / "exec", ignore_errors=True)


def mounts_below(directory: Path, table: str) -> list[str]:
    """The mount points in this /proc/mounts, the innermost first."""
    points = (line.split()[1].encode().decode("unicode_escape") for line in table.splitlines())
    return sorted(
        (point for point in points if Path(point).is_relative_to(directory)), reverse=True
    )


def _bridge(directory: Path) -> str:
    return PREFIX + hashlib.sha256(str(directory).encode()).hexdigest()[:8]


def _daemon_config(directory: Path, store: Store, bridge: str) -> dict[str, object]:
    return {
        "hosts": [f"unix://{directory}/docker.sock"],
        "data-root": str(directory / "data"),
        "exec-root": str(directory / "exec"),
        "pidfile": str(directory / "dockerd.pid"),
        "bridge": bridge,
        "containerd-namespace": bridge,
        "containerd-plugins-namespace": f"{bridge}-plugins",
        "features": {"containerd-snapshotter": store == "containerd"},
    }


def _start_dockerd(home: Home, directory: Path, config: Mapping[str, object]) -> Process:
    # Process ids written down by an engine that is gone may be somebody else's by now; its
    # containerd went with it.
    for file in (directory / "dockerd.pid", directory / "exec/containerd/containerd.pid"):
        file.unlink(missing_ok=True)
    (directory / "daemon.json").write_text(json.dumps(config, indent=2))
    log = directory / "dockerd.log"
    process = spawn(
        "dockerd",
        "--config-file",
        directory / "daemon.json",
        log=log,
        extra_env={"PATH": path_with(*_program_folders(home))},
    )
    wait_ready(
        process, lambda: _ping(f"unix://{directory}/docker.sock"), log=log, patience=START_SECONDS
    )
    return process


def _program_folders(home: Home) -> list[Path]:
    trees = (home.packages / "engine", home.packages / "runc")
    return [tree / "usr" / folder for tree in trees for folder in ("bin", "sbin")]


def unpack_engine(home: Home) -> None:
    """Have the engine's programs in place, and its plugin where docker looks for it."""
    tree = home.packages / "engine"
    unpack(ENGINE_PACKAGES, tree, lambda: _engine_apt(home))
    unpack(("runc",), home.packages / "runc")
    link(home.bin / "docker", tree / "usr/bin/docker")
    if not PLUGIN_LINK.exists():
        link(PLUGIN_LINK, next(tree.glob("usr/lib*/docker/cli-plugins/docker-buildx")))


def _engine_apt(home: Home) -> Apt:
    source = machine_source()
    if source.origin != "Debian" or source.suite not in NEWER_SUITES:
        return Apt()
    newer = Source(source.origin, NEWER_SUITES[source.suite], source.mirror)
    return apt_of(newer, home.cache / "apt" / newer.suite)


def _ping(docker_host: str) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(ANSWER_SECONDS)
            connection.connect(docker_host.removeprefix("unix://"))
            connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 " in connection.recv(64)
    except OSError:
        return False
