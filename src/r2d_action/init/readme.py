"""The README of a community's repository: what to click, in the order in which it is clicked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from textwrap import fill

from r2d_action import HOME
from r2d_action.init.answers import Answers
from r2d_action.init.logins import NEW, Login
from r2d_action.init.ways import readme_part

_WIDTH = 100


def readme(answers: Answers, login: Login | None) -> str:
    values = {"base": answers.base, "home": HOME}
    top = readme_part(answers.way.name, values)
    if login is None or answers.image is None:
        return top
    values |= {
        "image": answers.image.name,
        "for_everybody": _wrapped(_for_everybody(answers)),
        "change": _wrapped(_change(answers)),
        "go_back": _wrapped(_go_back(answers)),
    }
    steps = _numbered(_steps(answers, login))
    return f"{top}\n## Set it up, once\n\n{steps}\n{readme_part('published', values)}"


def _steps(answers: Answers, login: Login) -> Iterator[str]:
    yield "Put these files into a repository of your own on GitHub, on its branch `main`."
    yield from login.steps
    if answers.hub_repo:
        yield (
            "Make a [fine-grained token](https://github.com/settings/personal-access-tokens/new) "
            f"for the repository `{answers.hub_repo}` alone, with the permissions **Contents** and "
            f"**Pull requests**, both **Read and write**. Then open {NEW} again: the name is "
            "`HUB_TOKEN`, and the secret is that token."
        )
    yield (
        f"Open `.github/workflows/image.yml` and see that {_names(login)} what you have made. If "
        "not, correct it there, and commit."
    )
    yield (
        "Open **Actions → Image → Run workflow**, and press the button. The first image takes some "
        "minutes; when the run is green, it is published."
    )


def _names(login: Login) -> str:
    names = [f"`{name}`" for name in ("IMAGE_NAME", *dict(login.inputs))]
    return f"{', '.join(names[:-1])} and {names[-1]} say" if names[1:] else f"{names[0]} says"


def _for_everybody(answers: Answers) -> str:
    if answers.hub_repo:
        return (
            f"For everybody, a pull request in `{answers.hub_repo}` puts it into the hub's "
            "configuration each time a new image is published. Merge it, and new servers start "
            "with the new image."
        )
    return (
        "For everybody, give it to whoever configures the hub. If the configuration is in a "
        "repository on GitHub, a pull request there can be made for each new image: add "
        "`HUB_REPO: owner/name` under `with:` in `.github/workflows/image.yml`, "
        "`HUB_TOKEN: ${{ secrets.HUB_TOKEN }}` under `secrets:`, and the secret `HUB_TOKEN`, a "
        "token that may write contents and pull requests of that repository."
    )


def _change(answers: Answers) -> str:
    return (
        f"Edit {answers.way.edited} in a pull request. The image is built and checked, and a "
        "comment says how it went; nobody's server changes. Merge it, and the image is published "
        "as `latest` and under the first 12 digits of the commit."
    )


def _go_back(answers: Answers) -> str:
    stays = "Every image stays in the registry."
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
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
