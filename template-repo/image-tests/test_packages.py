"""Each line that your community relies on deserves a test: it runs before an image is pushed."""

import os

import humanize


def test_package_works() -> None:
    assert humanize.naturalsize(1_000_000) == "1.0 MB"


def test_start_script_ran() -> None:
    assert os.environ["COMMUNITY_DATA"]
