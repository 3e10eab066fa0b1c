"""Where an image can be tried by a click: addresses that fill in what a person would type. Pure.

The profile form of KubeSpawner and the names of its fields:
https://jupyterhub-kubespawner.readthedocs.io/en/latest/spawner.html
The links that fill it in, where the hub has jupyterhub-fancy-profiles:
https://github.com/2i2c-org/jupyterhub-fancy-profiles/blob/main/src/context/Permalink.tsx
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from r2d_action.addresses import host_in
from r2d_action.binder.binderhub import BinderSource
from r2d_action.plan import Plan
from r2d_action.publish import Published
from r2d_action.reference import Reference

# Ends the name of the field for a choice that is not in the list.
_FREE_CHOICE = "--unlisted-choice"


@dataclass(frozen=True, slots=True)
class Link:
    """``words`` say what a click on it does."""

    words: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileForm:
    """A profile of the hub at ``url`` whose image can be chosen freely: ``slug`` is the profile's
    own, ``option`` that of its images. ``builds`` says that it offers "Build your own image"."""

    url: str
    slug: str
    option: str = "image"
    builds: bool = False

    @classmethod
    def chosen_by(cls, options: Mapping[str, str], *, url: str, builds: bool) -> ProfileForm | None:
        """The profile that HUB_VERIFY_OPTIONS name, None when they name none."""
        if not url or "profile" not in options:
            return None
        free = (name for name in options if name.endswith(_FREE_CHOICE))
        option = next(free, "image").removesuffix(_FREE_CHOICE)
        return cls(url=url, slug=options["profile"], option=option, builds=builds)


def links_of(plan: Plan, published: Published) -> tuple[Link, ...]:
    repository, hub, binderhub = plan.origin.repository, plan.hub, plan.binder.hub_url
    return launch_links(
        published.reference,
        BinderSource(repository, plan.commit) if repository else None,
        binderhub=binderhub,
        form=ProfileForm.chosen_by(dict(hub.options), url=hub.url, builds=bool(binderhub)),
    )


def launch_links(
    image: Reference,
    source: BinderSource | None = None,
    *,
    binderhub: str = "",
    form: ProfileForm | None = None,
) -> tuple[Link, ...]:
    """``binderhub`` is the address of one that launches, without a slash at its end; ``source``
    is None where nobody but us can get at the repository."""
    return tuple(_links(image, source, binderhub, form))


def _links(
    image: Reference, source: BinderSource | None, binderhub: str, form: ProfileForm | None
) -> Iterator[Link]:
    if binderhub and source:
        host = host_in(binderhub)
        yield Link(f"Launch the repository on {host}", f"{binderhub}/v2/{source.path}")
    if form:
        yield Link("Fill in the hub's form with this image", _filled_in(form, _other(form, image)))
        yield Link("Start a server with this image at once", _started(form, image))
    if form and form.builds and source:
        words = "Fill in the hub's form to build this repository"
        yield Link(words, _filled_in(form, _built(form, source)))


def _other(form: ProfileForm, image: Reference) -> dict[str, str]:
    """The choice "Other…", by whatever name the hub's operator gave it."""
    return {form.option: "unlisted_choice", f"{form.option}:unlisted_choice": str(image)}


def _built(form: ProfileForm, source: BinderSource) -> dict[str, str]:
    return {
        form.option: "--extra-selectable-item",
        f"{form.option}:binderProvider": "gh",
        f"{form.option}:binderRepo": source.repository,
        f"{form.option}:ref": source.short_ref,
    }


def _filled_in(form: ProfileForm, values: Mapping[str, str]) -> str:
    """By way of the login: what follows a # does not outlive it otherwise."""
    content = json.dumps({"profile": form.slug, **values}, separators=(",", ":"))
    base = urlsplit(form.url).path.rstrip("/")
    page = f"{base}/hub/spawn#{urlencode({'fancy-forms-config': content})}"
    return f"{_hub(form)}/login?{urlencode({'next': page})}"


def _started(form: ProfileForm, image: Reference) -> str:
    field = f"profile-option-{form.slug}--{form.option}{_FREE_CHOICE}"
    return f"{_hub(form)}/spawn?{urlencode({'profile': form.slug, field: str(image)})}"


def _hub(form: ProfileForm) -> str:
    return f"{form.url.rstrip('/')}/hub"
