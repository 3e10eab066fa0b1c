"""Builds that fail: each annotation stands on the line to change, and says what to change there.

Most of them are built for real, by the command that people call. The others, which a lab without
conda or with a working network cannot bring about, are outputs that were kept.
"""

from __future__ import annotations

import io
import json
import re
import secrets
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest

from integration.catalogue.cases import FOLDER, MORE, Case, cases
from integration.conftest import Lab, forget_images
from integration.registries import OCI_INDEX, PASSWORD, USER, Registries, image, index, noise, push
from r2d_action.cli.talk import tell
from r2d_action.errors import BuildFailed, CheckFailed, Failure
from r2d_action.reference import Repository
from r2d_action.registry.manifest import Manifest
from r2d_action.report.diagnose import Sources, diagnose
from r2d_action.runner import Runner

BUILT = [case for case in cases() if not case.stream]
KEPT = [case for case in cases() if case.stream]
FEWEST_BUILDS, FEWEST_CAUSES = 25, 35
SOURCES = Path(__file__).parents[2] / "src"
PATIENCE = 300.0
EXIT_CODES = {BuildFailed.exit_code, CheckFailed.exit_code}
AT_ONCE = 3
OUTAGE = "could not reach a server"
ERROR = re.compile(r"^::error (?P<properties>.*?)::(?P<text>.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Annotation:
    """``place`` is ``file:line``."""

    place: str
    says: str

    @classmethod
    def all_in(cls, log: str) -> list[Annotation]:
        return [cls._read(match) for match in ERROR.finditer(log)]

    @classmethod
    def _read(cls, match: re.Match[str]) -> Annotation:
        pairs = (part.partition("=") for part in match["properties"].split(","))
        properties = {key: _unescaped(value) for key, _, value in pairs}
        place = f"{properties['file']}:{properties['line']}" if "file" in properties else ""
        return cls(place, _unescaped(match["text"]))


def _unescaped(text: str) -> str:
    """As the runner reads a command's parts."""
    for escape, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ",")):
        text = text.replace(escape, character)
    return text.replace("%25", "%")


# Real builds ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Workshop:
    """``names`` stand for images and registries that are called otherwise in every lab."""

    folder: Path
    env: Mapping[str, str]
    names: Mapping[str, str]
    run: str

    def build(self, case: Case) -> str:
        """What `r2d-action build` says on standard error, which is where the runner reads."""
        log = self._built(case)
        # Packages come from the internet, whose bad moments are none of the case's.
        return self._built(case) if OUTAGE in log else log

    def _built(self, case: Case) -> str:
        checkout = self.folder / case.name / "checkout"
        for path, text in case.repository.items():
            file = checkout / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(self.named(text).encode())
        done = subprocess.run(
            [sys.executable, "-m", "r2d_action", "build", str(checkout)],
            env={**self.env, **self._inputs(case)},
            cwd=checkout,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode in EXIT_CODES, done.stderr
        return done.stderr

    def _inputs(self, case: Case) -> dict[str, str]:
        inputs = {"HUB_START_CHECK": "false", **(case.inputs or {})}
        inputs["IMAGE_NAME"] = f"localhost/{self.run}/{case.name}"
        if not any(path.endswith("Dockerfile") for path in case.repository):
            inputs["REPO2DOCKER_EXTRA_ARGS"] = f"--Repo2Docker.base_image={self.names['generated']}"
        return {f"R2D_{name}": value for name, value in inputs.items()}

    def named(self, text: str) -> str:
        for name, value in self.names.items():
            text = text.replace(f"{{{name}}}", value)
        return text


@pytest.fixture(scope="module")
def workshop(
    lab: Lab, engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workshop]:
    folder = tmp_path_factory.mktemp("catalogue")
    run = f"r2d-catalogue-{secrets.token_hex(4)}"
    with ExitStack() as running:
        registries = Registries(folder, running)
        running.callback(forget_images, engine, f"{run}/")
        names = {
            "base": lab.plain_image,
            "community": lab.community_image,
            "registry": lab.registry,
            "private": registries.start(htpasswd={USER: PASSWORD}).host,
            "foreign": _image_for_another_processor(registries),
            "generated": _stand_in(lab, f"localhost/{run}/generated"),
        }
        env = {
            **_outside_of_a_runner(lab.env),
            "GITHUB_ACTIONS": "true",
            "PYTHONPATH": str(SOURCES),
        }
        yield Workshop(folder, env, names, run)


def _outside_of_a_runner(env: Mapping[str, str]) -> dict[str, str]:
    foreign = ("GITHUB_", "R2D_", "RUNNER_")
    return {name: value for name, value in env.items() if not name.startswith(foreign)}


def _stand_in(lab: Lab, name: str) -> str:
    command = ("docker", "buildx", "build", "--load", "--provenance=false", "--quiet")
    arguments = (f"--tag={name}", f"--build-arg=BASE={lab.base_image}", str(FOLDER / "base"))
    done = subprocess.run([*command, *arguments], env=lab.env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return name


def _image_for_another_processor(registries: Registries) -> str:
    host = registries.start().host
    client, repository = registries.client(host), Repository.parse(f"{host}/team/other")
    child = image(noise(100))
    push(client, repository, child)
    content = dict(index(child).content)
    content["manifests"][0]["platform"] = {"os": "linux", "architecture": "s390x"}
    listed = Manifest(OCI_INDEX, json.dumps(content).encode())
    client.put_manifest(repository, "1", listed)
    return f"{repository.name}:1"


@pytest.fixture(scope="module")
def logs(workshop: Workshop, request: pytest.FixtureRequest) -> Iterator[Mapping[str, Future[str]]]:
    """The builds of the chosen cases, a few at a time."""
    items = (item for item in request.session.items if isinstance(item, pytest.Function))
    specs = (item.callspec.params.get("built") for item in items if hasattr(item, "callspec"))
    chosen = {case.name: case for case in specs if isinstance(case, Case)}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        futures = {name: pool.submit(workshop.build, case) for name, case in chosen.items()}
        yield futures
        for future in futures.values():
            future.cancel()


@pytest.mark.parametrize("built", BUILT, ids=lambda case: case.name)
def test_a_failed_build_is_annotated_where_to_mend_it(
    built: Case, workshop: Workshop, logs: Mapping[str, Future[str]]
) -> None:
    log = logs[built.name].result()
    annotations = Annotation.all_in(log)
    assert annotations, log
    require_annotation(annotations[0], built, workshop.named(built.says))


# Outputs that were kept --------------------------------------------------------------------------


@pytest.mark.parametrize("kept", KEPT, ids=lambda case: case.name)
def test_a_kept_failure_is_annotated_where_to_mend_it(kept: Case) -> None:
    texts = kept.repository
    sources = Sources.gather(frozenset(texts), lambda path: texts.get(path, ""))
    found = diagnose(kept.output, sources)
    error = BuildFailed(
        f"{found.what} {found.why}", remedy=found.remedy, place=found.place, link=found.link
    )
    stream = io.StringIO()
    tell(Failure.of(error), Runner(actions=True, stream=stream))
    (annotation,) = Annotation.all_in(stream.getvalue())
    require_annotation(annotation, kept, kept.says)


def require_annotation(annotation: Annotation, case: Case, says: str) -> None:
    assert annotation.place == case.place
    if says.endswith(MORE):
        assert annotation.says.startswith(says.removesuffix(MORE).rstrip())
    else:
        assert annotation.says == says


# The catalogue itself ----------------------------------------------------------------------------


def test_there_are_enough_builds_and_causes(
    pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]
) -> None:
    sources = Counter(case.source for case in cases())
    with capsys.disabled():
        terminal = pytestconfig.get_terminal_writer()
        terminal.line()
        for case in cases():
            terminal.line(f"{case.source:10}  {case.place or '-':30}  {case.part}: {case.cause}")
        terminal.line(", ".join(f"{count} {source}" for source, count in sources.items()))
    assert sources["built here"] >= FEWEST_BUILDS
    assert len({(case.part, case.cause) for case in cases()}) == len(cases()) >= FEWEST_CAUSES


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_places_are_lines_of_the_repository(case: Case) -> None:
    path, _, line = case.place.rpartition(":")
    text = case.repository.get(path, "")
    assert not case.place or 1 <= int(line) <= len(text.splitlines())
