"""The one comment of a pull request, kept current through GitHub's interface.

https://docs.github.com/rest/issues/comments
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import requests

from r2d_action.authorization import Bearer
from r2d_action.retry import Retry, Temporary

SECONDS = 30
PAGE = 100
TEMPORARY = frozenset({429, 500, 502, 503, 504})
NOT_ALLOWED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})


class NotAllowed(Exception):
    """The token may not comment here."""


@dataclass(frozen=True, slots=True)
class PullRequest:
    """``address`` is that of the repository in the interface: https://api.github.com/repos/o/r"""

    address: str
    number: int
    token: str
    session: requests.Session
    retry: Retry

    def tell(self, text: str, key: str, *, anew: bool) -> str:
        """Make the comment of ``key`` say ``text``, and give its address; ``anew`` is false where
        one that is not there is not missed, and the answer is then empty.

        Raises :class:`NotAllowed`, and :class:`Temporary` when GitHub does not answer.
        """
        found = next((one for one in self._comments() if _is_ours(one, key)), None)
        content = {"body": marked(text, key)}
        if found is None and not anew:
            return ""
        if found is None:
            done = self._ask("POST", f"/issues/{self.number}/comments", content)
        else:
            done = self._ask("PATCH", f"/issues/comments/{found['id']}", content)
        return str(done["html_url"])

    def _comments(self) -> Iterator[Mapping[str, Any]]:
        page = 1
        while True:
            query = f"per_page={PAGE}&page={page}"
            found = self._ask("GET", f"/issues/{self.number}/comments?{query}")
            yield from found
            if len(found) < PAGE:
                return
            page += 1

    def _ask(self, method: str, path: str, content: Mapping[str, str] | None = None) -> Any:
        return self.retry("comment", lambda: self._ask_once(method, path, content))

    def _ask_once(self, method: str, path: str, content: Mapping[str, str] | None) -> Any:
        headers = {
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        url = f"{self.address}{path}"
        try:
            answer = self.session.request(
                method,
                url,
                json=content,
                headers=headers,
                auth=Bearer(self.token),
                timeout=SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise Temporary(f"GitHub does not answer ({type(error).__name__})") from error
        if answer.status_code in TEMPORARY:
            raise Temporary(f"GitHub answers {answer.status_code}")
        if answer.status_code in NOT_ALLOWED:
            raise NotAllowed(f"GitHub answers {answer.status_code}")
        answer.raise_for_status()
        return answer.json()


def marked(text: str, key: str) -> str:
    """``text`` as the comment that is found again by ``key``."""
    return f"{marker(key)}\n{text}"


def marker(key: str) -> str:
    return f"<!-- r2d-action: {key} -->"


def _is_ours(comment: Mapping[str, Any], key: str) -> bool:
    """Anybody may write the marker, and a workflow may change what anybody wrote."""
    by = (comment.get("user") or {}).get("type")
    return by == "Bot" and str(comment.get("body") or "").startswith(marker(key))
