"""The files of a new repository, and their way to the disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from r2d_action.errors import InputError
from r2d_action.init.answers import BASE, IMAGE, REGISTRY, Answers, Given, answers, nobody_to_ask
from r2d_action.init.caller import caller_workflow
from r2d_action.init.logins import login_for
from r2d_action.init.readme import readme
from r2d_action.init.ways import INHERIT, WORKFLOW, files_of

README = "README.md"


def repository_files(wanted: Answers) -> dict[str, str]:
    """All texts by their paths, sorted."""
    login = login_for(wanted.image) if wanted.image else None
    texts = files_of(wanted.way, {"base": wanted.base})
    texts |= {WORKFLOW: caller_workflow(wanted, login), README: readme(wanted, login)}
    return dict(sorted(texts.items()))


def template_repo() -> dict[str, str]:
    """What template-repo/ holds: the way that fits most, with names to be replaced."""
    given = Given(way=INHERIT.name, registry=REGISTRY, image=IMAGE, base=BASE)
    return repository_files(answers(given, nobody_to_ask))


def write_new(folder: Path, texts: Mapping[str, str]) -> tuple[str, ...]:
    """The paths that were written; those that hold the same already are left alone.

    Raises :class:`InputError` before anything is written, if a file would be replaced.
    """
    missing = tuple(path for path in texts if not (folder / path).exists())
    others = [
        path for path in texts if path not in missing and _differs(folder / path, texts[path])
    ]
    if others:
        raise InputError(
            f"{folder} has {', '.join(others)} already, with other content, and nothing was "
            "written; name an empty folder, or move these files away first."
        )
    for path in missing:
        _write(folder / path, texts[path])
    return missing


def _differs(path: Path, text: str) -> bool:
    return not path.is_file() or path.read_bytes() != text.encode()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    if text.startswith("#!"):
        path.chmod(0o755)
