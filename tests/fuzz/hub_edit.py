"""Edits mutated files of hubs, and looks for crashes and for writes that nobody asked for.

    python tests/fuzz/hub_edit.py --seed 1 --megabytes 10

The files are mutations of real shapes (``tests/unit/hub_cases``, or the YAML files below
``--corpus``). The same seed makes the same files. A finding is printed and left in ``--keep``.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml

from fuzz.hub_oracle import CANNOT_JUDGE, Judge
from r2d_action.hub.edit import edit
from r2d_action.hub.values import Edited, NewImage
from r2d_action.reference import Digest, Repository, Tag

CASES = Path(__file__).parents[1] / "unit" / "hub_cases"
IMAGE = "quay.io/example-org/user-image"
TAG, DIGEST = "2099.12-new", "sha256:" + "9d" * 32
PINNED = NewImage(Repository.parse(IMAGE), Tag(TAG), Digest(DIGEST))
NEW_IMAGES = (PINNED, replace(PINNED, digest=None))

OLD_DIGEST = "sha256:" + "1f" * 32
PIECES = (
    *(f"{IMAGE}:v1", f"{IMAGE}:v2", IMAGE, f"{IMAGE}-gpu:v1", "quay.io/other/image"),
    *(f"image: {IMAGE}:v1\n", f"name: {IMAGE}\n", "name: quay.io/other/image\n", "tag: v1\n"),
    *("newTag: v1\n", f"digest: {OLD_DIGEST}\n", f"@{OLD_DIGEST}", "registry: quay.io\n"),
    *("repository: example-org/user-image\n", "description: ", "hub:\n", "sops:\n  mac: x\n"),
    *("&a ", "*a", "&b ", "*b", "<<: *a\n", "!!str ", "!x ", "---\n", "...\n", "{{ x }}"),
    *("- ", ": ", "? ", "#", " # ", "'", '"', "|\n", ">-\n", "{", "}", "[", "]", ", ", "null", "~"),
    *("\n", "\r\n", "\t", "  ", "\\", "%", "\ufeff", "\x85", "é", "\U0001f4d3"),
)


@dataclass(slots=True)
class Tally:
    files: int = 0
    size: int = 0
    changed: int = 0
    refused: int = 0
    findings: list[tuple[str, str]] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.files} files, {self.size} bytes: {self.changed} changed, "
            f"{self.refused} refused, {len(self.findings)} findings"
        )


def fuzz(seed: int, size: int, corpus: tuple[str, ...]) -> Tally:
    """Until ``size`` bytes of mutated files have been edited."""
    chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    tally = Tally()
    while tally.size < size:
        text = mutated(chance, corpus)
        tally.files += 1
        tally.size += len(text.encode())
        try:
            finding = judged(text, chance.choice(NEW_IMAGES), tally)
        except Exception as error:  # noqa: BLE001 - a crash is what this looks for
            finding = repr(error)
        if finding:
            tally.findings.append((finding, text))
    return tally


def judged(text: str, new: NewImage, tally: Tally) -> str:
    result = edited(text, new)
    tally.refused += bool(result.refusals)
    if not result.changed:
        return ""
    tally.changed += 1
    [file] = result.changed
    after = file.after.decode()
    before, now = text.removeprefix("\ufeff"), after.removeprefix("\ufeff")
    again = edited(after, new)
    judge = Judge((IMAGE,), TAG, str(new.digest or ""))
    if again.changed or again.refusals:
        return "not the same when done again"
    try:
        return judge.objection(before, now) or judge.forgotten(now)
    except CANNOT_JUDGE:
        tally.changed -= 1
        return ""


def edited(text: str, new: NewImage) -> Edited:
    return edit({"values.yaml": text.encode()}, new)


# Mutations ------------------------------------------------------------------------------------


def mutated(chance: random.Random, corpus: tuple[str, ...]) -> str:
    text = chance.choice(corpus)
    for _ in range(chance.randrange(6)):
        text = chance.choice(MUTATIONS)(chance, text, corpus)
    return text


def insert_piece(chance: random.Random, text: str, _: tuple[str, ...]) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice(PIECES) + text[at:]


def insert_line(chance: random.Random, text: str, _: tuple[str, ...]) -> str:
    """At the indentation of the line before which it comes, so that it is often still YAML."""
    lines = text.splitlines(keepends=True) or [""]
    at = chance.randrange(len(lines))
    indentation = lines[at][: len(lines[at]) - len(lines[at].lstrip(" "))]
    lines.insert(at, f"{indentation}{chance.choice(PIECES).strip()}\n")
    return "".join(lines)


def cut(chance: random.Random, text: str, _: tuple[str, ...]) -> str:
    start = chance.randrange(len(text) + 1)
    return text[:start] + text[start + chance.randrange(12) :]


def move_lines(chance: random.Random, text: str, _: tuple[str, ...]) -> str:
    lines = text.splitlines(keepends=True)
    start, end = sorted(chance.randrange(len(lines) + 1) for _ in range(2))
    taken, rest = lines[start:end], lines[:start] + lines[end:]
    at = chance.randrange(len(rest) + 1)
    return "".join(rest[:at] + taken + rest[at:])


def double_lines(chance: random.Random, text: str, _: tuple[str, ...]) -> str:
    lines = text.splitlines(keepends=True)
    start, end = sorted(chance.randrange(len(lines) + 1) for _ in range(2))
    return "".join(lines[:end] + lines[start:end] + lines[end:])


def indent(chance: random.Random, text: str, _: tuple[str, ...]) -> str:
    lines = text.splitlines(keepends=True)
    start, end = sorted(chance.randrange(len(lines) + 1) for _ in range(2))
    by = " " * chance.randrange(1, 4)
    return "".join(by + one if start <= at < end else one for at, one in enumerate(lines))


def graft(chance: random.Random, text: str, corpus: tuple[str, ...]) -> str:
    return text + chance.choice(("", "\n", "---\n")) + chance.choice(corpus)


def change_tag(chance: random.Random, text: str, _: tuple[str, ...]) -> str:
    return text.replace("v1", chance.choice(("1.0", "v3", "2024-01-01", "{x}", "0x1f", "latest")))


def one_break(chance: random.Random, text: str, _: tuple[str, ...]) -> str:
    return text.replace("\n", chance.choice(("\r\n", "\r", "\n\n", " \n")))


MUTATIONS: tuple[Callable[[random.Random, str, tuple[str, ...]], str], ...] = (
    insert_piece, insert_piece, insert_line, insert_line, cut, move_lines, double_lines, indent,
    graft, change_tag, one_break,
)  # fmt: skip


# The program ----------------------------------------------------------------------------------


def own_corpus() -> tuple[str, ...]:
    """One image throughout, so that grafted files speak of the same."""
    texts = (_text(path) for path in sorted(CASES.glob("*/before.y*ml")))
    return tuple(text for text in texts if IMAGE in text)


def corpus_below(folder: Path) -> tuple[str, ...]:
    """Other people's files, with every fifth image of theirs made ours."""
    texts = [_text(path) for path in sorted(folder.rglob("*.y*ml"))]
    return tuple(_with_our_image(text) for text in texts)


def _with_our_image(text: str) -> str:
    names = sorted(_images(text))
    for name in names[::5] or names[:1]:
        text = text.replace(name, IMAGE)
    return text


def _images(text: str) -> Iterator[str]:
    try:
        events = list(yaml.parse(text, Loader=yaml.CSafeLoader))
    except yaml.YAMLError:
        return
    for event in events:
        value = getattr(event, "value", "") or ""
        if "/" in value and " " not in value and ":" in value and "//" not in value:
            yield value.rpartition(":")[0]


def _text(path: Path) -> str:
    return path.read_bytes().decode()


def main() -> None:
    parser = argparse.ArgumentParser(description="Fuzz the edit of a hub's files.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--megabytes", type=float, default=10)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    corpus = corpus_below(options.corpus) if options.corpus else own_corpus()
    tally = fuzz(options.seed, int(options.megabytes * 1_000_000), corpus)
    for number, (finding, text) in enumerate(tally.findings):
        sys.stdout.write(f"{number}: {finding}\n")
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            (options.keep / f"{number}.yaml").write_bytes(text.encode())
    sys.stdout.write(f"{tally}\n")
    sys.exit(bool(tally.findings))


if __name__ == "__main__":
    main()
