"""The image of a hub whose administrators set it through jupyterhub-configurator.

The service keeps one object. It hands it out to anybody, and takes a new one from a token of
an administrator; it replaces all of it and checks nothing, and a wrong key stops every start
on the hub. So what is there is read, changed in one place, written, and read back.
https://github.com/yuvipanda/jupyterhub-configurator
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from r2d_action.errors import HubFailed
from r2d_action.hub.comparison import PROFILES_RULE
from r2d_action.hub.jupyterhub import Api, Hub, Refused
from r2d_action.reference import InvalidReference, Reference

SERVICE = "configurator"
# The end of the trait's name, which each of the two formats has in a place of its own.
TRAIT = ".image"
EMPTY_REMEDY = (
    "Set any image once by hand on the hub's page /services/configurator/, and run this again."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguratorChange:
    """What was changed at ``hub``. ``old`` is None where nothing was set before; an ``old`` that
    is ``new`` means that there was nothing to do."""

    hub: str
    field: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole object that the service keeps, and which of its fields is the image."""

    config: Mapping[str, object]
    field: str

    @property
    def image(self) -> str | None:
        value = self.config.get(self.field)
        return None if value is None else str(value)

    def with_image(self, image: str | None) -> Settings:
        others = {name: value for name, value in self.config.items() if name != self.field}
        return replace(self, config=others if image is None else {**others, self.field: image})


def update(
    hub: Hub, image: Reference, options: Mapping[str, str], say: Callable[[str], None]
) -> ConfiguratorChange:
    """Have the hub start ``image`` from now on. Raises :class:`HubFailed`.

    ``options`` are the choices that a server is started with to verify it.
    """
    if "profile" in options:
        raise HubFailed(
            "HUB_VERIFY_OPTIONS names a profile of the hub. Nothing was changed.",
            remedy=PROFILES_RULE,
        )
    service = _service(hub)
    before = _read(service)
    new = spelled(before.image, image)
    if new == before.image:
        say(f"{hub.address.base} has {new} already.")
    else:
        _write(service, before.with_image(new))
        say(f"{hub.address.base} starts {new} from now on, and had {before.image or 'none'}.")
        say(PROFILES_RULE)
    return ConfiguratorChange(hub=hub.address.base, field=before.field, old=before.image, new=new)


def go_back(hub: Hub, change: ConfiguratorChange, say: Callable[[str], None]) -> ConfiguratorChange:
    """Set what was there before ``change``, and nothing if somebody has changed it since.

    Raises :class:`HubFailed`.
    """
    if hub.address.base != change.hub:
        raise HubFailed(
            f"The record is of {change.hub}, and HUB_URL is {hub.address.base}. Nothing was "
            "changed; give the hub of the record."
        )
    service = _service(hub)
    now = _read(service)
    if now.image == change.old:
        say(f"{hub.address.base} is back at {change.old or 'no image of its own'} already.")
    elif now.image != change.new or now.field != change.field:
        raise HubFailed(
            f"{hub.address.base} has {now.image or 'no image'} by now, which is not what the "
            f"record put there ({change.new}). Nothing was changed; see on its page "
            "/services/configurator/ who did that and why."
        )
    else:
        _write(service, now.with_image(change.old))
        say(f"{hub.address.base} is back at {change.old or 'no image of its own'}.")
    return ConfiguratorChange(hub=change.hub, field=change.field, old=now.image, new=change.old)


def spelled(old: str | None, image: Reference) -> str:
    """With a digest only where the old one has a digest: not every spawner can read one."""
    try:
        had_digest = old is not None and Reference.parse(old).digest is not None
    except InvalidReference:
        had_digest = False
    return str(image) if had_digest else image.tagged_name


def settings_in(data: Mapping[str, Any]) -> Settings:
    """The settings in either format. Raises :class:`HubFailed` for anything else.

    One has ``config`` and, for each of its fields, the trait in ``schema``; the other has
    the traits as its keys.
    """
    if {"config", "schema"} <= data.keys():
        config, schema = data["config"], data["schema"]
        fields = schema.get("properties") if isinstance(schema, dict) else None
        if not isinstance(config, dict) or not isinstance(fields, dict):
            raise _no_settings("its config or its schema is no object")
        traits = {
            name: str(field.get("traitlet", "")) if isinstance(field, dict) else ""
            for name, field in fields.items()
        }
    else:
        config, traits = data, {name: name for name in data}
    found = [name for name, trait in traits.items() if trait.endswith(TRAIT)]
    if len(found) != 1:
        raise HubFailed(_unclear(found), remedy=EMPTY_REMEDY if not found else "")
    return Settings(config, found[0])


def _unclear(found: list[str]) -> str:
    named = f"several fields for an image: {', '.join(found)}" if found else "no field for an image"
    return f"The hub's configurator has {named}, and it is not clear which one to set."


def _service(hub: Hub) -> Api:
    return hub.below(f"{hub.address.base}/services/{SERVICE}/", hub.api.token)


def _read(service: Api) -> Settings:
    try:
        return settings_in(service.ask_json("GET", "config"))
    except Refused as refusal:
        raise _no_settings(str(refusal)) from refusal


def _no_settings(found: str) -> HubFailed:
    return HubFailed(
        f"The hub has no configurator that could be read at /services/{SERVICE}/: {found}. "
        "Nothing was changed; change the hub's configuration by a pull request instead."
    )


def _write(service: Api, wanted: Settings) -> None:
    try:
        service.ask("POST", "config", dict(wanted.config))
    except Refused as refusal:
        raise _not_written(refusal) from refusal
    found = _read(service)
    if found != wanted:
        raise HubFailed(
            f"The hub's configurator took {wanted.image} and has {found.image or 'none'} now, or "
            "something beside it changed in the same moment. See its page /services/configurator/."
        )


def _not_written(refusal: Refused) -> HubFailed:
    login = HTTPStatus.MULTIPLE_CHOICES <= refusal.status < HTTPStatus.BAD_REQUEST
    if login or refusal.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return HubFailed(
            f"The hub's configurator refuses this token ({refusal.status}). Nothing was changed. "
            "It wants HUB_API_TOKEN to be a token of an administrator's account, from the hub's "
            f"page /hub/token, with the scope `access:services!service={SERVICE}`; the token of a "
            "service is not enough."
        )
    return HubFailed(f"The hub's configurator did not take the new image: {refusal}.")
