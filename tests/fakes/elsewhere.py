"""Hosts of the internet, which are servers on this machine."""

from __future__ import annotations

from typing import Any

import requests
from requests.adapters import HTTPAdapter


class Elsewhere(HTTPAdapter):
    """What is asked of ``https://{host}`` is answered by ``http://{there}``."""

    def __init__(self, host: str, there: str) -> None:
        super().__init__()
        self.here, self.there = f"https://{host}/", f"http://{there}/"

    def send(self, request: requests.PreparedRequest, **how: Any) -> requests.Response:  # type: ignore[override]
        sent = request.copy()
        sent.url = str(request.url).replace(self.here, self.there, 1)
        answer = super().send(sent, **{**how, "proxies": {}})
        answer.url, answer.request = str(request.url), request
        if location := answer.headers.get("Location"):
            answer.headers["Location"] = location.replace(self.there, self.here, 1)
        return answer


def session_with(host: str, there: str) -> requests.Session:
    session = requests.Session()
    session.mount(f"https://{host}/", Elsewhere(host, there))
    return session
