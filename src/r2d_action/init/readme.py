"""The README of a community's repository: what to click, in the order in which it is clicked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from textwrap import fill

from r2d_action import HOME
from r2d_action.init.answers import IMAGE, REGISTRY, Answers
from r2d_action.init.logins import DOCS, NEW, Login
from r2d_action.init.ways import WORKFLOW, readme_part

_WIDTH = 100
_UNBROKEN = "\0"
EXAMPLE_OWNER = IMAGE.partition("/")[0]
_PULL_REQUESTS = f"{DOCS}/how-to/hub-pull-request.md"


def readme(answers: Answers, login: Login | None) -> str:
    values = {"base": answers.base, "home": HOME, "docs": DOCS}
    top = readme_part(answers.way.name, values)
    if login is None or answers.image is None:
        return top
    values |= {
        "image": answers.image.name,
        "for_everybody": _wrapped(_for_everybody(answers)),
        "change": _wrapped(_change(answers)),
        "go_back": _wrapped(_go_back(answers)),
    }
    said_first = f"{_wrapped(_STANDS_FOR)}\n\n" if _is_example(answers) else ""
    steps = _numbered(_steps(answers, login))
    published = readme_part("published", values)
    return f"{top}\n## Set it up, once\n\n{said_first}{steps}\n{published}"


_STANDS_FOR = (
    f"`{EXAMPLE_OWNER}` stands for your organization at {REGISTRY}, or for your own account there: "
    "wherever you read it here, write your name."
)


def _is_example(answers: Answers) -> bool:
    return str(answers.image) == f"{REGISTRY}/{IMAGE}"


def _steps(answers: Answers, login: Login) -> Iterator[str]:
    yield _first_step(answers, login)
    yield from login.steps
    if answers.hub_repo:
        yield (
            "Make a [fine-grained token](https://github.com/settings/personal-access-tokens/new) "
            f"for the repository `{answers.hub_repo}` alone, with the permissions **Contents** and "
            f"**Pull requests**, both **Read and write**. Then open {NEW} again: the name is "
            "`HUB_TOKEN`, and the secret is that token."
        )
    yield f"Open `{WORKFLOW}` on GitHub, and press the pencil. {_names(answers, login)}"
    yield (
        "Open **Actions → Image → Run workflow**, and press the green button. The first image "
        "takes some minutes; when the run is green, it is published."
    )


def _first_step(answers: Answers, login: Login) -> str:
    put = (
        "Put these files into a repository of your own on GitHub, those whose names begin with a "
        "dot too. GitHub starts a run at once"
    )
    if login.secrets or login.inputs or answers.hub_repo:
        return f"{put}, which turns red as long as the next steps are not done. That does no harm."
    return f"{put}."


def _names(answers: Answers, login: Login) -> str:
    own = [name for name, _ in login.inputs if not name.startswith("PUBLIC_")]
    names = [f"`{name}`" for name in ("IMAGE_NAME", *own)]
    listed = f"{', '.join(names[:-1])} and {names[-1]}" if names[1:] else names[0]
    if _is_example(answers):
        return f"In {listed}, write your name in place of `{EXAMPLE_OWNER}`, and commit."
    say = "say" if names[1:] else "says"
    return f"See that {listed} {say} what you have made. If not, correct it, and commit."


def _for_everybody(answers: Answers) -> str:
    if answers.hub_repo:
        return (
            f"For everybody, name the image in the hub's configuration in `{answers.hub_repo}` "
            "once, by hand. From then on, a pull request there puts each new image into it. Merge "
            "it, and new servers start with the new image."
        )
    return (
        "For everybody, give the reference to whoever configures the hub. If the configuration is "
        "in a repository on GitHub, each new image can be proposed there by a pull request: add "
        f"`HUB_REPO: owner/name` under `with:` in `{WORKFLOW}`, `HUB_TOKEN: ${{{{ "
        "secrets.HUB_TOKEN }}` under `secrets:`, and the secret `HUB_TOKEN` "
        f"([how to make one]({_PULL_REQUESTS}#let-the-workflow-in))."
    )


def _change(answers: Answers) -> str:
    return (
        f"Open {answers.way.edited} on GitHub, press the pencil, and change it. Behind **Commit "
        "changes…**, choose to create a new branch and to start a pull request. The image is built "
        "and checked, and a comment there says how it went, with a reference to try it; nobody's "
        "server changes. Press **Merge pull request**, and the image is published as `latest` and "
        "under the first 12 digits of the new commit. From a fork, it is built and checked only."
    )


def _go_back(answers: Answers) -> str:
    stays = "Every image stays in the registry, which lists the tags of all."
    if answers.hub_repo:
        return (
            f"{stays} In `{answers.hub_repo}`, open the pull request that brought the new image, "
            "and press **Revert**. Merge what this makes, and new servers start with the earlier "
            "image."
        )
    return (
        f"{stays} Paste the reference of an earlier run into the hub, and new servers start with "
        "the earlier image."
    )


def _numbered(steps: Iterable[str]) -> str:
    return "".join(f"{_wrapped(step, f'{n}. ', '   ')}\n" for n, step in enumerate(steps, 1))


def _wrapped(text: str, first: str = "", rest: str = "") -> str:
    return fill(
        re.sub(r"`[^`]+`", lambda code: code[0].replace(" ", _UNBROKEN), text),
        _WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    ).replace(_UNBROKEN, " ")
