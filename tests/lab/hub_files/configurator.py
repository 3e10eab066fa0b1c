"""A service that keeps jupyterhub-configurator's contract, in both of its data formats.

Who may write is decided by the hub: its tokens, its scopes, its protection of forms.
"""

import asyncio
import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jupyterhub.services.auth import HubOAuthenticated  # type: ignore[import-not-found]
from tornado.web import (  # type: ignore[import-not-found]
    Application,
    HTTPError,
    RequestHandler,
    authenticated,
)

STORE = Path("configurator.json")
SCHEMA = {
    "type": "object",
    "name": "config",
    "properties": {
        "z2jh.image": {"type": "string", "traitlet": "KubeSpawner.image"},
        "z2jh.default_interface": {"type": "string", "traitlet": "Spawner.default_url"},
    },
}


def stored() -> dict[str, Any]:
    held: dict[str, Any] = json.loads(STORE.read_text())
    return held


class Config(HubOAuthenticated, RequestHandler):  # type: ignore[misc]
    def get(self) -> None:
        held = stored()
        flat = held["format"] == "flat"
        self.write(held["config"] if flat else {"config": held["config"], "schema": SCHEMA})

    @authenticated  # type: ignore[untyped-decorator]
    def post(self) -> None:
        if not self.current_user.get("admin"):
            raise HTTPError(403)
        STORE.write_text(json.dumps(stored() | {"config": json.loads(self.request.body)}))


async def main() -> None:
    prefix = os.environ["JUPYTERHUB_SERVICE_PREFIX"]
    address = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
    app = Application([(f"{prefix}config", Config)], cookie_secret=os.urandom(32))
    app.listen(address.port, address.hostname)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
