"""What a hub must allow so that a server can be started and looked at. Pure.

https://jupyterhub.readthedocs.io/en/stable/rbac/scopes.html
"""

from __future__ import annotations

from r2d_action.errors import HubFailed

NEEDED = {
    "read:servers": "servers",
    "start:servers": "servers",
    "delete:servers": "servers",
    "tokens": "tokens",
}
"""What is asked for on the way, and the scope of a role that brings it."""


def require_scopes(scopes: frozenset[str], user: str) -> None:
    """Raises :class:`HubFailed` with the lines that a hub's configuration lacks.

    ``scopes`` are those of the token, or empty when the hub does not tell.
    """
    missing = sorted({wide for scope, wide in NEEDED.items() if not _granted(scope, scopes, user)})
    if scopes and missing:
        raise lacking(missing, user)


def lacking(missing: list[str], user: str) -> HubFailed:
    named = " and ".join(f"`{scope}!user={user}`" for scope in missing)
    return HubFailed(
        f"The token in HUB_API_TOKEN lacks the scope {named}. Give it to the service in the "
        "hub's configuration, and restart the hub:",
        remedy=configuration(user),
    )


def configuration(user: str) -> str:
    """The lines for ``jupyterhub_config.py``, and the same for a Zero to JupyterHub values file."""
    return f"""\
    # jupyterhub_config.py
    c.JupyterHub.services.append({{"name": "r2d-action", "api_token": "<HUB_API_TOKEN>"}})
    c.JupyterHub.load_roles.append({{
        "name": "r2d-action",
        "services": ["r2d-action"],
        "scopes": ["servers!user={user}", "tokens!user={user}"],
    }})
    # or, with Zero to JupyterHub, in the values
    hub:
      services:
        r2d-action:
          apiToken: <HUB_API_TOKEN>
      loadRoles:
        r2d-action:
          services: [r2d-action]
          scopes: ["servers!user={user}", "tokens!user={user}"]"""


def _granted(needed: str, scopes: frozenset[str], user: str) -> bool:
    """Whether ``needed`` is among the scopes, for this user as far as can be told.

    A filter by group or server is left to the hub, which knows who belongs where.
    """
    for scope in scopes:
        name, _, whose = scope.partition("!")
        kind, _, value = whose.partition("=")
        if name in {needed, NEEDED[needed]} and (kind != "user" or value == user):
            return True
    return False
