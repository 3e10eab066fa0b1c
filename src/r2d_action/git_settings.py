"""Settings for git that its environment holds, as far as they let it in somewhere."""

from __future__ import annotations

import base64
from collections.abc import Mapping


def user_and_token(token: str) -> str:
    """As GitHub takes a token in place of a password."""
    return f"x-access-token:{token}"


def login_settings(logins: Mapping[str, str], env: Mapping[str, str]) -> dict[str, str]:
    """Variables that join those in ``env`` and give git a login, ``user:password``, for each
    address: neither the list of processes nor a file shows it there.

    https://git-scm.com/docs/git-config#Documentation/git-config.txt-GITCONFIGCOUNT
    """
    if not logins:
        return {}
    count = int(env.get("GIT_CONFIG_COUNT") or 0)
    settings = {"GIT_CONFIG_COUNT": str(count + len(logins))}
    for number, (address, login) in enumerate(logins.items(), count):
        pair = base64.b64encode(login.encode()).decode()
        settings[f"GIT_CONFIG_KEY_{number}"] = f"http.{address}.extraHeader"
        settings[f"GIT_CONFIG_VALUE_{number}"] = f"Authorization: Basic {pair}"
    return settings
