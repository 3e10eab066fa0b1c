"""The repositories whose images are built, and the base images that these start from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import dedent

import requests

from bench.machine import Machine
from lab.registry import MANIFEST_TYPES, RunningRegistry
from lab.stock import COMMUNITY

LARGE_BASE, SMALL_BASE = "bench/base", "bench/small"
NOW = "now"
# The same software in two builds, as a base image is built anew for every security update.
EDITIONS = ("spring", "autumn")
SMALL_MEGABYTES = 75
NOTEBOOK = "notebook.ipynb"
TIMEOUT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Packages:
    """Two states of the environment file, as between one commit and the next."""

    before: str
    after: str


# Much to install, and little of it in small files: a course on data has these, and the
# benchmark has to end some day.
_DATA = "duckdb==1.4.1\nnumpy==2.2.6\npyarrow==21.0.0\n"
PACKAGES = Packages(before=f"{_DATA}polars==1.33.1\n", after=f"{_DATA}polars==1.34.0\n")
FEW_PACKAGES = Packages(before="pytz==2025.1\n", after="pytz==2025.2\n")


def large(machine: Machine, packages: Packages) -> Mapping[str, str]:
    """A community's base, packages that pip installs, and a notebook that they are for."""
    dockerfile = f"""\
        FROM {machine.upstream.host}/{LARGE_BASE}:{NOW}
        COPY requirements.txt /tmp/
        RUN pip install --no-cache-dir --requirement /tmp/requirements.txt
        COPY {NOTEBOOK} /home/jovyan/
        RUN wc -c /home/jovyan/{NOTEBOOK} > /tmp/built
        """
    return {**_repository(dockerfile), "requirements.txt": packages.before}


def small(machine: Machine) -> Mapping[str, str]:
    return _repository(f"""\
        FROM {machine.upstream.host}/{SMALL_BASE}:{NOW}
        COPY {NOTEBOOK} /
        """)


def _repository(dockerfile: str) -> Mapping[str, str]:
    # Not every flow leaves .git out by itself, and no two of them are to differ in what they send.
    return {"Dockerfile": dedent(dockerfile), ".dockerignore": ".git\n", NOTEBOOK: "{}"}


def stock(machine: Machine) -> None:
    """Have the base images in the upstream registry."""
    host = machine.upstream.host
    for edition in EDITIONS:
        _make(machine, f"{LARGE_BASE}:{edition}", f"""\
            FROM {host}/{COMMUNITY}
            RUN echo {edition} > /opt/env/edition
            """)  # fmt: skip
    _make(machine, f"{SMALL_BASE}:{NOW}", f"""\
        FROM {host}/{COMMUNITY} AS made
        RUN head -c {SMALL_MEGABYTES}000000 /dev/urandom > /tmp/filling
        FROM scratch
        COPY --from=made /tmp/filling /
        """)  # fmt: skip


def _make(machine: Machine, image: str, dockerfile: str) -> None:
    if machine.upstream.digest(*image.split(":")):
        return
    name = f"{machine.upstream.host}/{image}"
    options = ("--load", "--provenance=false", "--tag", name)
    machine.docker("buildx", "build", *options, "-", stdin=dedent(dockerfile))
    machine.docker("push", "--quiet", name)


def publish_edition(upstream: RunningRegistry, edition: str) -> None:
    """Move the tag that repositories start from."""
    manifests = f"http://{upstream.host}/v2/{LARGE_BASE}/manifests"
    headers = {"Accept": ", ".join(MANIFEST_TYPES)}
    found = requests.get(f"{manifests}/{edition}", headers=headers, timeout=TIMEOUT_SECONDS)
    found.raise_for_status()
    requests.put(
        f"{manifests}/{NOW}",
        data=found.content,
        headers={"Content-Type": found.headers["Content-Type"]},
        timeout=TIMEOUT_SECONDS,
    ).raise_for_status()
