"""Who we are at a registry, for as long as a run takes: some credentials live for minutes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from r2d_action.registry.auth import Credential

# A request may be under way for some time before a registry looks at who sent it.
LEAST_SECONDS = 60.0


@dataclass(slots=True)
class Login:
    """``renew`` finds the credential, None for nobody, and is asked for another one when that
    is about to expire or was refused; ``clock`` tells seconds since 1970."""

    renew: Callable[[], Credential | None]
    clock: Callable[[], float] = time.time
    _current: Credential | None = field(default=None, init=False, repr=False)
    _known: bool = field(default=False, init=False, repr=False)

    @classmethod
    def of(cls, credential: Credential | None) -> Login:
        """Of a credential that nothing is known to renew."""
        return cls(lambda: credential)

    def credential(self) -> Credential | None:
        """Raises what ``renew`` raises (:class:`LoginFailed`)."""
        if not self._known or self._ends():
            self._renew()
        return self._current

    def renewed(self, refused: Credential | None) -> Credential | None:
        """A credential other than the one that a registry refused, None when there is none."""
        if self._current == refused:
            self._renew()
        return None if self._current == refused else self._current

    def _renew(self) -> None:
        self._current = self.renew()
        self._known = True

    def _ends(self) -> bool:
        expires = self._current.expires if self._current else None
        return expires is not None and expires - self.clock() < LEAST_SECONDS
