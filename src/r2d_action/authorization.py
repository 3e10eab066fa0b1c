"""The header ``Authorization``, and nothing in its place.

Without an authentication of its own, requests asks the user's ~/.netrc for one, and overwrites a
header that is there: https://requests.readthedocs.io/en/latest/user/authentication/#netrc-authentication
"""

from __future__ import annotations

from dataclasses import dataclass

import requests


def as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """For a request that has its header, or is nobody's."""
    return request


@dataclass(frozen=True, slots=True, repr=False)
class Bearer(requests.auth.AuthBase):
    """``scheme`` is the word before the token."""

    token: str
    scheme: str = "Bearer"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"{self.scheme} {self.token}"
        return request
