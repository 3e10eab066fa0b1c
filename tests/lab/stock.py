"""The images that the lab's registry is stocked with."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.command import run
from lab.engine import Engine
from lab.home import Home
from lab.packages import DEBIAN_KEYRING, can_unpack, install, machine_source, unpack
from lab.registry import RunningRegistry
from lab.talk import step

IMAGES = Path(__file__).parent / "images"
SUITE = "bookworm"
BASE, PLAIN, COMMUNITY = f"lab/base:{SUITE}", "lab/plain:1", "lab/community:1"
ROOTFS = f"lab/rootfs:{SUITE}"
# What a slim image has no use for; apt makes its lists and caches again.
NOT_PACKED = (
    "var/cache/apt/*",
    "var/lib/apt/lists/*",
    "usr/share/doc/*",
    "usr/share/man/*",
    "usr/share/locale/*",
)
# Whichever of these is set names the certificates that the machine's network asks for.
BUNDLE_VARIABLES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE")


@dataclass(frozen=True)
class Shelf:
    """A registry, with the engine that makes what is missing in it."""

    home: Home
    engine: Engine
    registry: RunningRegistry

    def docker(self, *arguments: str | Path) -> str:
        return run("docker", *arguments, extra_env=self.engine.environment(self.home))

    def reference(self, image: str) -> str:
        return f"{self.registry.host}/{image}"

    def digest(self, image: str) -> str | None:
        return self.registry.digest(*image.split(":"))

    def build(self, image: str, inputs: str, *arguments: str | Path) -> None:
        with step(f"building {image}"):
            names = [self.reference(image), self.reference(_marker(image, inputs))]
            tags = [part for name in names for part in ("--tag", name)]
            # With attestations a single image would be an index, in one image store only.
            self.docker(
                "buildx", "build", "--load", "--provenance=false", *tags, *arguments, _folder(image)
            )
            for name in names:
                self.docker("push", "--quiet", name)


def stock(shelf: Shelf) -> None:
    """Make the images that are missing, or whose ingredients have changed."""
    bundle = machine_bundle(os.environ)
    base_inputs = inputs_digest(_folder(BASE), bundle.read_bytes() if bundle else b"")
    if not _in_stock(shelf, BASE, base_inputs):
        shelf.build(
            BASE, base_inputs, *_rootfs_arguments(shelf), *_bundle_arguments(shelf.home, bundle)
        )
    for image in (PLAIN, COMMUNITY):
        inputs = inputs_digest(_folder(image), base_inputs.encode())
        if not _in_stock(shelf, image, inputs):
            shelf.build(image, inputs, "--build-arg", f"BASE={shelf.reference(BASE)}")


def inputs_digest(folder: Path, more: bytes) -> str:
    """Names and contents of a flat folder, and more, as a word that a tag can hold."""
    digest = hashlib.sha256(more)
    for file in sorted(folder.iterdir()):
        digest.update(f"\0{file.name}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:12]


def machine_bundle(environ: Mapping[str, str]) -> Path | None:
    """The certificates that programs of this machine are told to trust instead of their own."""
    named = (environ.get(variable) for variable in BUNDLE_VARIABLES)
    return next((Path(name) for name in named if name), None)


def _in_stock(shelf: Shelf, image: str, inputs: str) -> bool:
    digest = shelf.digest(image)
    return digest is not None and digest == shelf.digest(_marker(image, inputs))


def _marker(image: str, inputs: str) -> str:
    """A second tag, which tells what the image was made of."""
    return f"{image.partition(':')[0]}:inputs-{inputs}"


def _folder(image: str) -> Path:
    return IMAGES / image.partition(":")[0].removeprefix("lab/")


def _bundle_arguments(home: Home, bundle: Path | None) -> list[str]:
    if bundle is None:
        return ["--target", "public"]
    context = home.cache / "trust"
    context.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(bundle, context / "ca-certificates.crt")
    return ["--target", "inspected", "--build-context", f"trust={context}"]


def _rootfs_arguments(shelf: Shelf) -> list[str]:
    """Debian's own mirror where this machine has one, since no public registry may be in reach."""
    if not can_unpack() or machine_source().origin != "Debian":
        return []
    reference = shelf.reference(ROOTFS)
    if shelf.digest(ROOTFS) is None:
        shelf.docker("import", _rootfs(shelf.home), reference)
        shelf.docker("push", "--quiet", reference)
    return ["--build-arg", f"ROOTFS={reference}"]


def _rootfs(home: Home) -> Path:
    tar = home.cache / f"rootfs-{SUITE}.tar"
    if not tar.exists():
        tree = home.packages / "debootstrap"
        unpack(("debootstrap",), tree)
        install({"wget": "wget"})
        home.cache.mkdir(parents=True, exist_ok=True)
        with step(f"debootstrap {SUITE}"), tempfile.TemporaryDirectory(dir=home.cache) as scratch:
            _debootstrap(tree / "usr", Path(scratch) / "root")
            excluded = [f"--exclude=./{pattern}" for pattern in NOT_PACKED]
            run("tar", "-C", f"{scratch}/root", *excluded, "-cf", f"{scratch}/root.tar", ".")
            Path(scratch, "root.tar").rename(tar)
    return tar


def _debootstrap(program: Path, into: Path) -> None:
    run(
        # What it mounts goes with the namespace, however it ends.
        "unshare",
        "--mount",
        program / "sbin" / "debootstrap",
        "--variant=minbase",
        "--force-check-gpg",
        f"--keyring={DEBIAN_KEYRING}",
        SUITE,
        into,
        machine_source().mirror,
        extra_env={"DEBOOTSTRAP_DIR": str(program / "share" / "debootstrap")},
    )
