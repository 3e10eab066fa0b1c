"""A bridge of its own for each engine, so that several run side by side."""

import ipaddress
import json
import shlex
from collections.abc import Iterable
from contextlib import suppress

from lab.command import run, succeeds
from lab.errors import LabError

POOL = ipaddress.IPv4Network("10.213.0.0/16")
TABLES = ("filter", "nat")
# Of the bridges' names; an interface name has 15 characters at most.
PREFIX = "r2d-"


def ensure_bridge(name: str) -> str:
    """Make the bridge unless it is there, and give its address."""
    interfaces = _interfaces()
    if name not in interfaces:
        network = free_network(address.network for address in interfaces.values())
        run("ip", "link", "add", "name", name, "type", "bridge")
        run("ip", "address", "add", f"{network[1]}/{network.prefixlen}", "dev", name)
    run("ip", "link", "set", name, "up")
    return str(_interfaces()[name].ip)


def remove_bridge(name: str) -> None:
    """Take the bridge away, with the firewall rules that dockerd leaves behind for it."""
    interface = _interfaces().get(name)
    if interface is None:
        return
    for table in TABLES:
        for rule in run("iptables", "-t", table, "-S").splitlines():
            if _concerns(rule, name, interface):
                # dockerd may take a rule away by itself meanwhile.
                with suppress(LabError):
                    run("iptables", "-t", table, "-D", *shlex.split(rule)[1:])
    run("ip", "link", "delete", name)


def ensure_ways_out() -> None:
    """Let the containers of all engines reach the network. An engine that starts or stops takes
    away rules of the others, too."""
    for name, interface in _interfaces().items():
        if not name.startswith(PREFIX):
            continue
        rule = ("POSTROUTING", "-s", str(interface.network), "!", "-o", name, "-j", "MASQUERADE")
        if not succeeds("iptables", "-t", "nat", "-C", *rule):
            run("iptables", "-t", "nat", "-A", *rule)


def _concerns(rule: str, name: str, interface: ipaddress.IPv4Interface) -> bool:
    words = shlex.split(rule)
    return words[0] == "-A" and (name in words or str(interface.network) in words)


def free_network(taken: Iterable[ipaddress.IPv4Network]) -> ipaddress.IPv4Network:
    used = list(taken)
    for network in POOL.subnets(new_prefix=24):
        if not any(network.overlaps(other) for other in used):
            return network
    raise LabError(f"every network of {POOL} is in use on this machine")


def _interfaces() -> dict[str, ipaddress.IPv4Interface]:
    listing = json.loads(run("ip", "-json", "-4", "address"))
    return {
        link["ifname"]: ipaddress.IPv4Interface(f"{address['local']}/{address['prefixlen']}")
        for link in listing
        for address in link.get("addr_info", [])
        if "local" in address
    }
