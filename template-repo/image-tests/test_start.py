"""What the start script sets up is there when a server starts."""

import os


def test_start_script_ran() -> None:
    assert os.environ["COMMUNITY_DATA"]
