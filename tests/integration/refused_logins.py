"""How every refusal of a login reads: one sentence, with nothing secret in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from r2d_action.errors import LoginFailed


def refused(login: Callable[[], object]) -> LoginFailed:
    with pytest.raises(LoginFailed) as caught:
        login()
    assert "\n" not in caught.value.what
    return caught.value


def require_no_secret(secrets: Iterable[str], texts: Iterable[str]) -> None:
    told = "\n".join(texts)
    assert not [secret for secret in secrets if secret and secret in told]
    # How a JSON web token begins, and a key.
    assert "eyJ" not in told
    assert "PRIVATE KEY" not in told
