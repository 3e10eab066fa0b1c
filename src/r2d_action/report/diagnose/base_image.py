"""What the build starts from cannot be had: an image, or repo2docker's base environment."""

from __future__ import annotations

import re

from r2d_action.report.diagnose.diagnosis import Diagnosis
from r2d_action.report.diagnose.passage import instruction_place
from r2d_action.report.diagnose.sources import Sources
from r2d_action.report.diagnose.stream import Stream
from r2d_action.report.diagnose.words import block, code

RATE_LIMIT_LINK = "https://docs.docker.com/docker-hub/usage/pulls/"

BASE_ENVIRONMENT_SCRIPT = "install-base-env.bash"

_NO_TOOL = re.compile(r"(?:wget|tar|bzip2): (?:command not found|Cannot exec)")
_METADATA = re.compile(r"\[internal\] load metadata for (\S+)")
_UNRESOLVED = re.compile(r"failed to resolve source metadata for ([^\s:]+(?::\d+/)?\S*?):? ")
_PULLED = re.compile(r"^(?:\[[^\]]*\] )?FROM (\S+)")
_FROM = re.compile(r"^FROM\s+(?:--\S+\s+)*([^\s$]+)(?:\s|$)", re.IGNORECASE)
_RATE_LIMIT = re.compile(r"toomanyrequests|\b429\b")
_PLATFORM = re.compile(
    r"no match for platform in manifest|no matching manifest for|exec format error"
)
_DENIED = re.compile(
    r"pull access denied|unauthorized|authentication required|authorization failed"
    r"|\b40[13] |insufficient_scope|denied:"
)
_UNKNOWN = re.compile(r"manifest unknown|manifest for \S+ not found|: not found|name unknown")
_STAGE = re.compile(r"--(?:from|mount=\S*from)=([A-Za-z][\w-]*)(?:[\s,]|$)")
_SHELL_FORMAT = re.compile(r"exec /\S+: exec format error|exec format error$", re.IGNORECASE)


def base_environment(stream: Stream, sources: Sources) -> Diagnosis | None:
    """repo2docker's own part of every image that it writes the Dockerfile of."""
    if sources.dockerfile or BASE_ENVIRONMENT_SCRIPT not in stream.instruction:
        return None
    if stream.find(_NO_TOOL):
        return Diagnosis(
            what="The image to start from lacks programs that repo2docker needs.",
            why="The base environment comes by `wget`, `tar` and `bzip2`, which the usual image "
            "has.",
            remedy="Leave `--Repo2Docker.base_image` out of REPO2DOCKER_EXTRA_ARGS, or name an "
            "image made from `buildpack-deps`.",
        )
    return Diagnosis(
        what="repo2docker's base environment could not be downloaded.",
        why="Most often its server or the network is down for a short while, and nothing is wrong "
        "with the repository.",
        remedy="Run the job again. If it fails the same way again, look for news of an outage, and "
        "try a newer repo2docker with FORCE_REPO2DOCKER_VERSION.",
    )


def unknown_stage(stream: Stream, sources: Sources) -> Diagnosis | None:
    """``COPY --from=name`` takes a name that no stage has for that of an image."""
    match = _STAGE.search(_excerpt_text(stream))
    if not match or not _image(stream):
        return None
    return Diagnosis(
        what=f"{code(match[0].strip())} names no part of this Dockerfile.",
        why="Files can be taken from an earlier part of the Dockerfile, whose first line gives it "
        "that name, or from another image.",
        remedy=f"Give the part its name:{block(f'FROM some/image:tag AS {match[1]}')}"
        "\nor write the whole name of an image.",
        place=instruction_place(stream, sources),
    )


def rate_limited(stream: Stream, sources: Sources) -> Diagnosis | None:
    image = _image(stream)
    if not image or not _RATE_LIMIT.search(stream.verdict):
        return None
    return Diagnosis(
        what=f"The registry of {code(image)} takes no more pulls from this machine for now.",
        why="Docker Hub counts pulls without a login by the machine's address, which hosted "
        "runners share with many others.",
        remedy="Run the job again later, or log in before this action:"
        + block(
            "- uses: docker/login-action@v3\n"
            "  with:\n"
            "    username: ${{ vars.DOCKER_HUB_USERNAME }}\n"
            "    password: ${{ secrets.DOCKER_HUB_TOKEN }}"
        ),
        place=instruction_place(stream, sources),
        link=RATE_LIMIT_LINK,
    )


def wrong_platform(stream: Stream, sources: Sources) -> Diagnosis | None:
    image = _image(stream)
    if not (image and _PLATFORM.search(stream.verdict)) and not stream.find(_SHELL_FORMAT):
        return None
    name = f"{code(image)} is" if image else "The image, or a program in it, is"
    return Diagnosis(
        what=f"{name} made for another kind of processor than this machine's.",
        why="Images made on a Mac with Apple's processor, for example, are for `linux/arm64`, and "
        "hosted runners are `linux/amd64`.",
        remedy="Use a tag of the image that is made for `linux/amd64`, and remove `--platform` "
        "from the `FROM` line.",
        place=instruction_place(stream, sources),
    )


def denied(stream: Stream, sources: Sources) -> Diagnosis | None:
    image = _image(stream)
    if not image or not _DENIED.search(stream.verdict):
        return None
    return Diagnosis(
        what=f"The registry does not hand out {code(image)}.",
        why="The name is misspelled, or the image is private: registries give one answer to both.",
        remedy="Check the name. For a private image, log in to its registry before this action:"
        + block(
            "- uses: docker/login-action@v3\n"
            "  with:\n"
            f"    registry: {_registry(image)}\n"
            "    username: ${{ vars.REGISTRY_USERNAME }}\n"
            "    password: ${{ secrets.REGISTRY_PASSWORD }}"
        ),
        place=instruction_place(stream, sources),
    )


def unknown(stream: Stream, sources: Sources) -> Diagnosis | None:
    image = _image(stream)
    if not image or not _UNKNOWN.search(stream.verdict):
        return None
    return Diagnosis(
        what=f"There is no image {code(image)}.",
        why="Its name or its tag is misspelled, or the tag was deleted.",
        remedy="Look up the image's tags on the page of its registry, and write name and tag just "
        "as they are there.",
        place=instruction_place(stream, sources),
    )


def _image(stream: Stream) -> str:
    """The name of the image that could not be had, as the user wrote it where that is known."""
    step = stream.failed.name if stream.failed else ""
    match = _METADATA.search(step) or _PULLED.search(step) or _UNRESOLVED.search(stream.final)
    if not match:
        return ""
    name = match[1].removeprefix("docker.io/").removeprefix("library/")
    written = _FROM.search(_excerpt_text(stream))
    return written[1] if written else name


def _registry(image: str) -> str:
    first, slash, _ = image.partition("/")
    return first if slash and ("." in first or ":" in first) else "docker.io"


def _excerpt_text(stream: Stream) -> str:
    return "\n".join(stream.excerpt.lines) if stream.excerpt else ""
