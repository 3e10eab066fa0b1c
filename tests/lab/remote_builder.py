"""A builder on another machine, for as long as a test needs it.

Every engine of Docker has BuildKit inside, behind one address of its API that answers with a
plain stream of gRPC. Forwarded to a port, it is what buildx calls a remote builder.
https://docs.docker.com/build/builders/drivers/remote/
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

CHUNK = 65536
UPGRADE = (
    b"POST /grpc HTTP/1.1\r\nHost: engine\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
    b"Content-Length: 0\r\n\r\n"
)


@contextmanager
def remote_builder(docker_host: str) -> Iterator[str]:
    """The builder's address, ``tcp://…``; it builds in the engine at ``docker_host``."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_serve, args=(server, docker_host))
        thread.start()
        try:
            yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def _serve(server: socket.socket, docker_host: str) -> None:
    threads = []
    with suppress(OSError):
        while True:
            client, _ = server.accept()
            engine = _upgraded(docker_host)
            for ends in ((client, engine), (engine, client)):
                threads.append(threading.Thread(target=_forward, args=ends))
                threads[-1].start()
    for thread in threads:
        thread.join()


def _upgraded(docker_host: str) -> socket.socket:
    engine = socket.socket(socket.AF_UNIX)
    engine.connect(docker_host.removeprefix("unix://"))
    engine.sendall(UPGRADE)
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += engine.recv(1)
    if b" 101 " not in head.partition(b"\r\n")[0]:
        raise ConnectionError(head.decode())
    return engine


def _forward(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(CHUNK):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
