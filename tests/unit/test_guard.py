"""The guard of this folder's conftest.py holds."""

import os
import socket
import subprocess
import sys

import pytest


def test_no_socket() -> None:
    with pytest.raises(pytest.fail.Exception, match="socket"):
        socket.socket()


def test_no_name_is_looked_up() -> None:
    with pytest.raises(pytest.fail.Exception, match="getaddrinfo"):
        socket.getaddrinfo("localhost", 80)


def test_no_process() -> None:
    with pytest.raises(pytest.fail.Exception, match="Popen"):
        subprocess.run([sys.executable, "--version"], check=False)


def test_no_fork() -> None:
    with pytest.raises(pytest.fail.Exception, match="fork"):
        os.fork()
