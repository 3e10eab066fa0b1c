"""Credential helpers are programs: those of the runner, and the one that is lent to docker."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from r2d_action.errors import LoginFailed
from r2d_action.reference import Registry
from r2d_action.registry.auth import Credential
from r2d_action.registry.docker_logins import DockerLogins
from r2d_action.registry.lending import lent

QUAY, HUB = Registry("quay.io"), Registry("registry.hub.docker.com")
SECRET = "correct-horse-battery-7"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return folder


def helper(folder: Path, name: str, **answers: Mapping[str, str]) -> None:
    """It answers as ``answers`` say for the server that it is asked about, and as helpers do
    for any other one."""
    program = folder / f"docker-credential-{name}"
    program.write_text(
        f"""#!/usr/bin/env python3
import json, sys
server = sys.stdin.read().strip()
open({str(folder / "asked")!r}, "a").write(sys.argv[1] + " " + server + "\\n")
answer = {dict(answers)!r}.get(server)
print(json.dumps(answer) if answer else "credentials not found in native keychain")
sys.exit(0 if answer else 1)
"""
    )
    program.chmod(0o755)


def answer(user: str, secret: str = "") -> Mapping[str, str]:
    return {"ServerURL": "", "Username": user, "Secret": secret or SECRET}


def configured(folder: Path, **content: object) -> Path:
    (folder / "config.json").write_text(json.dumps(content))
    return folder


def found(registry: Registry, folder: Path) -> Credential | None:
    return DockerLogins(folder / "config.json").credential(registry)


def test_the_helper_of_a_registry_goes_before_the_one_for_all(
    programs: Path, tmp_path: Path
) -> None:
    helper(programs, "own", **{"quay.io": answer("own")})
    helper(programs, "all", **{"quay.io": answer("all"), "ghcr.io": answer("all")})
    folder = configured(tmp_path, credHelpers={"https://quay.io": "own"}, credsStore="all")
    own, other = found(QUAY, folder), found(Registry("ghcr.io"), folder)
    assert own is not None
    assert other is not None
    assert (own.username, own.password, other.username) == ("own", SECRET, "all")
    assert own.source == f"docker-credential-own, named in {folder / 'config.json'}"
    assert (programs / "asked").read_text() == "get quay.io\nget ghcr.io\n"


def test_docker_hub_is_asked_for_by_its_old_address(programs: Path, tmp_path: Path) -> None:
    helper(programs, "all", **{"https://index.docker.io/v1/": answer("hub")})
    login = found(HUB, configured(tmp_path, credsStore="all"))
    assert login is not None
    assert login.username == "hub"


def test_an_identity_token_of_a_helper(programs: Path, tmp_path: Path) -> None:
    helper(programs, "all", **{"quay.io": answer("<token>", "opaque")})
    login = found(QUAY, configured(tmp_path, credsStore="all"))
    assert login is not None
    assert (login.identity_token, login.password) == ("opaque", "")


def test_what_a_helper_does_not_know_may_be_written_beside_it(
    programs: Path, tmp_path: Path
) -> None:
    helper(programs, "all")
    auth = base64.b64encode(f"written:{SECRET}".encode()).decode()
    folder = configured(tmp_path, credsStore="all", auths={"quay.io": {"auth": auth}})
    login = found(QUAY, folder)
    assert login is not None
    assert login.username == "written"
    assert found(Registry("ghcr.io"), folder) is None


@pytest.mark.parametrize(
    "program",
    [
        None,
        f"#!/bin/sh\necho no connection with {SECRET}.eyJhbGciOiJSUzI1NiJ9.eyJz; exit 1\n",
        "#!/bin/sh\necho '{\"Username\": '\n",
        "#!/bin/sh\necho '[]'\n",
        "no program at all",
    ],
)
def test_a_helper_that_does_not_work_is_named(
    programs: Path, tmp_path: Path, program: str | None
) -> None:
    if program:
        (programs / "docker-credential-own").write_text(program)
        (programs / "docker-credential-own").chmod(0o755)
    folder = configured(tmp_path, credHelpers={"quay.io": "own"})
    with pytest.raises(LoginFailed, match="docker-credential-own") as caught:
        found(QUAY, folder)
    assert "quay.io" in caught.value.what
    assert "eyJ" not in caught.value.what
    # Other registries have nothing to do with it.
    assert found(Registry("ghcr.io"), folder) is None


# Lending ------------------------------------------------------------------------------------


def asked_of_docker(env: Mapping[str, str], server: str) -> Mapping[str, str] | None:
    """As docker asks, which looks up the helper of a server first."""
    config = json.loads((Path(env["DOCKER_CONFIG"]) / "config.json").read_text())
    name = config["credHelpers"].get(server)
    if name is None:
        return None
    done = subprocess.run(
        [f"docker-credential-{name}", "get"],
        env=dict(env),
        input=server,
        text=True,
        capture_output=True,
    )
    return json.loads(done.stdout) if done.returncode == 0 else None


def test_docker_is_lent_all_logins_and_no_file_has_them(programs: Path, tmp_path: Path) -> None:
    entries = {
        "https://index.docker.io/v1/": base64.b64encode(f"hub:{SECRET}".encode()).decode(),
        "other.example.org": base64.b64encode(f"other:{SECRET}".encode()).decode(),
    }
    folder = configured(
        tmp_path,
        auths={key: {"auth": auth} for key, auth in entries.items()},
        credHelpers={"gcr.io": "gcloud"},
        proxies={"default": {"httpProxy": "http://proxy.example.org"}},
    )
    credential = Credential("ours", SECRET, "the test")
    env = {"PATH": str(programs), "HOME": str(tmp_path)}
    with lent(env, folder, QUAY, credential) as given:
        lending = Path(given["DOCKER_CONFIG"])
        for server, user in {
            "quay.io": "ours", "https://index.docker.io/v1/": "hub", "other.example.org": "other",
        }.items():  # fmt: skip
            told = asked_of_docker(given, server)
            assert told == {"Username": user, "Secret": SECRET}
        assert asked_of_docker(given, "unknown.example.org") is None
        config = json.loads((lending / "config.json").read_text())
        assert config["credHelpers"]["gcr.io"] == "gcloud"
        assert config["proxies"]
        texts = [file.read_text() for file in lending.rglob("*") if file.is_file()]
        assert texts
        assert not any(secret in text for text in texts for secret in (SECRET, *entries.values()))
    assert not lending.exists()


def test_nobody_is_lent_nothing(tmp_path: Path) -> None:
    env = {"PATH": "/bin"}
    with lent(env, tmp_path, QUAY, None) as given:
        assert given is env
