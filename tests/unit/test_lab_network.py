from ipaddress import IPv4Network

import pytest

from lab.errors import LabError
from lab.network import POOL, free_network


def test_the_first_free_network_is_taken() -> None:
    assert free_network([]) == IPv4Network("10.213.0.0/24")
    assert free_network([IPv4Network("10.213.0.0/23")]) == IPv4Network("10.213.2.0/24")


def test_a_machine_that_uses_the_whole_pool_is_refused() -> None:
    with pytest.raises(LabError, match="in use"):
        free_network([POOL.supernet()])
