"""The CPU time of finding and changing an image in a hub's repository of 500 values files.

Every file has images, resources and texts for six profiles (2 kB, which is the mean at an operator
of a hundred hubs). Three repositories are measured: the image is in none of the files that are
looked at, in five of them, in all. Beside them: PyYAML's fastest reading of the same files, which
is what an edit that loads every file would pay before it does anything.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Mapping

import yaml

from r2d_action.hub.edit import edit
from r2d_action.hub.values import NewImage
from r2d_action.reference import Repository, Tag

FILES = 500
IMAGE = "quay.io/example-org/user-image"
OTHER = "quay.io/example-org/another-image"
NEW = NewImage(Repository.parse(IMAGE), Tag("2026.11.20"))
HEAD = """\
# The hub of a university
jupyterhub:
  ingress:
    hosts: [hub-{number}.example.org]
  singleuser:
    image:
      name: {image}
      tag: "2026.08.01"
    profileList:
"""
PROFILE = """\
      - display_name: "Profile {profile}"
        slug: profile-{profile}
        description: Up to {profile} GB of memory, for courses and small projects
        kubespawner_override:
          image: quay.io/example-org/image-{profile}:2026.08.{profile}
          mem_limit: {profile}G  # as agreed with the teachers
          environment:
            COURSE: "{profile}"
"""
PROFILES = 6


def repository(naming_ours: int) -> dict[str, bytes]:
    return {
        f"config/hub-{number}/values.yaml": values(number, naming_ours > number)
        for number in range(FILES)
    }


def values(number: int, is_ours: bool) -> bytes:
    head = HEAD.format(number=number, image=IMAGE if is_ours else OTHER)
    return (head + "".join(PROFILE.format(profile=one) for one in range(PROFILES))).encode()


def edited(files: Mapping[str, bytes], naming_ours: int) -> None:
    result = edit(files, NEW)
    if len(result.changed) != naming_ours or result.refusals:
        raise RuntimeError(f"{len(result.changed)} files changed instead of {naming_ours}")


def loaded(files: Mapping[str, bytes]) -> None:
    for content in files.values():
        yaml.load(content, Loader=yaml.CSafeLoader)


def seconds(work: Callable[[], None], rounds: int) -> float:
    def once() -> float:
        start = time.process_time()
        work()
        return time.process_time() - start

    return statistics.median(once() for _ in range(rounds))


def table(rounds: int) -> str:
    whole = repository(FILES)
    size = sum(map(len, whole.values()))
    reading = seconds(lambda: loaded(whole), rounds)
    rows = [
        f"| {size / 1e6:.1f} MB in {FILES} files | CPU time | beside reading all |",
        "|---|---|---|",
    ]
    for count in (0, 5, FILES):
        files = repository(count)
        taken = seconds(lambda files=files, count=count: edited(files, count), rounds)  # type: ignore[misc]
        rows.append(f"| the image is in {count} | {taken:.3f} s | {taken / reading:.2f} |")
    rows.append(f"| reading all (libyaml) | {reading:.3f} s | 1 |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the edit of a hub's files.")
    parser.add_argument("--rounds", type=int, default=5)
    sys.stdout.write(table(parser.parse_args().rounds) + "\n")


if __name__ == "__main__":
    main()
