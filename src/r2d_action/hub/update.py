"""The inputs about a hub's repository, carried out: a proposal, or an event for its automation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from r2d_action.errors import HubFailed, InputError
from r2d_action.hub.access import App, Surroundings, hub_repository
from r2d_action.hub.description import Facts
from r2d_action.hub.dispatch import dispatch
from r2d_action.hub.edit import edit
from r2d_action.hub.files import look_at
from r2d_action.hub.github import Choose
from r2d_action.hub.propose import Extras, Wanted, propose
from r2d_action.hub.selector import InvalidSelector, Selector, parse_selector
from r2d_action.hub.target import Source, Target
from r2d_action.hub.values import NewImage, Proposal
from r2d_action.inputs import Inputs


def key_of(inputs: Inputs) -> str | App:
    """Raises :class:`InputError` where there is no way in, or more than one."""
    app = bool(inputs.hub_app_id), bool(inputs.hub_app_private_key)
    if any(app) and inputs.hub_token:
        raise InputError(
            "HUB_TOKEN and HUB_APP_ID are two ways into HUB_REPO; leave one of them out."
        )
    if all(app):
        return App(inputs.hub_app_id, inputs.hub_app_private_key)
    if any(app):
        raise InputError(
            "HUB_APP_ID and HUB_APP_PRIVATE_KEY belong together, and one of them is empty; a "
            "secret is empty where it is not stored, and in pull requests from forks."
        )
    if inputs.hub_token:
        return inputs.hub_token
    raise InputError(
        "HUB_REPO needs a way in, because the workflow's own token opens no other repository; "
        "set HUB_APP_ID and HUB_APP_PRIVATE_KEY, or HUB_TOKEN. A secret is empty where it is not "
        "stored, and in pull requests from forks."
    )


def selectors_of(inputs: Inputs) -> tuple[Selector, ...]:
    """Raises :class:`InputError`."""
    try:
        return tuple(map(parse_selector, inputs.hub_select))
    except InvalidSelector as reason:
        raise InputError(f"HUB_SELECT: {reason}.") from reason


def update_hub_repository(
    inputs: Inputs,
    image: NewImage,
    source: Source,
    facts: Facts,
    surroundings: Surroundings,
    *,
    going_back: bool = False,
) -> Proposal:
    """Raises :class:`InputError` and :class:`HubFailed`."""
    selectors, key = selectors_of(inputs), key_of(inputs)
    wanted = Wanted(
        image=image, target=_target(inputs), source=source, facts=facts, going_back=going_back
    )
    with hub_repository(inputs.hub_repo, key, surroundings) as hub:
        if inputs.hub_dispatch:
            dispatch(hub, inputs.hub_dispatch, image, source)
            note = f"The event {inputs.hub_dispatch} was sent to {hub.name}."
            return Proposal(status="dispatched", note=note)
        return propose(
            wanted,
            hub,
            edit=lambda files: edit(
                files, image, selectors, files_were_named=bool(inputs.hub_files)
            ),
            choose=_files_of(inputs),
            extras=_extras(inputs),
        )


def _target(inputs: Inputs) -> Target:
    return Target(
        repository=inputs.hub_repo,
        branch=inputs.hub_branch,
        files=inputs.hub_files,
        select=inputs.hub_select,
    )


def _extras(inputs: Inputs) -> Extras:
    return Extras(
        labels=inputs.hub_labels,
        reviewers=inputs.hub_reviewers,
        auto_merge=inputs.hub_automerge,
    )


def _files_of(inputs: Inputs) -> Choose:
    def choose(paths: Sequence[str]) -> Iterable[str]:
        looked = look_at(paths, inputs.hub_files)
        if looked.unmatched:
            raise HubFailed(
                f"HUB_FILES: {inputs.hub_repo} has no file that {looked.unmatched[0]!r} names; "
                "write paths from the top of that repository, for example `config/*.yaml`."
            )
        return looked.paths

    return choose
