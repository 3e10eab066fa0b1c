"""Each package that your community relies on deserves a test, run before an image is pushed."""

import humanize


def test_package_works() -> None:
    assert humanize.naturalsize(1_000_000) == "1.0 MB"
