"""The configuration of the lab's hub. What varies comes as JSON in R2D_LAB_HUB."""

import asyncio
import json
import os
import sys
import urllib.request
from typing import Any

from jupyterhub.apihandlers.base import APIHandler  # type: ignore[import-not-found]
from jupyterhub.scopes import needs_scope  # type: ignore[import-not-found]

# Put there by whoever executes this file.
c: Any = globals()["get_config"]()
options: dict[str, Any] = json.loads(os.environ["R2D_LAB_HUB"])
CONFIGURATOR = "http://127.0.0.1:{configurator_port}/services/configurator".format(**options)


async def apply_configurator(spawner: Any) -> None:
    """What the configurator does on a hub: it overrides the spawner's traits at each start."""
    data = await asyncio.to_thread(_configured)
    fields = data.get("schema", {}).get("properties")
    for key, value in (data["config"] if fields is not None else data).items():
        # A key that the schema does not have stops every start, as it does on a hub.
        trait = fields[key]["traitlet"] if fields is not None else key
        if value:
            setattr(spawner, trait.rpartition(".")[2], value)


def _configured() -> Any:
    with urllib.request.urlopen(f"{CONFIGURATOR}/config", timeout=10) as answer:  # noqa: S310
        return json.load(answer)


class LabSettings(APIHandler):  # type: ignore[misc]
    """Changes settings that a hub otherwise reads once: limits, and whether servers have names."""

    @needs_scope("admin:servers")  # type: ignore[untyped-decorator]
    async def patch(self) -> None:
        changed = self.get_json_body()
        before = {name: self.settings[name] for name in changed}
        self.settings.update(changed)
        self.write(json.dumps(before))


os.chdir(options["directory"])
c.JupyterHub.bind_url = f"http://127.0.0.1:{options['port']}"
c.JupyterHub.hub_ip = options["hub_address"]
c.JupyterHub.hub_port = options["hub_port"]
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{options['proxy_api_port']}"
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = options["admin_token"]
c.Authenticator.admin_users = {"admin"}
c.Authenticator.allowed_users = {"image-check"}
c.JupyterHub.allow_named_servers = True
c.JupyterHub.extra_handlers = [("/api/lab-settings", LabSettings)]

# Otherwise without an entry among the settings, and not to be changed later on.
c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 10}

c.JupyterHub.spawner_class = "docker"
c.DockerSpawner.image = options["image"]
c.DockerSpawner.allowed_images = {"fixed": options["image"]}
c.DockerSpawner.cmd = "jupyterhub-singleuser"
c.DockerSpawner.prefix = options["containers"]
c.DockerSpawner.use_internal_ip = True
c.DockerSpawner.network_name = "bridge"
c.DockerSpawner.remove = True
c.Spawner.pre_spawn_hook = apply_configurator
c.Spawner.http_timeout = 120
c.Spawner.start_timeout = 120

c.JupyterHub.services = [
    {"name": "tests", "api_token": options["admin_token"]},
    {"name": "r2d-action", "api_token": options["builder_token"]},
    {
        "name": "configurator",
        "url": f"http://127.0.0.1:{options['configurator_port']}",
        "command": [sys.executable, options["configurator_program"]],
        "oauth_no_confirm": True,
    },
]
c.JupyterHub.load_roles = [
    {
        "name": "tests",
        "services": ["tests"],
        "scopes": ["admin:users", "admin:servers", "tokens", "access:servers"],
    },
    {
        "name": "r2d-action",
        "services": ["r2d-action"],
        "scopes": ["servers!user=image-check", "tokens!user=image-check"],
    },
]
